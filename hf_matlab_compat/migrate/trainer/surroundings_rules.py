"""Rules about what is around the method: arguments, precision, GPU, unit types, own functions and constants."""

from __future__ import annotations

from collections.abc import Iterator

from hf_matlab_compat.matlab.source.evaluation import literal
from hf_matlab_compat.matlab.source.program import Program
from hf_matlab_compat.matlab.source.tree import (
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
from hf_matlab_compat.matlab.source.values import UNKNOWN
from hf_matlab_compat.matlab.vocabulary import TRAINER_ARGUMENTS
from hf_matlab_compat.migrate.trainer.constants import ARGUMENTS, HOLDERS
from hf_matlab_compat.migrate.trainer.device import only_moves
from hf_matlab_compat.migrate.trainer.findings import Finding, Implied, Unexpressed

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


def signature(program: Program) -> Iterator[Finding]:
    """Find arguments besides the 22, and missing ones."""
    trainer = program.trainer
    if trainer is None:
        return
    names, line, text = parameters(trainer), row(trainer), program.line(trainer)
    for name in names:
        if name not in TRAINER_ARGUMENTS:
            yield Unexpressed(line, text, f"the extra argument {name} has no counterpart in the 22 arguments")
    missing = [name for name in TRAINER_ARGUMENTS if name not in names]
    if {"intest", "outtest"} <= set(missing):
        yield Unexpressed(line, text, "it has no test set: leave intest and outtest empty ([]) in the call")
    given = {"intest", "outtest", "numchunks_test", "jacket", "runDesc"} | _settled(program)
    for name in (name for name in missing if name not in given):
        yield Unexpressed(line, text, f"the argument {name} is missing: say it in the call")


def _settled(program: Program) -> set[str]:
    """Return the variables that are set to a constant."""
    return {one.name for one in program.assignments if program.value(one.value) is not UNKNOWN}


def precision(program: Program) -> Iterator[Finding]:
    """Find the working precision: the class that ``conv`` casts to, or the classes that occur at all."""
    if program.of("precision"):
        return
    casts = [(one, _class_of(one.value)) for one in program.of("conv")]
    kinds = [kind for _, kind in casts if kind]
    words = {text_of(node) for node in program.nodes if node.type in ("identifier", "string_content")}
    if kinds:
        one = next(one for one, kind in reversed(casts) if kind)
        yield Implied.at(program, one.node, "precision", kinds[-1])
        yield from _rounded_data(program, kinds[-1])
    elif not words & _SINGLE:
        yield Implied("precision", "double", 1, "(nothing is cast to single)")


def _class_of(value: Node) -> str | None:
    names = names_in(value)
    if value.type not in ("handle_operator", "lambda") or not names & (_SINGLE | _DOUBLE):
        return None
    return "single" if names & _SINGLE else "double"


def _rounded_data(program: Program, kind: str) -> Iterator[Finding]:
    for name in ("indata", "outdata"):
        for one in program.of(name):
            if kind == "double" and one.value.type == "function_call" and called(one.value) in _SINGLE:
                why = "data is rounded to single before the work in double: cast it in the script, np.float32(…)"
                yield Unexpressed.at(program, one.node, why)


def gpu(program: Program) -> str:
    """Return the GPU toolbox it is written for: 'Jacket', 'gpuArray', 'GPUmat' or ''."""
    words = {text_of(node) for node in program.nodes if node.type in ("identifier", "string_content")}
    marks = {"gpuArray": {"gpuArray"}, "Jacket": {"gsingle", "gones", "gzeros", "gdouble"}, "GPUmat": {"GPUsingle"}}
    return next((name for name, some in marks.items() if words & some), "")


def always_gpu(program: Program) -> Iterator[Finding]:
    """Find that a copy has no argument ``jacket`` and always works on the GPU."""
    trainer = program.trainer
    if (
        trainer is not None
        and gpu(program)
        and "jacket" not in parameters(trainer)
        and "jacket" not in _settled(program)
    ):
        yield Implied.at(program, trainer, "backend", "cupy")


def unknown_words(program: Program) -> Iterator[Finding]:
    """Find unit types, error measures and curvatures that a copy adds."""
    seen = set[str]()
    for node in program.calls:
        given = arguments(node) if called(node) in ("strcmp", "strcmpi", "isequal") else []
        words = [value for value in (literal(each) for each in given) if isinstance(value, str)]
        names = set[str]().union(*(names_in(each) for each in given))
        for about, usual in _WORDS.items():
            for word in words:
                if about in names and word not in usual | seen:
                    seen.add(word)
                    yield Unexpressed.at(program, node, f"there is no {about} {word!r} here")


def own_functions(program: Program) -> Iterator[Finding]:
    """Find the functions that the published file does not have, in one finding."""
    trainer = program.trainer
    own = [each for each in program.functions if each != trainer and name_of(each) not in KNOWN_FUNCTIONS]
    own = [each for each in own if not only_moves(program, each)]
    if own:
        names = ", ".join(map(name_of, own))
        said = f"the function {names} is its own" if len(own) == 1 else f"{len(own)} functions are its own: {names}"
        yield Unexpressed.at(program, own[0], said)


def own_constants(program: Program) -> Iterator[Finding]:
    """Find constants in the trainer's body under names that no other rule knows."""
    trainer = program.trainer
    stepped = {one.name for one in program.assignments if one.name in names_in(one.value) or one.in_loop}
    for one in program.assignments:
        name = one.name
        if name in _COUNTERS | stepped | HOLDERS | set(ARGUMENTS) or function_of(one.node) != trainer:
            continue
        value = program.value(one.value) if one.target.type == "identifier" and not one.in_loop else UNKNOWN
        if isinstance(value, float) and one.value.type in ("number", "unary_operator", "boolean", "binary_operator"):
            yield Unexpressed.at(program, one.node, f"{one.name} is a constant of its own")


RULES = (signature, precision, always_gpu, unknown_words, own_functions, own_constants)
"""Rules about what is around the method."""
