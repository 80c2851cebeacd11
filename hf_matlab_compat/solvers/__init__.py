"""The rules of Hessian-free optimisation. They use vectors and callables only, no networks."""
