"""Handles and anonymous functions."""

from __future__ import annotations

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.context import Context, Untranslatable, python_name
from hf_matlab_compat.migrate.values import Binding, Kind, Value


def handle(node: syntax.Handle, context: Context) -> Value:
    """``@name``."""
    if node.name in context.shared.functions:
        return Value(python_name(node.name), Kind.HANDLE)
    if node.name in ("single", "double"):
        context.needs("np")
        return Value("np.float32" if node.name == "single" else "np.float64", Kind.HANDLE)
    raise Untranslatable(f"makes a handle of {node.name}")


def lambda_text(node: syntax.Lambda, context: Context) -> Value:
    """``@(x) …``."""
    names, body = lambda_parts(node, context)
    return Value(f"lambda {', '.join(names)}: {body}" if names else f"lambda: {body}", Kind.HANDLE, Binding.LAMBDA)


def lambda_parts(node: syntax.Lambda, context: Context) -> tuple[list[str], str]:
    """Parameters and body."""
    hidden = {name: context.variables.get(name) for name in node.parameters}
    names = [python_name(name) for name in node.parameters]
    for name, python in zip(node.parameters, names, strict=True):
        context.variables[name] = Value(python)
    try:
        return names, context(node.body).as_two_dimensional().text
    finally:
        for name, before in hidden.items():
            if before is None:
                del context.variables[name]
            else:
                context.variables[name] = before
