"""Prints how readers of .mat files treat valid, odd and damaged files: `python -m tools.compare_mat_readers FILE…`.

Each file is read in a process of its own with 10 seconds and 4 GB. docs/mat-files.md shows the table. mat-io is
measured where it is installed; damaged FILEs of one's own may be added.
"""

from __future__ import annotations

import gzip
import io
import os
import resource
import signal
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import h5py
import numpy as np
import scipy.io
import scipy.sparse

from hf_matlab_compat.errors import HessianFreeError
from hf_matlab_compat.matlab.files.checkpoint_variables import to_variables
from hf_matlab_compat.matlab.files.mat_formats import load_mat
from hf_matlab_compat.matlab.octave.session import octave_available
from tests.matlab.files.checkpoint_files import make_state, save_mat73
from tests.matlab.files.fuzz_files import FORMATS, mutant, octave_text, packed_mutant, sample
from tests.matlab.files.test_mat_files import EMPTY, array5, element, file5, save_mat73_values, values
from tests.octave import octave

MUTANTS = 40
SECONDS = 10
ADDRESS_SPACE = 4 << 30
CLEAR = (HessianFreeError, scipy.io.matlab.MatReadError, ValueError, NotImplementedError, OSError)
"""Errors that a caller may expect of a bad file; any other (IndexError, zlib.error, …) is a fault of the reader."""

OCTAVE = """
flags = true(2, 2); z = [1+2i 3]; line = 'café'; rows = ['ab'; 'cd']; cells = {1, 'a'; {2, 'in'}, []};
spb = sparse([1 0; 0 1] > 0); ints = int8([1 -2]); cube = ones(2, 2, 2); s.deep = {1, 'q'};
save -v7 octave.mat; save -text octave.txt
"""


@dataclass(frozen=True)
class Kind:
    """Files of one kind, and the values that belong to them; None where there is no right value."""

    name: str
    contents: list[bytes]
    expected: Mapping[str, Any] | None = None


def readers() -> dict[str, Callable[[Path], Mapping[str, Any]]]:
    """Return the readers by name."""
    found: dict[str, Callable[[Path], Mapping[str, Any]]] = {
        "hf_matlab_compat": load_mat,
        "scipy": lambda path: scipy.io.loadmat(path, mat_dtype=True),
    }
    if find_spec("matio") is not None:
        import matio

        found["mat-io"] = lambda path: matio.load_from_mat(str(path))
    return found


def kinds(folder: Path, own: list[Path]) -> Iterator[Kind]:
    """Yield valid, odd and damaged files."""
    yield from valid(folder)
    yield from odd()
    draw = np.random.default_rng(0)
    for form in FORMATS:
        whole = sample(form, folder)
        yield Kind(f"damaged {form}", [mutant(whole[k % 2], draw) for k in range(MUTANTS)])
        if form == "v7":
            yield Kind("damaged before packing", [packed_mutant(whole[k % 2], draw) for k in range(MUTANTS)])
    if own:
        yield Kind("files given", [path.read_bytes() for path in own])


def valid(folder: Path) -> Iterator[Kind]:
    """Yield a value of each class in each format."""
    simple = {name: values()[name] for name in ("double", "text", "rows", "sparse")}
    yield Kind("v4", [saved(simple, format="4")], simple)
    classes = values()
    accent = {"accent": classes.pop("accent")}
    yield Kind("v5/v6, every class", [saved(classes)], classes)
    yield Kind("v7, every class", [saved(classes, do_compression=True)], classes)
    yield Kind("v5/v6, text beyond ASCII", [saved(accent)], accent)
    state = make_state(2, size=3)
    yield Kind("v7.3, numbers", [save_mat73(folder / "a.mat", state).read_bytes()], to_variables(state))
    save_mat73_values(folder / "b.mat")
    with h5py.File(folder / "b.mat", "r+") as file:
        del file["f"]  # MATLAB lays a function handle out otherwise, so that reading it would show nothing
    cells = np.array([["logistic", np.arange(6.0).reshape(3, 2).T]], dtype=object)
    known = {"text": "gn", "flag": np.array([[True]]), "z": np.array([[1 + 2j]]), "cells": cells}
    yield Kind("v7.3, cells and text", [(folder / "b.mat").read_bytes()], known)
    state = to_variables(state)
    yield Kind("Octave text", [octave_text(state)], state)
    yield Kind("Octave text, gzip", [gzip.compress(octave_text(state))], state)
    if octave_available() is None:
        octave(OCTAVE, folder)
        told = load_mat(folder / "octave.txt")
        yield Kind("Octave -v7, every class", [(folder / "octave.mat").read_bytes()], told)


def odd() -> Iterator[Kind]:
    """Yield files whose headers ask for more than they hold."""
    number, nest = element(9, bytes(8)), array5(6, element(9, bytes(8)))
    for _ in range(5000):
        nest = array5(1, nest)
    claims = [array5(6, number, shape=(2**31 - 1, 2**31 - 1), name=b"x"), array5(1, shape=(2**28, 1), name=b"x")]
    claims.append(array5(2, element(5, b"\1\0\0\0"), element(1, b"a"), shape=(2**31 - 1, 9), name=b"x"))
    yield Kind("claims more than it holds", [file5(each, packed=packed) for each in claims for packed in (False, True)])
    column = element(5, bytes(4)) + element(5, b"\0\0\0\0\1\0\0\0") + number
    wrong = column.replace(bytes(4), b"\7\0\0\0", 1)
    yield Kind("sparse with indices outside", [file5(array5(5, wrong, name=b"x"))])
    yield Kind("cells 5000 deep", [file5(array5(1, nest, name=b"x"))])
    cells = EMPTY * 10**7
    yield Kind("80 MB of empty cells in 80 kB", [file5(array5(1, cells, shape=(10**7, 1), name=b"x"), packed=True)])
    yield Kind("endless gzip", [gzip.compress(b"# Created by Octave\n" + bytes(1 << 30), compresslevel=1)])
    yield Kind("empty, text, zip", [b"", b"x = 5;\n" * 20, b"PK\x03\x04" + bytes(200)])


def saved(variables: Mapping[str, Any], **options: Any) -> bytes:
    """Return a file of these variables, written by scipy."""
    stream = io.BytesIO()
    scipy.io.savemat(stream, dict(variables), **options)
    return stream.getvalue()


def plain(value: Any) -> Any:
    """Return a value without the differences between readers that do not change its meaning."""
    if scipy.sparse.issparse(value):
        return plain(value.toarray())
    if isinstance(value, dict):
        return [{name: plain(each) for name, each in value.items()}]
    array = np.asarray(value)
    if array.dtype.names:
        return [{name: plain(each[name]) for name in array.dtype.names} for each in array.ravel(order="F")]
    if array.dtype == object:
        return [array.shape, [plain(each) for each in array.ravel(order="F")]]
    if array.dtype.kind == "U":
        return [each for each in array.ravel().tolist() if each]
    array = np.atleast_2d(array)
    return [array.shape, array.dtype.name, array.tolist()]


def verdict(read: Callable[[Path], Mapping[str, Any]], path: Path, expected: Mapping[str, Any] | None) -> str:
    """Read one file; return the result in a word or two."""
    try:
        found = read(path)
    except CLEAR as error:
        return "stray error" if isinstance(error, UnicodeError) or not str(error) else "clear error"
    except MemoryError:
        return "no memory"
    except BaseException:
        return "stray error"
    if expected is None:
        return "value"
    try:
        return "right" if all(plain(found[name]) == plain(value) for name, value in expected.items()) else "wrong"
    except Exception:
        return "wrong"


def outcome(read: Callable[[Path], Mapping[str, Any]], path: Path, expected: Mapping[str, Any] | None) -> str:
    """Return the verdict of a process of its own, which may crash or hang."""
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(SECONDS)
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.write(sending, verdict(read, path, expected).encode())
        os._exit(0)
    os.close(sending)
    status = os.waitpid(child, 0)[1]
    with open(receiving, "rb") as told:
        said = told.read().decode()
    if os.WIFSIGNALED(status):
        return "hang" if os.WTERMSIG(status) == signal.SIGALRM else "crash"
    return said or "crash"


def main(own: list[Path]) -> int:
    """Print the table."""
    warnings.simplefilter("ignore")
    names = readers()
    print(f"| file | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    with TemporaryDirectory() as place:
        path = Path(place, "file.mat")
        for kind in kinds(Path(place), own):
            cells = []
            for read in names.values():
                counts: Counter[str] = Counter()
                for content in kind.contents:
                    path.write_bytes(content)
                    counts[outcome(read, path, kind.expected)] += 1
                cells.append(", ".join(f"{word} {n}" if len(kind.contents) > 1 else word for word, n in counts.items()))
            print(f"| {kind.name} | {' | '.join(cells)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]]))
