"""What watches a run: text log, checkpoints, displays and Ctrl-C."""
