"""Checks before the first epoch: each module checks one thing and says in a sentence what is wrong."""
