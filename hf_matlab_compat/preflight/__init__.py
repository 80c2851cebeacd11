"""Checks before the first epoch: each module looks at one thing and says in a sentence what is wrong with it."""
