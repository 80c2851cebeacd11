"""Remarks on what scripts do by hand and an option or a command does here."""

from __future__ import annotations

from pathlib import Path

import pytest

from hf_matlab_compat.cli import main
from hf_matlab_compat.migrate import translate

pytest.importorskip("tree_sitter_matlab")

DATA = "x = zeros(64, 90); q = 0.2; s = 0.1;\n"
CALL = (
    "paramsp = nnet_train_2('run', 'x', [], [], [], [], 5, x, x, 1, [], [], 1, [9], {'logistic', 'logistic'}, "
    "'gn', 0, 'L2', 1, w, 0.95, 0);\n"
)


def remarks(statement: str, call: str = CALL) -> list[str]:
    translation = translate(f"{DATA}w = 2e-5;\n{statement}\n{call}")
    return [f"{line.number}: {line.remark}" for line in translation.offered]


@pytest.mark.parametrize(
    ("statement", "option"),
    [
        ("y = x .* (rand(size(x)) > q);", "the option blankout of nnet_train (input_blankout of train)"),
        ("keep = rand(64, 90) >= 0.3;", "the option blankout of nnet_train (input_blankout of train)"),
        ("x(0.3 > rand(size(x))) = 0;", ""),
        ("y = x + s*randn(size(x));", "the option innoise of nnet_train (input_noise of train)"),
        ("y = (randn(64, 90) .* s) + x(:, 1:90);", "the option innoise of nnet_train (input_noise of train)"),
        (
            "y = repmat(x, 1, 4) + s * randn(64, 360);",
            "the option blankout or innoise of nnet_train, which needs no co",
        ),
        ("y = repmat(x, 1, 4) .* (rand(64, 360) > q);", "the option blankout or innoise of nnet_train, which needs no"),
        ("y = rand(1) < 0.5;", ""),
        ("y = 0.1 * randn(64, 90);", ""),
        ("y = x + s*rand(1);", ""),
        ("y = x - repmat(mean(x, 2), 1, 90);", ""),
    ],
)
def test_inputs_corrupted_by_hand_are_remarked_on(statement: str, option: str) -> None:
    found = remarks(statement)
    assert len(found) == bool(option)
    assert all(each.startswith(f"3: could be {option}") for each in found)
    assert not remarks(statement, call="y2 = x;\n")  # a script that trains nothing


def test_a_loop_around_the_call_is_remarked_on_in_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loop = f"for w = [1e-6 1e-5 1e-4]\n{CALL}end\nfor k = 1:3\n  w = k;\nend\n"
    found = [line.number for line in translate(DATA + loop).offered]
    assert found == [2]
    (tmp_path / "sweep.m").write_text(DATA + loop)
    assert main(["migrate", str(tmp_path / "sweep.m")]) == 0
    assert (
        "line 2: for w = [1e-6 1e-5 1e-4]  (could be hf-compat search, which tries settings" in capsys.readouterr().out
    )
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "sweep.m").write_text(DATA + loop)
    assert main(["migrate", str(tmp_path / "folder")]) == 0
    report = (tmp_path / "folder_python" / "REPORT.md").read_text()
    assert "could be hf-compat search, which tries settings in parallel" in report
