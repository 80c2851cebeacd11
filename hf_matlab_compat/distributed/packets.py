"""Packets: a header in JSON and raw vectors, with checksums; what workers and keeper exchange. Nothing is pickled.

A packet is: ``HFSHARE1``, the length and the CRC-32 of the header (two little-endian 32-bit integers), the header, the
vectors one after the other (little-endian), and the SHA-256 of all that (32 bytes).
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import SharedStateError

MAGIC = b"HFSHARE1"
_PREFIX = struct.Struct("<8sII")
_DIGEST = 32
_DTYPES = ("<f4", "<f8")
HEAD = 1 << 16
"""Bytes that hold the prefix and the header of nearly every packet."""


class DamagedPacket(SharedStateError):
    """A packet is not as it was written.

    Parameters
    ----------
    name : str
        The file, or the entry of a stream.
    got : str
        What was found.
    """

    def __init__(self, name: str, got: str) -> None:
        super().__init__(f"{name}: expected a packet of this package as it was written, got {got}.")


class Packet(NamedTuple):
    """The content of a packet.

    Attributes
    ----------
    header : dict
        Without the description of the vectors.
    vectors : list of (n,) arrays
        float32 or float64.
    """

    header: dict[str, Any]
    vectors: list[NDArray[np.floating[Any]]]


def encode(header: Mapping[str, Any], vectors: Sequence[NDArray[np.floating[Any]]] = ()) -> bytes:
    """Return a packet of one-dimensional float32 and float64 vectors."""
    kinds = [[vector.dtype.newbyteorder("<").str, int(vector.size)] for vector in vectors]
    told = json.dumps({**header, "vectors": kinds}).encode()
    numbers = [
        np.ascontiguousarray(vector).astype(kind, copy=False) for vector, (kind, _) in zip(vectors, kinds, strict=True)
    ]
    parts = [_PREFIX.pack(MAGIC, len(told), zlib.crc32(told)), told, *(each.tobytes() for each in numbers)]
    digest = sha256()
    for part in parts:
        digest.update(part)
    return b"".join([*parts, digest.digest()])


def decode(name: str, data: bytes) -> Packet:
    """Return the content of a packet.

    Parameters
    ----------
    name : str
        What errors call it: a file, or an entry of a stream.
    data : bytes
        The packet.

    Raises
    ------
    DamagedPacket
        It is no packet, or it is not as it was written.
    """
    header = read_header(name, data)
    start = _PREFIX.size + _PREFIX.unpack_from(data)[1]
    kinds = header.pop("vectors")
    size = sum(int(kind[2:]) * count for kind, count in kinds)
    if len(data) != start + size + _DIGEST or sha256(data[:-_DIGEST]).digest() != data[-_DIGEST:]:
        raise DamagedPacket(name, f"{len(data)} bytes with another checksum")
    vectors: list[NDArray[np.floating[Any]]] = []
    for kind, count in kinds:
        vectors.append(np.frombuffer(data, kind, count, start).astype(np.dtype(kind).newbyteorder("=")))
        start += int(kind[2:]) * count
    return Packet(header, vectors)


def read_header(name: str, data: bytes) -> dict[str, Any]:
    """Return the header of a packet, of which `data` is the beginning; ``vectors`` lists dtypes and sizes.

    Raises
    ------
    DamagedPacket
        It is no packet, or the header is not as it was written.
    """
    if len(data) < _PREFIX.size or not data.startswith(MAGIC):
        raise DamagedPacket(name, f"{len(data)} bytes of something else")
    _, length, checksum = _PREFIX.unpack_from(data)
    told = data[_PREFIX.size : _PREFIX.size + length]
    if len(told) != length or zlib.crc32(told) != checksum:
        raise DamagedPacket(name, f"{len(data)} bytes with another checksum")
    header = json.loads(told)
    if not all(kind in _DTYPES for kind, _ in header["vectors"]):
        raise DamagedPacket(name, "numbers of another type")
    return header
