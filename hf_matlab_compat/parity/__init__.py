"""Parity: comparison of this package with a MATLAB reference, and the first divergence between the two."""
