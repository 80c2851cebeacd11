"""Cases to compare on: the recorded ones, which come with the package, and a user's own from a .mat file."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import ArgumentError, CheckpointError, ParityError, speaking
from hf_matlab_compat.initial import initial_state
from hf_matlab_compat.legacy.arguments import SPOKEN_TO_22_ARGUMENTS
from hf_matlab_compat.legacy.packing import pack
from hf_matlab_compat.matlab.files.mat_formats import load_mat
from hf_matlab_compat.matlab.files.mat_values import Skipped, full_array
from hf_matlab_compat.matlab.random.streams import OctaveStream
from hf_matlab_compat.matlab.vocabulary import TRAINER_ARGUMENTS
from hf_matlab_compat.model.sparse_init import sparse_init
from hf_matlab_compat.options import Options
from hf_matlab_compat.parity.reference_run import Case

_PLACES = (Path(__file__).parent / "goldens", Path(__file__).parents[2] / "tests" / "goldens")
"""In an installed package; in a clone."""

PUT_IN = ("runName", "runDesc", "paramsp", "Win", "bin", "resumeFile", "jacket")
"""Arguments that a case may lack: they name files, choose the hardware, or say where to start."""

DATA = ("indata", "outdata", "intest", "outtest")
_WHOLE = ("maxepoch", "numchunks", "numchunks_test", "rms", "hybridmode", "jacket")
_WORDS = ("mattype", "errtype")
_MOST_DRAWN = 10**8
_NOT_THE_TRAINING = ("runName", "runDesc", "Win", "bin", "resumeFile", "maxepoch", "jacket")


def goldens() -> Path:
    """The folder of the recorded numbers.

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
    """Names of the built-in cases, the larger ones first."""
    folder = goldens()
    files = [*sorted(folder.glob("case_*.mat")), *sorted(folder.glob("units/case_*.mat"))]
    return tuple(file.stem.removeprefix("case_") for file in files)


def builtin_case(name: str) -> Case:
    """A built-in case.

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
    """A user's case: a .mat file that holds the 22 arguments as variables of their legacy names.

    In any format that `load_mat` reads. `PUT_IN` may be missing; variables of other names do not count.

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
    """A case from arguments under their legacy names, from Python or from a .mat file.

    Parameters
    ----------
    name : str
    given : mapping
        Without initial parameters (paramsp, Win and bin all missing or empty), the same sparse start is drawn.
    constants : mapping, optional
        Of `Case`.

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
    """Hold a case against this package's own checks, before a reference is started on it.

    Raises
    ------
    ParityError
        This package would not train it.
    """
    from hf_matlab_compat.parity.port_case import port_case

    try:
        with speaking(SPOKEN_TO_22_ARGUMENTS):
            port = port_case(case, "single")
            start = (case.arguments["paramsp"], None, None)
            initial_state(port.problem.network, case.arguments["layertypes"], port.options, port.backend, start, None)
    except ArgumentError as error:
        raise ParityError(str(error)) from error


def require_same(case: Case, recorded: Case) -> None:
    """Refuse recorded numbers to a case that is not the one that they were recorded of.

    Raises
    ------
    ParityError
        An argument is another.
    """
    for name in TRAINER_ARGUMENTS:
        if name not in _NOT_THE_TRAINING and not np.array_equal(case.arguments[name], recorded.arguments[name]):
            raise ParityError(f"{case.name}: {name} is not that of the recorded case. Run it live instead.")


def rounded(case: Case) -> Case:
    """The same case with data that single precision holds exactly, as trainers that cast their data see it."""
    data = {name: case.arguments[name].astype(np.float32) for name in DATA}
    return Case(name=case.name, arguments={**case.arguments, **data}, constants=case.constants)


def _variables(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ParityError(f"{path}: expected a .mat file with the 22 arguments, got no such file.")
    try:
        found = load_mat(path, (*TRAINER_ARGUMENTS, "start_lambda"))
        return {name: full_array(value) for name, value in found.items()}
    except CheckpointError as error:
        raise ParityError(f"{path}: {error}") from error


def _plain(name: str, value: Any) -> Any:
    """An argument as Python has it, whichever way it came."""
    try:
        value = full_array(value)
        if isinstance(value, Skipped):
            raise ParityError(f"{name}: expected {_expected(name)}, got a {value.kind}.")
        if name in (*DATA, "paramsp") and np.iscomplexobj(value):
            raise ParityError(f"{name}: expected real numbers, got complex ones. Save real(x), or parts as rows.")
        if name in DATA:
            return np.asarray(value, None if np.asarray(value).dtype == np.float32 else np.float64)
        if name in _WHOLE:
            return int(np.asarray(0 if value is None else value).item())
        if name in ("weightcost", "decay"):
            return float(np.asarray(value).item())
        if name == "layersizes":
            return [int(np.asarray(size).item()) for size in np.asarray(value).ravel()]
        if name == "layertypes":
            return [_text(entry) for entry in np.asarray(value, dtype=object).ravel()]
        if name in _WORDS or name in ("runName", "runDesc"):
            return _text(value)
    except (TypeError, ValueError) as error:
        raise ParityError(f"{name}: expected {_expected(name)}, got {_told(value)}.") from error
    return value


def _no_test_set(plain: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """An empty test set of whatever shape, as no columns of as many rows as the data have: trainers multiply by it."""
    if plain["intest"].size or plain["outtest"].size:
        return {}
    return {test: plain[data][:, :0] for test, data in (("intest", "indata"), ("outtest", "outdata"))}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    array = np.asarray("" if value is None else value)
    if array.size > 1 or (array.size and array.dtype.kind not in "US"):
        raise TypeError("no text")
    return str(array.item()) if array.size else ""


def _expected(name: str) -> str:
    if name in DATA:
        return "a matrix of numbers, a case in each column"
    if name in _WHOLE:
        return "a whole number"
    if name in ("weightcost", "decay"):
        return "a number"
    if name == "layersizes":
        return "a row of whole numbers, one a hidden layer"
    return "a cell array of texts, one a layer" if name == "layertypes" else "a text"


def _told(value: Any) -> str:
    """A value in a few of MATLAB's words."""
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    array = np.asarray(value)
    if array.dtype == object:
        return f"a cell array of {array.size}"
    if array.dtype.kind in "US":
        return f"the text {str(array.ravel()[0])!r}" if array.size else "an empty text"
    return (
        f"the number {array.item():g}"
        if array.size == 1 and array.dtype.kind in "biuf"
        else (f"{'complex' if array.dtype.kind == 'c' else 'a'} matrix of {' by '.join(map(str, array.shape))}")
    )


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
