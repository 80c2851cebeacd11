"""The forms in which the trainer's call circulates, told apart before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from hf_matlab_compat.legacy.dialects import FORMS, Dialect
from hf_matlab_compat.matlab.vocabulary import TRAINER_ARGUMENTS
from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.context import Untranslatable
from hf_matlab_compat.migrate.values import Kind, Value

Given = Mapping[str, tuple[syntax.Node, Value]]

_OPEN = frozenset({Kind.UNKNOWN, Kind.LOADED})
_ARRAYS = frozenset({Kind.ROW, Kind.COLUMN, Kind.ARRAY})
_TEXT = frozenset({Kind.STR})
_CELLS = frozenset({Kind.CELL, Kind.EMPTY})
_KINDS: Mapping[str, frozenset[Kind]] = {
    **dict.fromkeys(("runName", "runDesc", "mattype", "errtype", "compMode"), _TEXT),
    "resumeFile": _TEXT | {Kind.EMPTY},
    **dict.fromkeys(("Win", "bin", "Nin"), _CELLS),
    "paramsp": _ARRAYS | {Kind.EMPTY},
    **dict.fromkeys(("indata", "outdata"), _ARRAYS),
    **dict.fromkeys(("intest", "outtest"), _ARRAYS | {Kind.EMPTY}),
    "layersizes": _ARRAYS | {Kind.NUM, Kind.EMPTY},
    "layertypes": frozenset({Kind.CELL}),
}
"""What an argument can be; a number, where nothing is said."""

_EMPTY = syntax.Matrix(())
_LEFT_OUT: Mapping[str, tuple[syntax.Node, Value]] = {
    "runDesc": (syntax.Text("", False), Value('""', Kind.STR)),
    "mattype": (syntax.Text("gn", False), Value('"gn"', Kind.STR)),
    "jacket": (syntax.Number("0"), Value("0", Kind.NUM, integer=True)),
    "intest": (_EMPTY, Value("np.zeros((0, 0))", Kind.EMPTY)),
    "outtest": (_EMPTY, Value("np.zeros((0, 0))", Kind.EMPTY)),
    "numchunks_test": (syntax.Number("1"), Value("1", Kind.NUM, integer=True)),
}
_CALL = "Call nnet_train, which takes every argument by its name."


def is_number(name: str) -> bool:
    """Whether an argument is a single number."""
    return name not in _KINDS


def given_by_name(name: str, nodes: Sequence[syntax.Node], values: Sequence[Value]) -> tuple[Given, str]:
    """The 22 arguments that a call stands for, and the form it has; raises where it has none that is run."""
    arguments = list(zip(nodes, values, strict=True))
    form = _form(name, values)
    given = dict(zip(form.names, arguments, strict=True))
    return {each: given[each] if each in given else _LEFT_OUT[each] for each in TRAINER_ARGUMENTS}, form.name


def given_by_signature(
    name: str, signature: Sequence[str], nodes: Sequence[syntax.Node], values: Sequence[Value], said: Collection[str]
) -> Given:
    """The 22 arguments of a call of a copy whose own arguments are others, or in another order.

    Parameters
    ----------
    name : str
    signature : sequence of str
        The copy's arguments.
    nodes, values : sequence
        The call's.
    said : collection of str
        Arguments that the copy sets itself.
    """
    if len(values) > len(signature):
        raise Untranslatable(f"calls {name} with {len(values)} arguments; it has {len(signature)}")
    given = dict(zip(signature, zip(nodes, values, strict=True), strict=False))
    extra = [each for each in given if each not in TRAINER_ARGUMENTS]
    if extra:
        raise Untranslatable(f"calls {name} with {', '.join(extra)}, for which there is no argument here. {_CALL}")
    missing = [each for each in TRAINER_ARGUMENTS if each not in given and each not in {*_LEFT_OUT, *said}]
    if missing:
        raise Untranslatable(f"calls {name} without {', '.join(missing)}. {_CALL}")
    return {
        each: given[each] if each in given else _LEFT_OUT[each]
        for each in TRAINER_ARGUMENTS
        if each in given or each not in said
    }


def _form(name: str, values: Sequence[Value]) -> Dialect:
    count = len(values)
    if count == len(TRAINER_ARGUMENTS) and values[0].kind is not Kind.NUM:
        return FORMS[0]
    fitting = [form for form in FORMS if _fits(form, values)]
    if not fitting and count == 23 and values[-2].kind is Kind.STR:
        fitting = [form for form in FORMS if form.name == "KFAC"]
    if len(fitting) == 1 and not fitting[0].refusal:
        return fitting[0]
    raise Untranslatable(f"calls {name} with {count} arguments instead of 22: {_refusal(count, fitting)}")


def _refusal(count: int, fitting: Sequence[Dialect]) -> str:
    if len(fitting) == 1:
        return f"the form '{fitting[0].name}'. {fitting[0].refusal}"
    if fitting:
        return f"it can be the form {' or '.join(form.name for form in fitting)}. {_CALL}"
    early = "an early form of the trainer, whose order is not known" if count == 10 else "no known form of the trainer"
    return f"{early}. {_CALL}"


def _fits(form: Dialect, values: Sequence[Value]) -> bool:
    if len(form.names) != len(values):
        return False
    return all(
        value.kind in _OPEN or value.kind in _KINDS.get(name, frozenset({Kind.NUM}))
        for name, value in zip(form.names, values, strict=True)
    )
