"""Measured envelopes, kept in the user's cache folder by what they were measured on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from hf_matlab_compat.matlab.files.atomic_file import atomic_file
from hf_matlab_compat.parity.engines.reference import SHIMS
from hf_matlab_compat.parity.reference_run import PLACE, Recording

Envelope = Mapping[tuple[int, str], float]

FORMAT = 3


def user_cache() -> Path:
    """The user's cache folder of this package, as XDG has it."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "hf_matlab_compat"


class EnvelopeCache:
    """A folder of envelopes. One that cannot be read or written is as good as none.

    Parameters
    ----------
    folder : path-like, optional
        By default `user_cache`.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        self._folder = None if folder is None else Path(folder)

    def key(self, recording: Recording, members: int) -> str:
        """Hash of all that an envelope depends on: files, case, states, precision, mode, programs, members."""
        digest = hashlib.sha256()
        plain = [FORMAT, members, recording.precision, recording.mode, len(recording.epochs)]
        depends_on = [item for item in recording.provenance.items() if not item[0].startswith(PLACE)]
        plain += [sorted(depends_on), sorted(recording.case.constants.items())]
        digest.update(repr(plain).encode())
        for shim in sorted(SHIMS.rglob("*.m")):
            digest.update(shim.read_bytes())
        for name in sorted(recording.case.arguments):
            _add(digest, recording.case.arguments[name])
        for record in recording.epochs:
            _add(digest, [record.theta, record.start, record.lam])
        return digest.hexdigest()

    def get(self, key: str) -> dict[tuple[int, str], float] | None:
        """The envelope, or None where there is none yet."""
        try:
            rows = json.loads(self._path(key).read_text(encoding="ascii"))
            return {(int(epoch), str(name)): float(E) for epoch, name, E in rows}
        except (OSError, ValueError, TypeError):
            return None

    def put(self, key: str, envelope: Envelope) -> None:
        """Keep an envelope."""
        rows = [[epoch, name, E] for (epoch, name), E in envelope.items()]
        path = self._path(key)
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_file(path) as stream:
                stream.write(json.dumps(rows).encode("ascii"))

    def _path(self, key: str) -> Path:
        return (self._folder or user_cache()) / f"envelope-{key[:32]}.json"


def _add(digest: Any, value: Any) -> None:
    if isinstance(value, np.ndarray) and value.dtype.kind != "O":
        digest.update(f"{value.dtype}{value.shape}".encode() + np.ascontiguousarray(value).tobytes())
    elif isinstance(value, (list, tuple)):
        for entry in value:
            _add(digest, entry)
    else:
        digest.update(repr(value).encode())
