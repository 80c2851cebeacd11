"""``clear``: variables that are no longer there."""

from __future__ import annotations

from collections.abc import Sequence

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.context import Context, python_name
from hf_matlab_compat.migrate.syntax import Node
from hf_matlab_compat.migrate.values import Kind, Value
from hf_matlab_compat.migrate.writer import Writer


def is_clear(node: Node) -> bool:
    """Whether an expression is a call of ``clear``."""
    return isinstance(node, syntax.Apply) and node.base == syntax.Name("clear")


def clear(words: Sequence[str], context: Context, writer: Writer) -> None:
    """Forget the variables that are named, or all: what is assigned in part later starts anew."""
    everything = not words or words[0] in ("all", "-all", "variables", "-v")
    wanted = set(context.variables) if everything else set(words)
    for name in sorted(wanted & set(context.variables)):
        if not name.isidentifier():
            continue
        if name in context.usage.written:
            context.needs("np")
            writer.code(f"{python_name(name)} = np.zeros((0, 0))")
            context.define(name, Value("", Kind.EMPTY))
            context.growing.add(name)
        else:
            del context.variables[name]
            context.cleared.add(name)
