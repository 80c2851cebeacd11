"""A plant of your own: a pendulum with a motor, steered to any angle by a recurrent network trained through it."""

import numpy as np

from hf_matlab_compat import controller, train
from hf_matlab_compat.result import Result


class Pendulum:
    """s = (angle, speed), u = (torque,); each column is a case. Derivatives are found by complex steps on `step`."""

    state_size, control_size = 2, 1

    def step(self, s, u):
        angle, speed = s
        speed = speed + 0.1 * (3 * u[0] - 4 * np.sin(angle) - 0.2 * speed)
        return np.stack([angle + 0.1 * speed, speed])


def cases(count: int, seed: int):
    """Starts and goals: random angles, at rest."""
    random = np.random.default_rng(seed)
    rest = np.zeros(count)
    return tuple(np.stack([random.uniform(-2, 2, count), rest]) for _ in range(2))


def main(epochs: int = 25) -> Result:
    """Train on 128 cases, and look where 200 others end."""
    shown = {"shown_goal": [0], "end_weights": [1, 0.3]}  # the network sees the angle that is asked for
    problem = controller(Pendulum(), *cases(128, seed=1), steps=20, hidden_size=16, **shown)
    fresh = problem.on(*cases(200, seed=2))
    options = {"structural_damping": 0.03, "max_cg_steps": 50, "precision": "double"}
    result = train(problem=problem, test_problem=fresh, max_epochs=epochs, seed=0, **options)
    angles, speeds = fresh.run(result.theta).states[:, -1]
    print(f"mean distance from the angle asked for: {result.history['test_error'][-1]:.3f}")
    print(
        f"mean speed at the end: {np.abs(speeds).mean():.3f}; angles reached: {angles.min():.2f} to {angles.max():.2f}"
    )
    return result


if __name__ == "__main__":
    main()
