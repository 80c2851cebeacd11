"""Observers of a run: text log, checkpoints, displays, and the guard for Ctrl-C."""
