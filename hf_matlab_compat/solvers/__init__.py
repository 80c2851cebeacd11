"""The rules of Hessian-free optimisation; they know vectors and callables only."""
