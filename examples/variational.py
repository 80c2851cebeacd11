"""Black-box variational inference: the normal approximation of a posterior, from a log density of five lines."""

import autograd.numpy as anp
import numpy as np

from hf_matlab_compat import train, variational_problem

random = np.random.default_rng(0)
X = random.standard_normal((2, 50))  # inputs; cases are columns
t = (random.random(50) < 1 / (1 + np.exp(-3 * X[0] + X[1]))).astype(float)  # classes 0 and 1


def log_p(z):
    """Logistic regression with weights z, (2, draws), and a prior N(0, 5² I), up to a constant."""
    y = anp.dot(z.T, X)
    return anp.sum(t * y - anp.logaddexp(0, y), axis=1) - anp.sum(z**2, axis=0) / (2 * 5**2)


def main(epochs: int = 15):
    """Fit on 200 fixed draws by Hessian-free, and on 4 fresh draws by Adam; compare the bounds on fresh draws."""
    fixed = variational_problem(log_p, 2, vectorised=True, draws=200)
    by_hessian_free = train(problem=fixed, max_epochs=epochs)
    fresh = variational_problem(log_p, 2, vectorised=True, draws=4, fresh=True, updates=20)
    by_adam = train(problem=fresh, method="adam", learning_rate=0.05, max_epochs=epochs)
    for name, result in (("Hessian-free", by_hessian_free), ("Adam", by_adam)):
        q = fixed.posterior(result)
        weights = ", ".join(f"{m:.2f} ± {sd:.2f}" for m, sd in zip(q.mean, q.sd, strict=True))
        print(f"{name}: weights {weights}; ELBO {q.elbo:.2f} ± {q.standard_error:.2f}")
    return by_hessian_free


if __name__ == "__main__":
    main()
