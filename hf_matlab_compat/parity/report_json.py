"""A certificate as JSON, and the schema of that JSON, both derived from the dataclasses of `certificate`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import numpy as np

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.parity.certificate import Certificate, Line, Verdict

SCHEMA = "hf-matlab-compat/parity-certificate"
SCHEMA_VERSION = 1
"""Grows when a reader of the old schema would misread the new one; new keys alone do not count."""

_DERIVED: Mapping[str, Any] = {
    "verdict": Verdict,
    "verdict_in_words": str,
    "sentence": str,
    "edited_constants": Sequence[str],
    "constants_not_read": Sequence[str],
    "first_divergence": Line | None,
}
"""Properties of a certificate that are written beside its fields."""
_REQUIRED = ("schema", "version", "verdict", "first_divergence", "lines", "traces", "constants", "provenance")
_NOT_IN_JSON = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}
_NAMES: Mapping[Any, str] = {str: "string", int: "integer", NoneType: "null"}


def to_json(certificate: Certificate, indent: int | None = 1) -> str:
    """Return the certificate as text; infinities and NaN are the strings 'inf', '-inf' and 'nan'.

    `indent` is that of `json.dumps`.
    """
    derived = {name: _plain(getattr(certificate, name)) for name in _DERIVED}
    content = {"schema": SCHEMA, "version": SCHEMA_VERSION, **derived, **_plain(certificate)}
    return json.dumps(content, indent=indent, ensure_ascii=False, allow_nan=False)


def from_json(text: str) -> Certificate:
    """Read a certificate that `to_json` wrote; keys that this version does not know are passed over.

    Raises
    ------
    ParityError
        The text is no certificate, or one of a later version.
    """
    try:
        content = json.loads(text)
        if content["schema"] != SCHEMA or content["version"] > SCHEMA_VERSION:
            raise ParityError(f"certificate: expected version {SCHEMA_VERSION}, got {content['version']}.")
        return _restored(Certificate, {**dict.fromkeys(("lines", "traces"), None), **content})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ParityError(f"certificate: expected what `to_json` writes, got {error!r}.") from error


def schema() -> dict[str, Any]:
    """Return the JSON schema of `to_json`."""
    definitions: dict[str, Any] = {}
    whole = _rule_of_class(Certificate, definitions)
    fixed = {"schema": {"const": SCHEMA}, "version": {"const": SCHEMA_VERSION}}
    derived = {name: _rule(kind, definitions) for name, kind in _DERIVED.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Parity certificate of hf_matlab_compat",
        "type": "object",
        "required": list(_REQUIRED),
        "properties": {**fixed, **derived, **whole["properties"]},
        "$defs": definitions,
    }


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if is_dataclass(value):
        return {part.name: _plain(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [_plain(part) for part in (value.tolist() if isinstance(value, np.ndarray) else value)]
    return value


def _restored(kind: Any, value: Any) -> Any:
    """Return the value of a type that `_plain` made plain."""
    origin, inside = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and is_dataclass(kind):
        return kind(**{name: _restored(part, value[name]) for name, part in _parts(kind).items() if name in value})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    if origin is np.ndarray:
        return np.array([_NOT_IN_JSON.get(part, part) for part in value], float)
    if origin is Mapping:
        return {name: _restored(inside[1], part) for name, part in value.items()}
    if origin is Sequence:
        return [_restored(inside[0], part) for part in value]
    return _NOT_IN_JSON[value] if origin is UnionType and isinstance(value, str) else value


def _rule(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a type; classes go into the definitions."""
    origin, inside = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return {**_rule(inside[0], definitions), "enum": list(inside[1])}
    if origin is UnionType:
        return {"anyOf": [_rule(part, definitions) for part in inside]}
    if origin is np.ndarray or origin is Sequence:
        return {"type": "array", "items": _rule(float if origin is np.ndarray else inside[0], definitions)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _rule(inside[1], definitions)}
    if kind is float:
        return {"anyOf": [{"type": "number"}, {"enum": list(_NOT_IN_JSON)}]}
    if kind in _NAMES:
        return {"type": _NAMES[kind]}
    name = kind.__name__.lower()
    if name not in definitions:
        members = {"enum": [member.value for member in kind]} if issubclass(kind, Enum) else None
        definitions[name] = members or _rule_of_class(kind, definitions)
    return {"$ref": f"#/$defs/{name}"}


def _rule_of_class(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    properties = {name: _rule(part, definitions) for name, part in _parts(kind).items()}
    return {"type": "object", "required": list(properties), "properties": properties}


def _parts(kind: Any) -> dict[str, Any]:
    """Return the types of a dataclass's fields by name."""
    hints = get_type_hints(kind, include_extras=True)
    return {part.name: hints[part.name] for part in fields(kind)}
