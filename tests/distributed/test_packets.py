"""Packets: what is written is read, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from hf_matlab_compat.distributed.packets import DamagedPacket, decode, encode, read_header
from hf_matlab_compat.errors import SharedStateError

VECTORS = [np.array([1, -0.0, np.pi], np.float32), np.array([1e300, np.inf]), np.zeros(0, np.float32)]
PACKET = encode({"version": 3, "last": "µ"}, VECTORS)


def test_a_packet_has_the_bits_that_went_into_it() -> None:
    header, vectors = decode("x", PACKET)
    assert header == {"version": 3, "last": "µ"}
    assert [v.dtype for v in vectors] == [v.dtype for v in VECTORS]
    assert [v.tobytes() for v in vectors] == [v.tobytes() for v in VECTORS]
    assert read_header("x", PACKET[:100])["vectors"] == [["<f4", 3], ["<f8", 2], ["<f4", 0]]
    assert encode({"version": 3, "last": "µ"}, [v.astype(v.dtype.newbyteorder(">")) for v in VECTORS]) == PACKET
    assert b"pickle" not in PACKET


def test_every_changed_byte_and_every_missing_byte_is_found() -> None:
    for place in range(len(PACKET)):
        changed = bytearray(PACKET)
        changed[place] ^= 16
        with pytest.raises(
            DamagedPacket, match=r"^stream entry 7: expected a packet of this package as it was written"
        ):
            decode("stream entry 7", bytes(changed))
        with pytest.raises(DamagedPacket):
            decode("x", PACKET[:place])
    with pytest.raises(SharedStateError):
        decode("x", PACKET + b"\0")
