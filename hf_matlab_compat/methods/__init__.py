"""Outer methods besides Hessian-free: first-order methods, nonlinear conjugate gradients and L-BFGS."""
