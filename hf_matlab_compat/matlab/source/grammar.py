"""The parser for MATLAB's grammar: tree-sitter, from the extra ``migrate``."""

from __future__ import annotations

from typing import Any

from hf_matlab_compat.errors import MigrationError


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
