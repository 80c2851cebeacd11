"""MATLAB's and Octave's random streams."""
