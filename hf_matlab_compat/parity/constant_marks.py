"""Words that stand behind a constant whose value a reader should look up: certificates count them."""

from __future__ import annotations

NOT_FOUND = "not found: published value assumed"
"""Stands where the files have no such constant that could be read."""

AMBIGUOUS = "ambiguous: "
"""Stands before the reason why the value in force may be another one."""
