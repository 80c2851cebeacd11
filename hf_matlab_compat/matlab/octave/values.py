"""Arguments for Octave and values from it: one .mat file of version 7 each way, written and read here.

oct2py's own conversions are not used, since they lose classes and shapes (a double 3 comes back as uint8, ``[]`` as a
list, None arrives as NaN).

Going in, None is ``[]``; numbers are doubles, except single-precision arrays; a vector is a column; lists and
tuples are 1 x n cells; dicts are structs. Coming out, arrays have two dimensions or more, char rows are `str`, cells
are lists (by column), structs are dicts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hf_matlab_compat.errors import CheckpointError, ParityError
from hf_matlab_compat.matlab.files.mat_formats import load_mat, write_mat
from hf_matlab_compat.matlab.files.mat_values import Skipped, full_array

# The error leaves by the answer file: stderr also carries harmless lines that begin with "error:".
_CALL = """
warning('off', 'Octave:shadowed-function'); page_screen_output(false);
failure = ''; answer = {{}};
try
  request = load('{folder}/request.mat');
  if ~isempty(request.path), addpath(request.path{{:}}); end
  {call}
catch problem
  failure = problem.message;
  if ~isempty(problem.stack)
    failure = sprintf('%s (in %s, line %d)', failure, problem.stack(1).name, problem.stack(1).line);
  end
end
save('-v7', '{folder}/answer.mat', 'answer', 'failure');
"""
_LOUD_CALL = "[answer{1:request.nargout}] = feval(request.function, request.args{:});"
# A session that prints nothing keeps oct2py's timeout, which counts anew at every line, a limit on the call.
_SILENT_CALL = f"evalc('{_LOUD_CALL}');"


def code(folder: Path, *, silent: bool = False) -> str:
    """Octave code that answers the request lying in `folder`, in there; a silent call drops what is printed."""
    call = _SILENT_CALL if silent else _LOUD_CALL
    return _CALL.format(folder=str(folder).replace("'", "''"), call=call)


def write_request(folder: Path, function: str, args: Sequence[Any], nargout: int, path: Sequence[str | Path]) -> None:
    """Ask for `nargout` values of a function, with the folders of `path` in front of Octave's path."""
    request = {
        "function": function,
        "args": to_octave(list(args)),
        "nargout": float(nargout),
        "path": to_octave([str(Path(entry).resolve()) for entry in path]),
    }
    write_mat(folder / "request.mat", request, long_field_names=True)


def read_answer(folder: Path, function: str) -> list[Any]:
    """The values of the call, or a `ParityError` with Octave's own words where it failed."""
    try:
        content = load_mat(folder / "answer.mat")
        failure = from_octave(content["failure"])
    except (CheckpointError, KeyError) as error:
        raise ParityError(f"{function}: expected Octave's answer, got a file without it ({error}).") from error
    if failure:
        raise ParityError(f"{function}: {failure}")
    return from_octave(content["answer"])


def to_octave(value: Any) -> Any:
    """A Python value as scipy has to be given it, so that Octave gets what was meant."""
    if value is None:
        return np.zeros((0, 0))
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return {str(key): to_octave(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        cell = np.empty((1, len(value)), dtype=object)
        for index, entry in enumerate(value):
            cell[0, index] = to_octave(entry)
        return cell
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise ParityError(
            f"cannot send {type(value).__name__} to Octave. Send numbers, strings, lists or dicts of them."
        )
    # An integer class spreads: one int64 scalar turns every figure it meets into rounded integers.
    single = array.dtype == np.float32 and array.ndim > 0
    array = array.astype(np.float32 if single else np.float64)
    return array.reshape(-1, 1) if array.ndim < 2 else array


def from_octave(value: Any) -> Any:
    """A value that was read from Octave's answer, in Python's terms; a sparse matrix with its zeros written out.

    Raises
    ------
    ParityError
        It is a function, an object, an array of several structs, or a sparse matrix that is too large to be full.
    """
    if isinstance(value, Skipped):
        raise ParityError(f"expected numbers, text, cells or structs, got a {value.kind}")
    try:
        array = np.asarray(full_array(value))
    except CheckpointError as error:
        raise ParityError(str(error)) from error
    if array.dtype.names:
        if array.size != 1:
            raise ParityError(f"expected one struct, got an array of {array.size}")
        return {name: from_octave(array[name].item()) for name in array.dtype.names}
    if array.dtype.kind == "O":
        if array.ndim == 0:
            raise ParityError(f"expected numbers, text, cells or structs, got {type(value).__name__}")
        return [from_octave(entry) for entry in array.ravel(order="F")]
    if array.dtype.kind == "U":
        rows = [str(row) for row in array.ravel()]
        return rows if len(rows) > 1 else "".join(rows)
    return array
