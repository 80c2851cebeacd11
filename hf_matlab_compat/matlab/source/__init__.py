"""MATLAB source text: read, never executed."""
