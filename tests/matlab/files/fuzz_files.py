"""Damages valid files in a fixed sequence and holds every reader to its promise: a value, or an error of one sentence.

Run as a process of its own, since a crash, a hang or a greedy reader must not take the tests with it:
``python -m tests.matlab.files.fuzz_files FORMAT,… COUNT SEED FOLDER`` prints one line for each broken promise.
"""

from __future__ import annotations

import gzip
import io
import resource
import signal
import struct
import sys
import time
import tracemalloc
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
import scipy.sparse

from hf_matlab_compat.errors import HessianFreeError
from hf_matlab_compat.legacy.case_file import read_case
from hf_matlab_compat.matlab.files.checkpoint import read_checkpoint
from hf_matlab_compat.matlab.files.checkpoint_variables import to_variables
from hf_matlab_compat.matlab.files.mat_formats import list_variables, load_mat, read_variable
from hf_matlab_compat.migrate.runtime.files import load_mat as load_in_a_script
from hf_matlab_compat.parity.cases import case_from_mat
from tests.matlab.files.checkpoint_files import make_state, save_mat73

FORMATS = ("v4", "v6", "v7", "v73", "text", "gzip")
SECONDS = 10
FILE_FACTOR = 10
SPARE_BYTES = 4 << 20
"""Memory that a reader may take beside a multiple of the file: modules, and blocks of a fixed size."""
ADDRESS_SPACE = 4 << 30


def arguments() -> dict[str, Any]:
    """A run of the trainer with every class of variable in it, and a checkpoint beside it."""
    draw = np.random.default_rng(5)
    data = draw.random((6, 12))
    types = np.empty((1, 2), dtype=object)
    types[0, :] = ["logistic", "linear"]
    return {
        **{
            "runName": "r",
            "runDesc": "d",
            "paramsp": np.zeros((0, 0)),
            "Win": np.zeros((0, 0)),
            "bin": np.zeros((0, 0)),
        },
        **{
            "resumeFile": np.zeros((0, 0)),
            "maxepoch": 2.0,
            "indata": data,
            "outdata": scipy.sparse.csc_matrix(data > 0.5),
        },
        **{"numchunks": 2.0, "intest": data[:, :4], "outtest": data[:, :4], "numchunks_test": 1.0, "layersizes": 3.0},
        **{"layertypes": types, "mattype": "gn", "rms": 0.0, "errtype": "L2", "hybridmode": 1.0, "weightcost": 2e-5},
        **{"decay": 0.95, "jacket": 0.0, "z": np.array([[1 + 2j]]), "flag": np.array([[True]]), "i": np.int8([[-3]])},
        "s": {"a": 1.0, "b": "text", "c": types},
    }


def sample(form: str, folder: Path) -> list[bytes]:
    """Valid files of a format: a run and a checkpoint."""
    state = to_variables(make_state(2, size=3))
    if form in ("text", "gzip"):
        text = octave_text(arguments()), octave_text(state)
        return [gzip.compress(each, mtime=0) for each in text] if form == "gzip" else list(text)
    if form == "v73":
        return [save_mat73(folder / "v73.mat", make_state(2, size=3)).read_bytes(), run_mat73(folder / "run.mat")]
    files: list[bytes] = []
    for variables in (arguments(), state):
        kept = {name: value for name, value in variables.items() if form != "v4" or _fits_v4(value)}
        stream = io.BytesIO()
        scipy.io.savemat(stream, kept, format="4" if form == "v4" else "5", do_compression=form == "v7")
        files.append(stream.getvalue())
    return files


def _fits_v4(value: Any) -> bool:
    return not isinstance(value, dict) and np.asarray(value).dtype != object and np.size(value) > 0


def run_mat73(path: Path) -> bytes:
    """The run as MATLAB's -v7.3 lays it out: text as uint16, cells as references."""
    import h5py

    with h5py.File(path, "w") as file:
        for name, value in arguments().items():
            if isinstance(value, dict) or scipy.sparse.issparse(value):
                continue
            if isinstance(value, str):
                node = file.create_dataset(name, data=np.array([[ord(c)] for c in value], dtype=np.uint16))
                node.attrs["MATLAB_class"] = np.bytes_("char")
            elif np.asarray(value).dtype == object:
                refs = [_text73(file, f"#refs#/{i}", entry) for i, entry in enumerate(value.ravel())]
                node = file.create_dataset(name, data=np.array([refs], dtype=h5py.ref_dtype).T)
                node.attrs["MATLAB_class"] = np.bytes_("cell")
            elif np.iscomplexobj(value):
                parts = np.array([[(1, 2)]], dtype=[("real", "f8"), ("imag", "f8")])
                file.create_dataset(name, data=parts)
            elif np.size(value):
                options = {"compression": "gzip"} if np.size(value) > 9 else {}
                file.create_dataset(name, data=np.atleast_2d(value).T, **options)
    return path.read_bytes()


def _text73(file: Any, place: str, text: str) -> Any:
    node = file.create_dataset(place, data=np.array([[ord(c)] for c in text], dtype=np.uint16))
    node.attrs["MATLAB_class"] = np.bytes_("char")
    return node.ref


def octave_text(variables: dict[str, Any]) -> bytes:
    """Variables as Octave's text."""
    lines = ["# Created by Octave 7.3.0, Mon Jan 01 00:00:00 2024 UTC <user@host>"]
    for name, value in variables.items():
        lines += [*_octave_value(name, value), "", ""]
    return "\n".join([*lines, ""]).encode()


def _octave_value(name: str, value: Any) -> Iterator[str]:
    yield f"# name: {name}"
    if isinstance(value, str):
        yield from ("# type: string", "# elements: 1", f"# length: {len(value)}", value)
    elif isinstance(value, dict):
        yield from ("# type: scalar struct", "# ndims: 2", " 1 1", f"# length: {len(value)}")
        for key, entry in value.items():
            yield from (*_octave_value(key, entry), "", "")
    elif scipy.sparse.issparse(value):
        entries = value.tocoo()
        yield from ("# type: sparse matrix", f"# nnz: {value.nnz}", "# rows: 6", "# columns: 12")
        yield from (
            f"{i + 1} {j + 1} {float(v)}" for i, j, v in zip(entries.row, entries.col, entries.data, strict=True)
        )
    else:
        yield from _octave_array(np.atleast_2d(np.asarray(value)))


def _octave_array(array: Any) -> Iterator[str]:
    size = (f"# rows: {array.shape[0]}", f"# columns: {array.shape[1]}")
    if array.dtype == object:
        yield from ("# type: cell", *size)
        for entry in array.ravel(order="F"):
            yield from (*_octave_value("<cell-element>", entry), "", "")
    elif array.dtype.kind == "c":
        yield from ("# type: complex matrix", *size)
        yield from (" " + " ".join(f"({x.real!r},{x.imag!r})" for x in row.tolist()) for row in array)
    else:
        kind = {"b": "bool matrix", "i": "int8 matrix"}.get(array.dtype.kind, "matrix")
        kind = "float matrix" if array.dtype == np.float32 else kind
        yield from (f"# type: {kind}", *size)
        yield from (" " + " ".join(repr(int(x) if array.dtype.kind == "b" else x.item()) for x in row) for row in array)


LIES = [0, 1, 7, 8, 255, 256, 2**16, 2**20, 2**28, 2**31 - 1, 2**31, 2**32 - 1]


def mutant(content: bytes, draw: np.random.Generator) -> bytes:
    """The file with one to four faults."""
    faults = (_flip, _flip, _lie, _lie, _cut, _drop, _repeat, _digit)
    for _ in range(int(draw.integers(1, 5))):
        content = faults[int(draw.integers(len(faults)))](content, draw) if content else content
    return content


def _flip(content: bytes, draw: np.random.Generator) -> bytes:
    damaged = bytearray(content)
    damaged[int(draw.integers(len(damaged)))] ^= 1 << int(draw.integers(8))
    return bytes(damaged)


def _lie(content: bytes, draw: np.random.Generator) -> bytes:
    """A length or a size, which stands at a multiple of 4, that is another."""
    at = int(draw.integers(max(1, len(content) // 4))) * 4
    return content[:at] + struct.pack("<I", LIES[int(draw.integers(len(LIES)))]) + content[at + 4 :]


def _cut(content: bytes, draw: np.random.Generator) -> bytes:
    return content[: int(draw.integers(len(content)))] if draw.random() < 0.3 else content


def _drop(content: bytes, draw: np.random.Generator) -> bytes:
    at = int(draw.integers(len(content)))
    return content[:at] + content[at + int(draw.integers(1, 40)) :]


def _repeat(content: bytes, draw: np.random.Generator) -> bytes:
    at, length = int(draw.integers(len(content))), int(draw.integers(1, 200))
    return content[: at + length] + content[at:]


def _digit(content: bytes, draw: np.random.Generator) -> bytes:
    """A digit of a text that becomes a large number."""
    places = [at for at, byte in enumerate(content) if byte in b"0123456789"]
    if not places:
        return content
    at = places[int(draw.integers(len(places)))]
    return content[:at] + b"987654321"[: int(draw.integers(1, 10))] + content[at + 1 :]


def packed_mutant(content: bytes, draw: np.random.Generator) -> bytes:
    """A packed file whose unpacked content is damaged: what flips in packed bytes never reach."""
    if content[:2] == b"\x1f\x8b":
        return gzip.compress(mutant(gzip.decompress(content), draw), mtime=0)
    out, at = content[:128], 128
    while at + 8 <= len(content):
        kind, length = struct.unpack_from("<2I", content, at)
        data = zlib.decompress(content[at + 8 : at + 8 + length])
        data = zlib.compress(mutant(data, draw) if draw.random() < 0.2 else data)
        out, at = out + struct.pack("<2I", kind, len(data)) + data, at + 8 + length
    return out


def readers() -> dict[str, Callable[[Path], Any]]:
    """Everything that opens a user's file of this kind."""
    return {
        "load_mat": load_mat,
        "list": lambda path: list_variables(path).numbers(),
        "checkpoint": read_checkpoint,
        "train": read_case,
        "parity": case_from_mat,
        "plot": lambda path: read_variable(path, "indata"),
        "script": lambda path: load_in_a_script(str(path)),
    }


def broken_promise(read: Callable[[Path], Any], path: Path, size: int) -> str:
    """What a reader did that it may not, in a few words; empty where it kept its promise."""
    signal.alarm(3 * SECONDS)  # ends the process: by then the reader hangs
    start = time.monotonic()
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    try:
        value, said = read(path), ""
    except HessianFreeError as error:
        value, said = None, str(error)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"[:200]
    finally:
        signal.alarm(0)
    took, grown = time.monotonic() - start, tracemalloc.get_traced_memory()[1] - before
    if took > SECONDS:
        return f"{took:.1f} s"
    if "\n" in said or (value is None and not said):
        return f"not one sentence: {said!r}"[:200]
    if grown > FILE_FACTOR * size + SPARE_BYTES + 3 * declared(value):
        return f"{grown} bytes of memory for {size} bytes of file"
    return ""


def declared(value: Any) -> int:
    """Bytes of the numbers that came back."""
    if isinstance(value, dict):
        return sum(declared(entry) for entry in value.values())
    return (
        int(getattr(value, "nbytes", 0))
        if isinstance(value, np.ndarray)
        else declared(vars(value))
        if hasattr(value, "__dict__")
        else 0
    )


def main(forms: str, count: int, seed: int, folder: Path) -> int:
    """Damage `count` files of each of the formats."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    warnings.simplefilter("error")
    for form in forms.split(","):
        fuzz(form, count, seed, folder)
    return 0


def fuzz(form: str, count: int, seed: int, folder: Path) -> None:
    path = folder / "damaged.mat"
    samples = sample(form, folder)
    for content in samples:
        path.write_bytes(content)
        for read in (load_mat, lambda path: list_variables(path).numbers()):
            read(path)
    tracemalloc.start()
    for number in range(count):
        draw = np.random.default_rng([seed, number])
        content = samples[number % len(samples)]
        damage = packed_mutant if form in ("v7", "gzip") and number % 4 < 2 else mutant
        damaged = damage(content, draw)
        path.write_bytes(damaged)
        for name, read in readers().items():
            trouble = broken_promise(read, path, len(damaged))
            if trouble:
                print(f"{form} {seed} {number} {name}: {trouble}", flush=True)
    tracemalloc.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])))
