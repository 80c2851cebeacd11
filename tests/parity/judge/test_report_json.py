"""The certificate as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.parity.certificate import Certificate, Verdict
from hf_matlab_compat.parity.report_json import from_json, schema, to_json
from hf_matlab_compat.parity.stages import STAGES
from tests.parity.judge.certificates import agreeing, differing

BOTH = pytest.mark.parametrize("certificate", [agreeing, differing], ids=["agreeing", "differing"])
KINDS = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "null": type(None)}


def faults(value: Any, rule: Mapping[str, Any], whole: Mapping[str, Any], at: str = "$") -> Iterator[str]:
    """Where a value breaks a schema, as far as this schema's own keywords go."""
    if "$ref" in rule:
        rule = whole["$defs"][rule["$ref"].rpartition("/")[2]]
    if "anyOf" in rule and all(list(faults(value, one, whole)) for one in rule["anyOf"]):
        yield f"{at}: none of anyOf"
    if "type" in rule and (not isinstance(value, KINDS[rule["type"]]) or isinstance(value, bool)):
        yield f"{at}: not {rule['type']}"
        return
    if value not in rule.get("enum", [value]) or rule.get("const", value) != value:
        yield f"{at}: {value!r} is not allowed"
    for name in rule.get("required", ()):
        if name not in value:
            yield f"{at}: no {name}"
    for name, part in value.items() if isinstance(value, dict) else ():
        yield from faults(
            part, rule.get("properties", {}).get(name, rule.get("additionalProperties", {})), whole, f"{at}.{name}"
        )
    for part in value if isinstance(value, list) else ():
        yield from faults(part, rule.get("items", {}), whole, f"{at}[]")


@BOTH
def test_a_certificate_keeps_to_its_schema(certificate: Any) -> None:
    assert list(faults(json.loads(to_json(certificate())), schema(), schema())) == []


def test_the_check_of_the_schema_can_fail() -> None:
    content = json.loads(to_json(differing()))
    content["lines"][0]["stage"] = "guess"
    del content["lines"][1]["bound"]
    assert len(list(faults(content, schema(), schema()))) == 2


@BOTH
def test_a_certificate_survives_a_round_trip(certificate: Any) -> None:
    text = to_json(certificate())
    back = from_json(text)
    assert to_json(back) == text
    assert list(back.lines) == list(certificate().lines)
    assert back.verdict is certificate().verdict


def test_infinities_are_words_because_json_has_no_such_numbers() -> None:
    content = json.loads(to_json(differing()), parse_constant=lambda word: pytest.fail(word))
    assert content["lines"][2]["distance"] == "inf"
    assert content["traces"][0]["ours"]["rho"] == ["-inf", "nan"]


def test_the_schema_knows_every_stage_and_verdict() -> None:
    definitions = schema()["$defs"]
    assert definitions["line"]["properties"]["stage"]["enum"] == list(STAGES)
    assert definitions["verdict"]["enum"] == [verdict.value for verdict in Verdict]


def test_a_later_version_and_other_files_are_refused() -> None:
    later = {**json.loads(to_json(Certificate(lines=[]))), "version": 99}
    for text in (json.dumps(later), "{}", "no json"):
        with pytest.raises(ParityError, match="certificate: expected"):
            from_json(text)


def test_keys_of_a_later_writer_are_passed_over() -> None:
    content = json.loads(to_json(agreeing()))
    content["lines"][0]["comment"] = "new"
    assert from_json(json.dumps(content)).lines[0] == agreeing().lines[0]


def test_edited_constants_and_what_was_not_exercised_are_told() -> None:
    edited = replace(differing(), constants={"drop": "0.5 (published 0.666667) (f.m:7)"}, not_exercised=["rms=1"])
    content = json.loads(to_json(edited))
    assert content["verdict"] == "differs"
    assert content["verdict_in_words"] == "differs, with 1 edited constant"
    assert (content["edited_constants"], content["not_exercised"]) == (["drop"], ["rms=1"])
    assert list(from_json(to_json(edited)).not_exercised) == ["rms=1"]


def test_a_certificate_of_an_earlier_writer_is_read() -> None:
    content = json.loads(to_json(agreeing()))
    for name in ("verdict_in_words", "edited_constants", "not_exercised"):
        del content[name]
    assert list(from_json(json.dumps(content)).not_exercised) == []
