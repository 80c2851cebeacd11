"""The study of all methods: its table, picture, journal and refusals."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from hf_matlab_compat.cli import main
from hf_matlab_compat.methods.lissa import LiSSA
from hf_matlab_compat.registry import METHODS as NAMES
from hf_matlab_compat.studies.family import METHODS, Family, FamilyCourse, run_course


def test_a_course_is_read_at_equal_work() -> None:
    course = FamilyCourse(passes=[10, 20, 30], f=[5.0, 3.0, 2.0], test=[0.5, 0.4, 0.3])
    assert course.at("f", 25) == 3.0
    assert math.isnan(course.at("f", 5))
    assert course.passes_to(3.5) == 20
    assert course.passes_to(1.0) == math.inf


def test_the_share_is_the_work_to_what_the_published_method_reaches() -> None:
    own = [FamilyCourse(passes=[50, 100], f=[4.0, 2.0], test=[1, 1], seconds=[1, 2])] * 2
    quick = [FamilyCourse(passes=[30, 100], f=[2.0, 1.0], test=[1, 1], seconds=[1, 2])] * 2
    slow = [FamilyCourse(passes=[100], f=[3.0], test=[1], seconds=[2])] * 2
    lines = Family("digits", 100, {"hessian_free": own, "quick": quick, "slow": slow}).table().splitlines()
    assert [line.split()[-1] for line in lines[1:3]] == ["1.00", "0.30"]
    assert lines[3].endswith("0 of 2")
    assert max(map(len, lines)) <= 80


def test_all_methods_can_be_drawn_at_once(tmp_path: Path) -> None:
    course = FamilyCourse(passes=[1, 2], f=[2.0, 1.0], seconds=[0.1, 0.2])
    Family("digits", 2, {name: [course] for name in METHODS}).plot(tmp_path / "all.svg")
    drawn = (tmp_path / "all.svg").read_text()
    assert "<svg" in drawn


def test_most_named_methods_are_compared() -> None:
    used = {options.get("method", "hessian_free") for options in METHODS.values()}
    assert set(NAMES) - {each for each in used if isinstance(each, str)} <= {"hf", "lissa"}
    assert sum(isinstance(each, LiSSA) for each in used) == 1


@pytest.mark.parametrize("name", ["minres", "L-BFGS pairs", "equilibration", "jacobi", "krylov_subspace", "nag"])
def test_work_is_counted(name: str) -> None:
    course = run_course(name, "digits", 0, 25)
    assert course.passes[-1] >= 25
    assert not course.failed
    assert (course.products[-1] > 0) == (name != "nag")
    assert len(course.f) == len(course.test) == len(course.seconds)


def test_the_command_resumes_from_its_journal_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal, picture = tmp_path / "j.jsonl", tmp_path / "family.png"
    words = ["study", "compare", "--methods", "minres", "--seeds", "1", "--passes", "20", "--journal", str(journal)]
    assert main([*words, "--picture", str(picture)]) == 0
    first = capsys.readouterr().out
    lines = journal.read_text().splitlines()
    assert [json.loads(line)["settings"]["method"] for line in lines] == ["hessian_free", "minres"]
    assert main(words) == 0
    assert capsys.readouterr().out == first.rpartition("Picture")[0]
    assert journal.read_text().splitlines() == lines
    assert picture.stat().st_size > 20_000


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--methods", "sgd"], "methods: expected one of hessian_free, no preconditioner"),
        (["--data", "cifar"], "data: expected one of digits, curves, faces, mnist5k"),
        (["--picture", "x.txt"], "picture: expected a file name that ends in .png"),
    ],
)
def test_wrong_words_are_refused(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", "compare", *words]) == 2
    assert sentence in capsys.readouterr().err
