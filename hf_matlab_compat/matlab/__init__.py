"""Contact with MATLAB and Octave: their files, logs, printed numbers, random streams and names."""
