"""Cases to compare on: recorded ones, which come with the package, ones made on the spot, and a user's .mat file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import ArgumentError, CheckpointError, ParityError, speaking
from hf_matlab_compat.legacy.arguments import SPOKEN_TO_22_ARGUMENTS
from hf_matlab_compat.legacy.packing import pack
from hf_matlab_compat.matlab.files.mat_formats import load_mat
from hf_matlab_compat.matlab.files.mat_values import Skipped, full_array
from hf_matlab_compat.matlab.random.streams import OctaveStream
from hf_matlab_compat.matlab.vocabulary import TRAINER_ARGUMENTS
from hf_matlab_compat.model.sparse_init import sparse_init
from hf_matlab_compat.objective.cases import CASES_PER_KEPT_BLOCK
from hf_matlab_compat.options import Options
from hf_matlab_compat.parity.recording import Case
from hf_matlab_compat.parity.recurrent_cases import RECURRENT_CASES, recurrent_case

_PLACES = (Path(__file__).parent / "goldens", Path(__file__).parents[2] / "tests" / "goldens")
"""In an installed package; in a clone."""

PUT_IN = ("runName", "runDesc", "paramsp", "Win", "bin", "resumeFile", "jacket")
"""Arguments that a case may lack: they name files, choose the hardware, or give the start."""

DATA = ("indata", "outdata", "intest", "outtest")
_MOST_DRAWN = 10**8
_NOT_THE_TRAINING = ("runName", "runDesc", "Win", "bin", "resumeFile", "maxepoch", "jacket")


def goldens() -> Path:
    """Return the folder of the recorded numbers.

    Raises
    ------
    ParityError
        There is none.
    """
    for place in _PLACES:
        if place.is_dir():
            return place
    raise ParityError(f"{_PLACES[0]}: expected the recorded numbers, got no such folder. Install the package again.")


def builtin_names() -> tuple[str, ...]:
    """Return the names of the built-in cases, the larger ones first."""
    folder = goldens()
    files = [*sorted(folder.glob("case_*.mat")), *sorted(folder.glob("units/case_*.mat"))]
    return tuple(file.stem.removeprefix("case_") for file in files)


def builtin_case(name: str) -> Case:
    """Return a built-in case.

    Raises
    ------
    ParityError
        There is no case of that name.
    """
    if name not in builtin_names():
        raise ParityError(f"case: expected a built-in one, got {name!r}. There are: {', '.join(builtin_names())}.")
    folder = goldens()
    path = next(path for path in (folder / f"case_{name}.mat", folder / f"units/case_{name}.mat") if path.exists())
    content = _variables(path)
    start = content.pop("start_lambda", None)
    constants = {} if start is None else {"initlambda": float(start.item())}
    return case_from_arguments(name, content, constants)


def case_from_mat(path: str | Path) -> Case:
    """Return a user's case from a .mat file with the 22 arguments as variables of their legacy names.

    The file may have any format that `load_mat` reads. `PUT_IN` may be missing; other variables do not count.

    Raises
    ------
    ParityError
        The file cannot be read, lacks an argument, or this package refuses one.
    """
    content = _variables(Path(path))
    try:
        case = case_from_arguments(Path(path).stem, content)
        require_accepted(case)
        return case
    except ParityError as error:
        raise ParityError(f"{path}: {error}") from error


def case_from_arguments(name: str, given: Mapping[str, Any], constants: Mapping[str, Any] | None = None) -> Case:
    """Return a case from arguments under their legacy names, from Python or from a .mat file.

    Without initial parameters (paramsp, Win and bin all missing or empty), the same sparse start is drawn every time.

    Raises
    ------
    ParityError
        An argument is missing, or is not what its name says.
    """
    missing = [argument for argument in TRAINER_ARGUMENTS if argument not in (*given, *PUT_IN)]
    if missing:
        raise ParityError(f"expected the arguments of nnet_train_2, got none called {', '.join(missing)}. Save it too.")
    plain = {argument: _plain(argument, given.get(argument)) for argument in TRAINER_ARGUMENTS}
    plain |= {"runName": "", "runDesc": str(plain["runDesc"] or ""), "resumeFile": None, "jacket": 0}
    plain["paramsp"] = _start(plain)
    plain |= _no_test_set(plain)
    return Case(name=name, arguments={**plain, "Win": None, "bin": None}, constants=dict(constants or {}))


def require_accepted(case: Case) -> None:
    """Refuse a case that this package would not train, before a reference is started on it.

    Raises
    ------
    ParityError
        This package would not train it.
    """
    from hf_matlab_compat.parity.engines.port import port_case  # which needs cases

    try:
        with speaking(SPOKEN_TO_22_ARGUMENTS):
            port_case(case, "single")
    except ArgumentError as error:
        raise ParityError(str(error)) from error


def require_same(case: Case, recorded: Case) -> None:
    """Refuse a case that is not the one whose numbers were recorded.

    Raises
    ------
    ParityError
        An argument differs.
    """
    for name in TRAINER_ARGUMENTS:
        if name not in _NOT_THE_TRAINING and not np.array_equal(case.arguments[name], recorded.arguments[name]):
            raise ParityError(f"{case.name}: {name} is not that of the recorded case. Run it live instead.")


def rounded(case: Case) -> Case:
    """Return the case with its data rounded to single precision, as trainers that cast their data see it."""
    data = {name: case.arguments[name].astype(np.float32) for name in DATA}
    return Case(name=case.name, arguments={**case.arguments, **data}, constants=case.constants)


def _variables(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ParityError(f"{path}: expected a .mat file with the 22 arguments, got no such file.")
    try:
        return load_mat(path, (*TRAINER_ARGUMENTS, "start_lambda"))
    except CheckpointError as error:
        raise ParityError(f"{path}: {error}") from error


def _plain(name: str, value: Any) -> Any:
    """Return an argument as Python has it, from Python or from a .mat file.

    Raises
    ------
    ParityError
        It is another kind of value.
    """
    expected, read = _READERS.get(name, ("another value", lambda value: value))
    try:
        value = full_array(value)
        if isinstance(value, Skipped):
            raise ParityError(f"{name}: expected {expected}, got a {value.kind}.")
        if name in (*DATA, "paramsp") and np.iscomplexobj(value):
            raise ParityError(f"{name}: expected real numbers, got complex ones. Save real(x), or parts as rows.")
        return read(value)
    except (TypeError, ValueError) as error:
        raise ParityError(f"{name}: expected {expected}, got {told(value)}.") from error


def _no_test_set(plain: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return an empty test set of any shape as no columns of as many rows as the data have: trainers multiply it."""
    if plain["intest"].size or plain["outtest"].size:
        return {}
    return {test: plain[data][:, :0] for test, data in (("intest", "indata"), ("outtest", "outdata"))}


def _text(value: Any) -> str:
    array = np.asarray("" if value is None else value)
    if array.size > 1 or (array.size and array.dtype.kind not in "US"):
        raise TypeError("no text")
    return str(array.item()) if array.size else ""


def _matrix(value: Any) -> NDArray[Any]:
    return np.asarray(value, None if np.asarray(value).dtype == np.float32 else np.float64)


def _whole(value: Any) -> int:
    return int(np.asarray(0 if value is None else value).item())


def _number(value: Any) -> float:
    return float(np.asarray(value).item())


_READERS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(DATA, ("a matrix of numbers, a case in each column", _matrix)),
    **dict.fromkeys(("maxepoch", "numchunks", "numchunks_test"), ("a whole number", _whole)),
    **dict.fromkeys(("rms", "hybridmode", "jacket"), ("a whole number", _whole)),
    **dict.fromkeys(("weightcost", "decay"), ("a number", _number)),
    **dict.fromkeys(("mattype", "errtype", "runName", "runDesc"), ("a text", _text)),
    "layersizes": (
        "a row of whole numbers, one a hidden layer",
        lambda value: [_whole(size) for size in np.asarray(value).ravel()],
    ),
    "layertypes": (
        "a cell array of texts, one a layer",
        lambda value: [_text(entry) for entry in np.asarray(value, dtype=object).ravel()],
    ),
}
"""The expected value of an argument in words, and its reader."""


def told(value: Any) -> str:
    """Return a value in a few of MATLAB's words."""
    if value is None or isinstance(value, Mapping):
        return "nothing" if value is None else "a struct"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    array = np.asarray(value)
    if array.dtype == object:
        return f"a cell array of {array.size}"
    if array.dtype.kind in "US":
        return f"the text {str(array.ravel()[0])[:20]!r}" if array.size else "an empty text"
    if array.size == 1 and array.dtype.kind in "biuf":
        return f"the number {array.item():g}"
    return f"{'complex' if array.dtype.kind == 'c' else 'a'} matrix of {' by '.join(map(str, array.shape))}"


def _empty(value: Any) -> bool:
    return value is None or np.asarray(value, dtype=object).size == 0


def _start(arguments: Mapping[str, Any]) -> NDArray[Any]:
    if not _empty(arguments["paramsp"]):
        vector = np.asarray(arguments["paramsp"])
        return vector.reshape(-1, 1).astype(np.float32 if vector.dtype == np.float32 else np.float64)
    if not _empty(arguments["Win"]):
        W, b = (list(full_array(np.asarray(arguments[name], dtype=object)).ravel()) for name in ("Win", "bin"))
        return pack(W, b)
    sizes = [len(arguments["indata"]), *arguments["layersizes"], len(arguments["outdata"])]
    if sum((below + 1) * above for below, above in pairwise(sizes)) > _MOST_DRAWN:
        raise ParityError(f"layersizes: expected a network of at most {_MOST_DRAWN} parameters, got {sizes[1:-1]}.")
    drawn = sparse_init(sizes, arguments["layertypes"], OctaveStream(1), Options())
    return drawn.astype(np.float32).reshape(-1, 1)


CASES_PER_CHUNK = CASES_PER_KEPT_BLOCK + 121
"""Two blocks, or three where only a likelihood is formed, of different lengths."""
_CHUNKS, _TESTED = 2, 50
_SIZES = (5, 4, 3)

_SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "made_gn_blocks": {"mattype": "gn", "layertypes": ["logistic", "softmax"], "errtype": "class"},
    "made_hess_hy0_blocks": {"mattype": "hess", "layertypes": ["logistic", "logistic"], "hybridmode": 0},
    "made_empfish_hy0_blocks": {"mattype": "empfish", "layertypes": ["tanh", "logistic"], "hybridmode": 0},
}
MADE_CASES = tuple(_SETTINGS)
"""Names of the made cases."""


def made_case(name: str) -> Case:
    """Return one of `MADE_CASES`; with errtype 'class', two outputs tie before the first step in some cases."""
    random = np.random.default_rng(7)
    settings = {"errtype": "L2", "hybridmode": 1, **_SETTINGS[name]}
    targets = _one_of_k if settings["errtype"] == "class" else _smooth
    inputs, tested = (random.random((_SIZES[0], n)) for n in (_CHUNKS * CASES_PER_CHUNK, _TESTED))
    mixing = random.standard_normal((_SIZES[-1], _SIZES[0]))
    start = 0.5 * random.standard_normal(sum((a + 1) * b for a, b in pairwise(_SIZES)))
    if settings["errtype"] == "class":
        W = start[(_SIZES[0] + 1) * _SIZES[1] : -_SIZES[2]].reshape(_SIZES[2], _SIZES[1], order="F")
        W[1:], start[-_SIZES[2] :] = 0.0, 0.0
    arrays = (inputs, targets(mixing, inputs), tested, targets(mixing, tested))
    given = {
        **{variable: array.astype(np.float32) for variable, array in zip(DATA, arrays, strict=True)},
        **{"paramsp": start.astype(np.float32), "layersizes": list(_SIZES[1:-1])},
        **{"numchunks": _CHUNKS, "numchunks_test": 1, "maxepoch": 3, "jacket": 0, "rms": 0},
        **{"weightcost": 2e-5, "decay": 0.95, **settings},
    }
    return case_from_arguments(name, given, {"initlambda": 1.0})


def _smooth(mixing: Any, inputs: Any) -> Any:
    return 1 / (1 + np.exp(-mixing @ (inputs - 0.5)))


def _one_of_k(mixing: Any, inputs: Any) -> Any:
    largest = (mixing @ (inputs - 0.5)).argmax(axis=0)
    return np.eye(len(mixing))[:, largest]


def find_cases(asked: Sequence[str | os.PathLike[str] | Case]) -> list[Case]:
    """Return cases by name, by .mat file, or as they are; each once.

    'all' stands for every recorded one, 'recurrent' for every recurrent one.

    Raises
    ------
    ParityError
        There is no such case, or two files have the same name.
    """
    groups = {"all": builtin_names(), "recurrent": RECURRENT_CASES}
    named = [name for one in asked for name in (groups.get(one, (one,)) if isinstance(one, str) else (one,))]
    wanted = [one for at, one in enumerate(named) if isinstance(one, Case) or one not in named[:at]]
    found = [_case(one) for one in wanted]
    names = [case.name for case in found]
    if twice := [name for at, name in enumerate(names) if name in names[:at]]:
        raise ParityError(f"case: expected cases of different names, got two called {twice[0]}. Rename a file.")
    return found


def _case(one: str | os.PathLike[str] | Case) -> Case:
    if isinstance(one, Case):
        return one
    if isinstance(one, str) and one in builtin_names():
        return builtin_case(one)
    if isinstance(one, str) and one in MADE_CASES:
        return made_case(one)
    if isinstance(one, str) and one in RECURRENT_CASES:
        return recurrent_case(one)
    if os.fspath(one).endswith(".mat"):
        return case_from_mat(os.fspath(one))
    names = ", ".join((*builtin_names(), *MADE_CASES, *RECURRENT_CASES))
    raise ParityError(f"case: expected a built-in one, got {os.fspath(one)!r}. There are: {names}.")
