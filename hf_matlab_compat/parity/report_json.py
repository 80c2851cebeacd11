"""A certificate as JSON, in a schema that `certificate.schema.json` holds and that only grows under its number."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from importlib.resources import files
from typing import Any

import numpy as np

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.parity.certificate import Certificate, Line, Traces, Verdict

SCHEMA = "hf-matlab-compat/parity-certificate"
SCHEMA_VERSION = 1
"""Grows when a reader of the old schema would misread the new one; new keys alone do not count."""

_NOT_IN_JSON = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}


def to_json(certificate: Certificate, indent: int | None = 1) -> str:
    """The certificate as text; infinities and NaN are the strings 'inf', '-inf' and 'nan'.

    Parameters
    ----------
    certificate : Certificate
    indent : int or None
        As in `json.dumps`.
    """
    first = certificate.first_divergence
    content = {
        "schema": SCHEMA,
        "version": SCHEMA_VERSION,
        "verdict": certificate.verdict.value,
        "verdict_in_words": certificate.verdict_in_words,
        "sentence": certificate.sentence,
        "edited_constants": certificate.edited_constants,
        "constants_not_read": certificate.constants_not_read,
        "not_exercised": list(certificate.not_exercised),
        "seen": dict(certificate.seen),
        "place": certificate.place,
        "first_divergence": None if first is None else _line(first),
        "lines": [_line(line) for line in certificate.lines],
        "traces": [_trace(trace) for trace in certificate.traces],
        "constants": dict(certificate.constants),
        "provenance": dict(certificate.provenance),
    }
    return json.dumps(content, indent=indent, ensure_ascii=False, allow_nan=False)


def from_json(text: str) -> Certificate:
    """The certificate that `to_json` wrote.

    Raises
    ------
    ParityError
        It is no certificate, or one of a later version.
    """
    try:
        content = json.loads(text)
        if content["schema"] != SCHEMA or content["version"] > SCHEMA_VERSION:
            raise ParityError(f"certificate: expected version {SCHEMA_VERSION}, got {content['version']}.")
        return Certificate(
            lines=[_read_line(line) for line in content["lines"]],
            traces=[_read_trace(trace) for trace in content["traces"]],
            constants=content["constants"],
            provenance=content["provenance"],
            not_exercised=content.get("not_exercised", ()),
            seen=content.get("seen", {}),
            place=content.get("place", ""),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ParityError(f"certificate: expected what `to_json` writes, got {error!r}.") from error


def schema() -> dict[str, Any]:
    """The JSON schema of `to_json`."""
    text = files("hf_matlab_compat.parity").joinpath("certificate.schema.json").read_text(encoding="utf-8")
    return json.loads(text)


def _line(line: Line) -> dict[str, Any]:
    plain = {**asdict(line), "verdict": line.verdict.value}
    return {name: _number(value) if isinstance(value, float) else value for name, value in plain.items()}


def _trace(trace: Traces) -> dict[str, Any]:
    sides = {name: _columns(getattr(trace, name)) for name in ("ours", "reference", "envelope")}
    return {"case": trace.case, "precision": trace.precision, **sides}


def _columns(values: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {name: [_number(float(value)) for value in column] for name, column in values.items()}


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _read_line(content: Mapping[str, Any]) -> Line:
    known = {part.name: content[part.name] for part in fields(Line)}
    figures = {name: _read_number(known[name]) for name in ("distance", "bound")}
    return Line(**{**known, **figures, "verdict": Verdict(known["verdict"])})


def _read_trace(content: Mapping[str, Any]) -> Traces:
    sides = {name: _read_columns(content[name]) for name in ("ours", "reference", "envelope")}
    return Traces(case=content["case"], precision=content["precision"], **sides)


def _read_columns(content: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    return {name: np.array([_read_number(value) for value in column], float) for name, column in content.items()}


def _read_number(value: Any) -> Any:
    return _NOT_IN_JSON[value] if isinstance(value, str) else value
