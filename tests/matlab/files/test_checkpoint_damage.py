"""Damaged and hostile files are read or refused, never worse."""

import gzip
import os
import struct
import time
import warnings

import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.files.checkpoint import CheckpointWarning, read_checkpoint, write_checkpoint
from hf_matlab_compat.matlab.files.checkpoint_summary import summarise
from hf_matlab_compat.matlab.files.checkpoint_variables import VARIABLES, to_variables
from hf_matlab_compat.matlab.files.mat_formats import read_variables
from hf_matlab_compat.matlab.files.sidecar import sidecar_path
from tests.matlab.files.checkpoint_files import (
    assert_same,
    make_state,
    save_mat,
    save_mat73,
    widened,
)


def test_complex_and_linked_and_huge_variables_of_v73_are_refused(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = save_mat73(tmp_path / "a.mat", make_state(3))
    for place, sentence in (
        (np.zeros(7, dtype=[("real", "f8"), ("imag", "f8")]), "got complex"),
        (None, "expected what"),
    ):
        with h5py.File(path, "r+") as file:
            del file["ch"]
            if place is None:
                file.create_dataset("ch", shape=(1, 2**40), dtype="f8", chunks=(1, 1024))
            else:
                file["ch"] = place
        with pytest.raises(CheckpointError, match=f"ch: .*{sentence}"):
            read_checkpoint(path)
    with h5py.File(path, "r+") as file:
        del file["ch"]
        file["ch"] = h5py.ExternalLink("other.mat", "/ch")
    with pytest.raises(CheckpointError, match="ch: expected it in this file, got a link"):
        read_checkpoint(path)


def test_a_v4_file_that_points_backwards_does_not_hang(tmp_path):
    first = struct.pack("<5i", 0, 1, 1, 0, 2) + b"x\0" + struct.pack("<d", 1.0)
    second = struct.pack("<5i", 0, -5, 1, 0, 10) + b"yyyyyyyyy\0"
    (tmp_path / "a.mat").write_bytes(first + second)
    with pytest.raises(CheckpointError, match="expected a matrix at byte 30 of a v4 file"):
        read_checkpoint(tmp_path / "a.mat")


@pytest.mark.parametrize("rows", [2**31 - 1, 2**20])
def test_a_v4_file_that_claims_more_than_it_has_is_refused(tmp_path, rows):
    (tmp_path / "a.mat").write_bytes(struct.pack("<5i", 0, rows, rows, 0, 8) + b"paramsp\0")
    with pytest.raises(CheckpointError, match=r"expected [0-9]+ bytes, got a file of 28"):
        read_checkpoint(tmp_path / "a.mat")


def test_a_v5_file_that_claims_more_than_it_has_is_refused(tmp_path):
    content = save_mat(tmp_path / "a.mat", make_state(3, size=7)).read_bytes()
    claimed = content.replace(struct.pack("<2i", 7, 1), struct.pack("<2i", 2**31 - 1, 2**31 - 1))
    assert claimed != content
    (tmp_path / "a.mat").write_bytes(claimed)
    with pytest.raises(
        CheckpointError, match=r"expected a possible shape|paramsp: expected [0-9]+ numbers, got 28 bytes"
    ):
        read_checkpoint(tmp_path / "a.mat")


def test_packed_numbers_with_a_wrong_or_missing_checksum_are_refused(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"x": np.arange(9.0)}, do_compression=True)
    content = (tmp_path / "a.mat").read_bytes()
    length = struct.unpack_from("<I", content, 132)[0]
    shorter = content[:132] + struct.pack("<I", length - 4) + content[136:-4]
    for damaged in (content[:-1] + bytes([content[-1] ^ 1]), shorter):
        (tmp_path / "b.mat").write_bytes(damaged)
        with pytest.raises(CheckpointError, match=r"zlib cannot unpack|bytes when unpacked"):
            read_variables(tmp_path / "b.mat", ["x"])


def test_text_in_the_place_of_numbers_is_refused(tmp_path):
    text = octave_text(make_state()) + b"# name: ch\n# type: string\n# elements: 1\n# length: 2\nab\n"
    (tmp_path / "a.mat").write_bytes(text.replace(b"# name: ch\n# type: float", b"# name: other\n# type: float", 1))
    with pytest.raises(CheckpointError, match="ch: expected a full array of numbers, got the class 'char'"):
        read_checkpoint(tmp_path / "a.mat")


def test_a_gzip_bomb_is_refused(tmp_path):
    with gzip.open(tmp_path / "a.mat", "wb") as stream:
        for _ in range(80):
            stream.write(bytes(1 << 20))
    with pytest.raises(CheckpointError, match=r"expected at most [0-9]+ bytes in the gzip file, got more"):
        read_checkpoint(tmp_path / "a.mat")


def test_gzip_within_gzip_is_refused(tmp_path):
    (tmp_path / "a.mat").write_bytes(gzip.compress(gzip.compress(b"# Created by Octave")))
    with pytest.raises(CheckpointError, match="packed once, got gzip within gzip"):
        read_checkpoint(tmp_path / "a.mat")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("kind", ["pipe", "device", "directory", "cut", "empty"])
@pytest.mark.parametrize("ending", [".sidecar.npz", ".double.npz"])
def test_a_sidecar_that_cannot_be_read_is_told_and_never_waited_for(tmp_path, kind, ending):
    state = make_state()
    write_checkpoint(tmp_path / "a.mat", state)
    place, content = tmp_path / f"a{ending}", sidecar_path(tmp_path / "a.mat").read_bytes()
    sidecar_path(tmp_path / "a.mat").unlink()
    make = {
        "pipe": lambda: os.mkfifo(place),
        "device": lambda: place.symlink_to("/dev/zero"),
        "directory": place.mkdir,
        "cut": lambda: place.write_bytes(content[:-50]),
        "empty": lambda: place.write_bytes(b""),
    }
    make[kind]()
    with pytest.warns(CheckpointWarning, match=r"expected its checksums in a\.sidecar\.npz, got a damaged file"):
        assert_same(read_checkpoint(tmp_path / "a.mat", precision="single"), state)
    assert (
        "a.sidecar.npz beside it is damaged: the values of this file are not checked"
        in summarise(tmp_path / "a.mat").remarks
    )


def octave_text(state):
    """The checkpoint as Octave's text, written here."""
    lines = ["# Created by Octave 7.3.0, Mon Jan 01 00:00:00 2024 UTC <user@host>"]
    for name, value in to_variables(state).items():
        lines.append(f"# name: {name}")
        if value.size == 1:
            lines += ["# type: scalar", repr(value.item())]
        else:
            prefix = "float " if value.dtype == np.float32 else ""
            lines += [f"# type: {prefix}matrix", f"# rows: {value.shape[0]}", f"# columns: {value.shape[1]}"]
            lines += [" " + " ".join(repr(float(x)) for x in row) for row in value]
        lines += ["", ""]
    return "\n".join([*lines, ""]).encode()


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """One small checkpoint in each format."""
    directory, state = tmp_path_factory.mktemp("samples"), make_state(2, size=3)
    variables = scipy.io.loadmat(save_mat(directory / "v6.mat", state))
    kept = {name: variables[name] for name in VARIABLES}
    scipy.io.savemat(directory / "v7.mat", kept, do_compression=True)
    scipy.io.savemat(directory / "v4.mat", {name: value.astype(float) for name, value in kept.items()}, format="4")
    save_mat73(directory / "v73.mat", state)
    (directory / "text.mat").write_bytes(octave_text(state))
    (directory / "gzip.mat").write_bytes(gzip.compress(octave_text(state), mtime=0))
    return {path.stem: path.read_bytes() for path in directory.glob("*.mat")}


FORMATS = ["v4", "v6", "v7", "v73", "text", "gzip"]


@pytest.mark.parametrize("name", FORMATS)
def test_every_sample_is_a_whole_checkpoint(samples, tmp_path, name):
    (tmp_path / "a").write_bytes(samples[name])
    expected = make_state(2, size=3)
    assert_same(read_checkpoint(tmp_path / "a"), widened(expected) if name == "v4" else expected)


def read_or_refuse(path, content):
    """Reading ends soon, with a proper State or with one sentence."""
    path.write_bytes(content)
    start, refusal, state = time.perf_counter(), "", None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            state = read_checkpoint(path)
        except CheckpointError as error:
            refusal = str(error)
    assert time.perf_counter() - start < 5
    assert "\n" not in refusal
    if state is not None:
        assert state.theta.shape == state.d.shape
        assert np.isfinite(state.theta).all()
        assert state.records.log_likelihood.shape == (state.epoch, 2)


FUZZ = settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("name", FORMATS)
@FUZZ
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_is_read_or_refused(samples, tmp_path, name, share):
    read_or_refuse(tmp_path / "a.mat", samples[name][: int(share * len(samples[name]))])


@pytest.mark.parametrize("name", FORMATS)
@FUZZ
@given(places=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)), min_size=1, max_size=4))
def test_a_file_with_flipped_bits_is_read_or_refused(samples, tmp_path, name, places):
    content = bytearray(samples[name])
    for share, bit in places:
        content[int(share * len(content))] ^= 1 << bit
    read_or_refuse(tmp_path / "a.mat", bytes(content))


@FUZZ
@given(content=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(tmp_path, content):
    read_or_refuse(tmp_path / "a.mat", content)
