"""What is around the method: the argument list, precision, GPU, unit types, functions and constants of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hf_matlab_compat.matlab.vocabulary import TRAINER_ARGUMENTS
from hf_matlab_compat.migrate.trainer.constant_value import constant_value
from hf_matlab_compat.migrate.trainer.device import only_moves
from hf_matlab_compat.migrate.trainer.findings import Finding, Implied, Unexpressed
from hf_matlab_compat.migrate.trainer.named_constants import ARGUMENTS, OPTION_OF, in_loop
from hf_matlab_compat.migrate.trainer.nodes import (
    Node,
    arguments,
    called,
    function_of,
    name_of,
    names_in,
    parameters,
    row,
    text_of,
)
from hf_matlab_compat.migrate.trainer.source import Assignment, Source

Known = Mapping[str, Any]

KNOWN_FUNCTIONS = {
    "vec", "pack", "unpack", "computeLL", "computeGradient", "computeHV", "computeGV", "computeFV", "computeBV",
    "computePred", "outputString", "conjgrad_1", "sparse_init", "preconditioner", "cg_backtracking", "line_search",
    "update_damping", "reduction_ratio", "default_constants", "check_arguments", "make_net", "weightcost_mask",
    "initial_params", "check_psize", "as_doubles", "log_line", "log_header", "log_solution", "log_step", "log_epoch",
    "record_trace", "put_in", "backward_pass", "check_data", "check_word", "check_layers", "check_curvature",
    "chunk_columns", "initial_sum", "add_in_its_class", "squares", "r_backward_pass", "r_output_error",
    "reported_error", "forward_pass", "jacobian_product", "output_error", "output_loglikelihood", "product_chunks",
    "product_per_case", "r_forward_pass", "unit_output", "weight_products",
}  # fmt: skip
"""Functions of the published file and of reference_matlab, by name."""

_WORDS = {
    "layertypes": {"logistic", "tanh", "linear", "softmax"},
    "errtype": {"L2", "class", "none"},
    "mattype": {"gn", "hess", "empfish"},
}
_SINGLE = {"single", "gsingle", "GPUsingle"}
_DOUBLE = {"double", "gdouble"}
_COUNTERS = {"epoch", "totalpasses", "j", "i", "k", "cur", "ll", "err", "c", "rate", "fid", "storeD", "lambda", "n"}


def trainer_function(source: Source) -> Node | None:
    """The trainer itself: the outermost function with most arguments."""
    outer = [function for function in source.functions if function_of(function) is None]
    return max(outer, key=lambda function: len(parameters(function)), default=None)


def signature(source: Source, known: Known) -> Iterator[Finding]:
    """Arguments beside the 22, or missing from them."""
    trainer = trainer_function(source)
    if trainer is None:
        return
    names, line, text = parameters(trainer), row(trainer), source.line(trainer)
    for name in names:
        if name not in TRAINER_ARGUMENTS:
            yield Unexpressed(line, text, f"the extra argument {name} has no counterpart in the 22 arguments")
    missing = [name for name in TRAINER_ARGUMENTS if name not in names]
    if {"intest", "outtest"} <= set(missing):
        yield Unexpressed(line, text, "it has no test set: leave intest and outtest empty ([]) in the call")
    given = {"intest", "outtest", "numchunks_test", "jacket", "runDesc"} | set(known)
    for name in (name for name in missing if name not in given):
        yield Unexpressed(line, text, f"the argument {name} is missing: say it in the call")


def precision(source: Source, known: Known) -> Iterator[Finding]:
    """The working precision: the class that ``conv`` casts to, or the classes that occur at all."""
    if "precision" in known:
        return
    casts = [(one, _class_of(one.value)) for one in source.of("conv")]
    kinds = [kind for _, kind in casts if kind]
    words = {text_of(node) for node in source.nodes if node.type in ("identifier", "string_content")}
    if kinds:
        one = next(one for one, kind in reversed(casts) if kind)
        yield Implied("precision", kinds[-1], row(one.node), source.line(one.node))
        yield from _rounded_data(source, kinds[-1])
    elif not words & _SINGLE:
        yield Implied("precision", "double", 1, "(nothing is cast to single)")


def _class_of(value: Node) -> str | None:
    names = names_in(value)
    if value.type not in ("handle_operator", "lambda") or not names & (_SINGLE | _DOUBLE):
        return None
    return "single" if names & _SINGLE else "double"


def _rounded_data(source: Source, kind: str) -> Iterator[Finding]:
    for name in ("indata", "outdata"):
        for one in source.of(name):
            if kind == "double" and one.value.type == "function_call" and called(one.value) in _SINGLE:
                why = "data is rounded to single before the work in double: cast it in the script, np.float32(…)"
                yield Unexpressed(row(one.node), source.line(one.node), why)


def gpu(source: Source) -> str:
    """Which GPU toolbox it is written for: 'Jacket', 'gpuArray', 'GPUmat' or ''."""
    words = {text_of(node) for node in source.nodes if node.type in ("identifier", "string_content")}
    marks = {"gpuArray": {"gpuArray"}, "Jacket": {"gsingle", "gones", "gzeros", "gdouble"}, "GPUmat": {"GPUsingle"}}
    return next((name for name, some in marks.items() if words & some), "")


def always_gpu(source: Source, known: Known) -> Iterator[Finding]:
    """A copy without the argument ``jacket`` that works on the GPU always."""
    trainer = trainer_function(source)
    if trainer is not None and gpu(source) and "jacket" not in parameters(trainer) and "jacket" not in known:
        yield Implied("backend", "cupy", row(trainer), source.line(trainer))


def unknown_words(source: Source, known: Known) -> Iterator[Finding]:
    """Unit types, error measures and curvatures that a copy adds."""
    del known
    seen = set[str]()
    for node in source.calls:
        given = arguments(node) if called(node) in ("strcmp", "strcmpi", "isequal") else []
        words = [value for value in (constant_value(each, {}) for each in given) if isinstance(value, str)]
        names = set[str]().union(*(names_in(each) for each in given))
        for about, usual in _WORDS.items():
            for word in words:
                if about in names and word not in usual | seen:
                    seen.add(word)
                    yield Unexpressed(row(node), source.line(node), f"there is no {about} {word!r} here")


def own_functions(source: Source, known: Known) -> Iterator[Finding]:
    """Functions that the published file does not have, in one finding."""
    del known
    trainer = trainer_function(source)
    own = [each for each in source.functions if each != trainer and name_of(each) not in KNOWN_FUNCTIONS]
    own = [each for each in own if not only_moves(source, each)]
    if own:
        names = ", ".join(map(name_of, own))
        said = f"the function {names} is its own" if len(own) == 1 else f"{len(own)} functions are its own: {names}"
        yield Unexpressed(row(own[0]), source.line(own[0]), said)


def own_constants(source: Source, known: Known) -> Iterator[Finding]:
    """Numbers in the trainer's body whose name nothing here knows."""
    trainer = trainer_function(source)
    stepped = {one.name for one in source.assignments if one.name in names_in(one.value) or in_loop(one)}
    for one in source.assignments:
        name = one.name
        if name in _COUNTERS | stepped | set(OPTION_OF) | set(ARGUMENTS) or function_of(one.node) != trainer:
            continue
        value = constant_value(one.value, known) if one.target.type == "identifier" and not in_loop(one) else None
        if isinstance(value, float) and one.value.type in ("number", "unary_operator", "boolean", "binary_operator"):
            yield _own(source, one)


def _own(source: Source, one: Assignment) -> Unexpressed:
    return Unexpressed(row(one.node), source.line(one.node), f"{one.name} is a constant of its own")
