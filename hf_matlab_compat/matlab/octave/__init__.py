"""Octave: started, limited in time and output, stopped, and its temporary files removed."""
