"""``a:b`` and ``a:step:b``, as arrays and as what a loop runs over."""

from __future__ import annotations

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.context import Context, Untranslatable
from hf_matlab_compat.migrate.values import Binding, Kind, Value, integer


def as_array(node: syntax.Range, context: Context) -> Value:
    """A range as a ROW."""
    first, step, last = parts(node, context)
    bounds = whole_bounds(first, step, last)
    if bounds is not None:
        context.needs("np")
        return Value(f"np.arange({bounds})", Kind.ROW, integer=True)
    context.needs("ml")
    return Value(f"ml.colon({first.text}, {step.text}, {last.text})", Kind.ROW)


def parts(node: syntax.Range, context: Context) -> tuple[Value, Value, Value]:
    """First, step and last, as numbers."""
    step = integer("1") if node.step is None else _scalar(context(node.step), context)
    return _scalar(context(node.first), context), step, _scalar(context(node.last), context)


def whole_bounds(first: Value, step: Value, last: Value) -> str | None:
    """Arguments of `range` for a range of whole numbers; None where it may not be one."""
    if not (first.integer and step.integer and last.integer):
        return None
    descending = step.text.startswith("-")
    if not step.text.lstrip("-").isdigit() or step.text in ("0", "-0"):
        return None
    stop = _moved(last, -1 if descending else 1)
    if step.text == "1":
        return stop if first.text == "0" else f"{first.text}, {stop}"
    return f"{first.text}, {stop}, {step.text}"


def _moved(last: Value, change: int) -> str:
    if last.text.isdigit():
        return str(int(last.text) + change)
    if change > 0 and last.text.endswith(" - 1") and last.binding is Binding.ADD:
        return last.text[:-4]
    return f"{last.at(Binding.ADD)} {'+' if change > 0 else '-'} 1"


def _scalar(value: Value, context: Context) -> Value:
    if value.kind is Kind.NUM:
        return value
    if value.kind in (Kind.STR, Kind.CELL, Kind.STRUCT, Kind.HANDLE, Kind.FILE):
        raise Untranslatable(f"counts from or to {value.kind.value}")
    if value.text.startswith("ml.single("):
        raise Untranslatable("counts in single precision")
    context.needs("ml")
    return Value(f"ml.scalar({value.text})", Kind.NUM)
