"""Late feedback and a wind as plants of your own, made of another plant: what a controller can still do about them."""

import sys

import numpy as np

from hf_matlab_compat import controller, train
from hf_matlab_compat.result import Result
from hf_matlab_compat.rnn.plants import PointMass


class Windy:  # a point mass with a constant force on it, the third component of the state
    state_size, control_size = 3, 1

    def step(self, s, u):
        return np.vstack([PointMass().step(s[:2], u + s[2:]), s[2:]])


class Delayed:
    """Another plant with its last states, s = [s_t; s_{t-1}; …; s_{t-delay}]; the network shall see the last part."""

    def __init__(self, plant, delay):
        self.plant, self.now, self.control_size = plant, plant.state_size, plant.control_size
        self.state_size = self.now * (delay + 1)

    def step(self, s, u):
        return np.vstack([self.plant.step(s[: self.now], u), s[: -self.now]])


def cases(count: int, seed: int, wind: float, delay: int):
    """Starts and goals; a start has been there before."""
    random = np.random.default_rng(seed)
    place, speed, goal, force = random.uniform(-1, 1, (4, count))
    start, end = np.stack([place, speed / 2, wind * force]), np.stack([goal, 0 * goal, 0 * goal])
    return [np.tile(each, (delay + 1, 1)) for each in (start, end)]


def steer(wind: float, delay: int, epochs: int, seed: int, judged: float | None = None) -> Result:
    """Train on 128 cases; the test cases are 256 others, in a wind of their own if `judged` says so."""
    seen = {"hidden_size": 16, "shown_goal": [0], "shown_state": [3 * delay, 3 * delay + 1]}
    seen["end_weights"] = [1, 0.5, 0] + 3 * delay * [0]  # where it is at the end, not where it was
    problem = controller(Delayed(Windy(), delay), *cases(128, seed, wind, delay), steps=15, **seen)
    fresh = problem.on(*cases(256, seed + 1000, wind if judged is None else judged, delay))
    options = {"structural_damping": 0.03, "max_cg_steps": 50, "precision": "double"}
    return train(problem=problem, test_problem=fresh, max_epochs=epochs, seed=seed, **options)


def main(epochs: int = 25, seed: int = 0) -> Result:
    """Print the mean distance from the goal on fresh cases."""
    for delay in (0, 2, 4, 6, 8):
        errors = [steer(wind, delay, epochs, seed).history["test_error"][-1] for wind in (0, 1)]
        print(f"feedback {delay} of 15 steps late: {errors[0]:.4f} without wind, {errors[1]:.4f} in a wind")
    calm = steer(0, 0, epochs, seed, judged=1)
    print(f"trained without wind, then in a wind: {calm.history['test_error'][-1]:.4f}")
    return calm


if __name__ == "__main__":
    main(seed=int(sys.argv[1]) if len(sys.argv) > 1 else 0)
