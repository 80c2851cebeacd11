"""The trainer's text log: written, read back, checked and exported."""
