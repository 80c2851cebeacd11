"""MATLAB and Octave data files, and the checkpoints stored in them."""
