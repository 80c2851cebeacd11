"""The parser for MATLAB's grammar: tree-sitter, from the extra ``migrate``."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from hf_matlab_compat.errors import MigrationError


def is_installed() -> bool:
    """Return whether the parser is installed."""
    return all(find_spec(name) is not None for name in ("tree_sitter", "tree_sitter_matlab"))


def matlab_parser() -> Any:
    """Return tree-sitter's parser for MATLAB.

    Raises
    ------
    MigrationError
        It is not installed.
    """
    try:
        import tree_sitter_matlab
        from tree_sitter import Language, Parser
    except ImportError as error:
        raise MigrationError(
            "tree-sitter-matlab: expected it to be installed, got none. Run pip install 'hf_matlab_compat[migrate]'."
        ) from error
    return Parser(Language(tree_sitter_matlab.language()))
