"""Folders of scripts: what their files are called, who calls whom, and what is said of those that call."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.migrate import Translation, migrate_directory, migrate_script, translate
from hf_matlab_compat.migrate.runtime import colon, sprintf
from hf_matlab_compat.migrate.translation import unknown_functions
from tests.migrate.trainer.trainer_text import ARGUMENTS, SOLVER, TRAINER

pytest.importorskip("tree_sitter_matlab")


def folder_of(tmp_path: Path, **files: str) -> Path:
    """A folder with these .m files."""
    folder = tmp_path / "matlab"
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.m").write_text(text)
    return folder


def printed(folder: Path, capsys: pytest.CaptureFixture[str], name: str = "main") -> str:
    """Migrate the folder beside itself, run one script, and give what it prints."""
    before = set(sys.modules)
    made, failed = migrate_directory(folder, folder)
    assert not failed
    assert all(each.runs for each in made), [each.todos for each in made]
    sys.path.insert(0, str(folder))
    try:
        runpy.run_path(str(folder / f"{name}.py"), run_name="__main__")
    finally:
        sys.path.remove(str(folder))
        for each in set(sys.modules) - before:
            if getattr(sys.modules[each], "__file__", None) and str(folder) in str(sys.modules[each].__file__):
                del sys.modules[each]
    return capsys.readouterr().out


@pytest.mark.parametrize("name", ["copy", "random", "inspect", "string", "types", "numpy", "struct", "scipy", "class_"])
def test_a_function_called_like_a_module_of_pythons_gets_another_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    function = f"function y = {name}(x)\n  y = x + 1;\nend\n"
    folder = folder_of(tmp_path, **{name: function, "main": f"fprintf('%d\\n', {name}(1) + 1);\n"})
    assert printed(folder, capsys) == "3\n"
    assert not (folder / f"{name}.py").exists()
    assert (folder / f"{name}_.py").exists()


def test_other_names_of_files_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of(tmp_path, copy_of="function y = copy_of(x)\n  y = x;\nend\n", main="disp(copy_of(4));\n")
    assert printed(folder, capsys) == "4\n"
    assert (folder / "copy_of.py").exists()


def test_a_range_counts_from_both_ends_as_matlabs() -> None:
    assert colon(0, 0.1, 1)[7] == 1 - 3 * 0.1
    assert colon(0, 0.1, 0.3).tolist() == [0, 0.1, 0.3 - 0.1, 0.3]
    assert colon(1, -0.1, 0.3)[-1] == 0.3
    assert colon(0.1, 0.1, 0.35).size == 3
    assert colon(3, 1, 1.5).size == 0
    assert np.isnan(colon(1, 1, float("nan"))).tolist() == [True]
    with pytest.raises(MigrationError, match="a range that ends, got 0:1:inf"):
        colon(0, 1, float("inf"))


CALL = "'r', '', [], [], [], [], 2, x, x, 2, x, x, 2, [3], {'logistic', 'linear'}, 'gn', 0, 'L2', 1, 2e-5, 0.95, 0"
PLAIN = f"""function paramsp = nnet_train_plain({ARGUMENTS})
initlambda = 45.0;
for epoch = 1:maxepoch
    paramsp = paramsp - 0.1*(paramsp - 1);
end
end
"""


def of_script(folder: Path, name: str) -> Translation:
    made, _ = migrate_directory(folder, folder.parent / "python")
    return next(each for each in made if each.name == name)


@pytest.mark.parametrize("inside", ["", "% conjgrad_1(1);\n", "if 0\n  conjgrad_1(1);\nend\n"])
def test_a_trainer_that_calls_no_solver_is_refused_though_one_lies_beside_it(tmp_path: Path, inside: str) -> None:
    trainer = PLAIN.replace("initlambda = 45.0;\n", f"initlambda = 45.0;\n{inside}")
    folder = folder_of(tmp_path, nnet_train_plain=trainer, conjgrad_1=SOLVER.lstrip(), go=f"nnet_train_plain({CALL});")
    made = of_script(folder, "go")
    assert "expected a copy of nnet_train_2.m that calls a conjgrad function" in made.todos[0].remark
    assert made.state == "1 left to do"


def test_a_call_of_a_trainer_with_edits_that_no_option_expresses_is_to_verify(tmp_path: Path) -> None:
    trainer = TRAINER.replace("p = ch;", "p = ch/2;") + SOLVER
    folder = folder_of(tmp_path, nnet_train_2=trainer, go=f"x = rand(4, 20);\nif 1\n  p = nnet_train_2({CALL});\nend\n")
    made = of_script(folder, "go")
    said = (
        "to verify: nnet_train_2.m has a line that no option expresses; 'hf-compat migrate nnet_train_2.m' lists them"
    )
    assert f"    # {said}\n    p = nnet_train(" in made.python
    assert (made.state, [line.number for line in made.to_verify]) == ("1 to verify", [3])


def test_a_copy_under_any_name_is_a_trainer_and_its_own_arguments_count(tmp_path: Path) -> None:
    whole = TRAINER + SOLVER
    own = f"runName, runDesc, {ARGUMENTS.removeprefix('runName, runDesc, ')}"
    swapped = own.replace("weightcost, decay, jacket", "decay, weightcost, jacket")
    folder = folder_of(
        tmp_path,
        hf_fit=whole.replace("nnet_train_2", "hf_fit").replace("initlambda = 45.0", "initlambda = 20"),
        wide=whole.replace("nnet_train_2( ", "wide( foo, "),
        swapped=whole.replace("nnet_train_2", "swapped").replace(own, swapped),
        fit=f"x = rand(4, 20);\np = hf_fit({CALL});\n",
        fit_wide=f"x = rand(4, 20);\np = wide(1, {CALL});\n",
        fit_swapped=f"x = rand(4, 20);\np = swapped({CALL});\n",
    )
    made, _ = migrate_directory(folder, tmp_path / "python")
    assert [each.name for each in made] == ["fit", "fit_swapped", "fit_wide"]
    fit, fit_swapped, fit_wide = made
    assert (fit.state, "initlambda=20.0" in fit.python) == ("complete", True)
    assert "decay=2e-5" in fit_swapped.python
    assert "weightcost=0.95" in fit_swapped.python
    assert "calls wide with foo, for which there is no argument here" in fit_wide.todos[0].remark


def test_what_a_copy_sets_anew_is_given_once(tmp_path: Path) -> None:
    trainer = (TRAINER + SOLVER).replace("autodamp = 1;\ndrop", "weightcost = 1e-3;\nautodamp = 1;\ndrop")
    folder = folder_of(tmp_path, nnet_train_2=trainer, go=f"x = rand(4, 20);\np = nnet_train_2({CALL});\n")
    made = of_script(folder, "go")
    assert made.state == "complete"
    assert made.python.count("weightcost") == 1
    assert "weightcost=0.001" in made.python


def test_scripts_that_call_what_is_not_complete_are_not_complete(tmp_path: Path) -> None:
    folder = folder_of(
        tmp_path,
        deep="function y = deep(x)\n  y = wavelet(x);\nend\n",
        middle="function y = middle(x)\n  y = deep(x) + 1;\nend\n",
        main="fprintf('%d\\n', middle(3));\n",
        other="fprintf('%d\\n', 3);\n",
    )
    made, _ = migrate_directory(folder, tmp_path / "python")
    assert {each.name: each.state for each in made} == {
        "deep": "1 left to do",
        "main": "calls middle.m, not complete",
        "middle": "calls deep.m, not complete",
        "other": "complete",
    }
    assert migrate_script(folder / "main.m").unfinished == ("middle",)


def test_a_statement_over_several_lines_is_one_item_and_unknown_functions_are_listed_once(tmp_path: Path) -> None:
    text = "[a, b] = load_it( ...\n  'x', ...\n  3);\nfprintf('%d\\n', a + b); y = load_it(2);\nz = qr(3);\n"
    folder = folder_of(tmp_path, main=text, more="w = load_it(1);\n")
    made, _ = migrate_directory(folder, tmp_path / "python")
    main = made[0]
    assert [(each.where, each.unknown) for each in main.todos] == [
        ("lines 1-3", "load_it"),
        ("line 4", "load_it"),
        ("line 5", "qr"),
    ]
    assert main.todos[0].remark.startswith("load_it is not known here")
    assert unknown_functions(made) == ["load_it (main.m, more.m)", "qr (main.m)"]


NESTED = {
    "reads a variable": ("k = 2;\nfunction z = inner(v)\n  z = v * k;\nend\ny = inner(x);", 6),
    "reads a parameter, and another one": (
        "function z = twice(v)\n  z = shift(v) * 2;\nend\nfunction z = shift(v)\n  z = v + x;\nend\ny = twice(1);",
        8,
    ),
    "is called twice while the variable changes": (
        "k = 1;\nfunction z = inner(v)\n  z = v * k;\nend\na = inner(x); k = 10; y = a + inner(x);",
        33,
    ),
    "shares nothing": ("function z = inner(v)\n  t = v + 1; z = t;\nend\ny = inner(x);", 4),
    "takes nothing": ("function z = inner()\n  z = x + 1;\nend\ny = inner() + inner;", 8),
}


@pytest.mark.parametrize("kind", NESTED)
def test_a_function_inside_a_function(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body, expected = NESTED[kind]
    folder = folder_of(tmp_path, fit=f"function y = fit(x)\n{body}\nend\n", main="fprintf('%d\\n', fit(3));\n")
    assert printed(folder, capsys) == f"{expected}\n"


@pytest.mark.parametrize(
    ("inner", "call", "reason"),
    [
        ("k = k + v; z = k;", "inner(x)", "changes variables of the outer one"),
        ("z = v * k;", "feval(@inner, x)", "of which a handle is made"),
        ("z = v * k * nargin;", "inner(x)", "counts its arguments"),
        ("z = v * k;", "inner()", "called in several ways"),
    ],
)
def test_a_function_inside_a_function_that_cannot_stand_outside_says_why(inner: str, call: str, reason: str) -> None:
    text = f"function y = fit(x)\nk = 2;\nfunction z = inner(v)\n  {inner}\nend\ny = {call};\nend\n"
    todos = translate(text).todos
    assert [each.where for each in todos][:1] == ["lines 3-5"]
    assert reason in todos[0].remark


def test_complex_numbers_are_not_printed_by_guess() -> None:
    with pytest.raises(MigrationError, match="sprintf: expected real numbers, got complex ones"):
        sprintf("%g", np.array([1 + 2j]))
    assert sprintf("%g", np.real(np.array([1 + 2j]))) == "1"


def test_a_script_called_by_name_runs_in_place_of_the_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of(
        tmp_path,
        main="base = 2;\nprep\nfor k = 1:2\n  grow;\nend\nrun('show.m')\nfprintf('%d\\n', total);\n",
        prep="X = [1 2; 3 4];\ntotal = base * sum(X(:));\n",
        grow="total = total + k; % needs k\n",
        show="if total > 5, fprintf('large\\n'); end\n",
    )
    assert printed(folder, capsys) == "large\n23\n"
    made, _ = migrate_directory(folder, tmp_path / "out")
    assert [(each.name, each.state) for each in made] == [("main", "complete")]
    assert not (tmp_path / "out" / "grow.py").exists()
    assert "prep.m, grow.m, show.m" in (tmp_path / "out" / "REPORT.md").read_text()


@pytest.mark.parametrize("called", ["y = 1;\nreturn\n", "y = f(1);\nfunction z = f(a)\n  z = a;\nend\n", "main\n"])
def test_a_script_that_cannot_stand_in_place_of_its_call_is_left_to_do(tmp_path: Path, called: str) -> None:
    folder = folder_of(tmp_path, main="prep\nfprintf('%d\\n', 1);\n", prep=called)
    made, _ = migrate_directory(folder, tmp_path / "out")
    assert "1 left to do" in {each.name: each.state for each in made}["main"]


def test_functions_reach_functions_of_other_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of(
        tmp_path,
        main="a = pick_act('sq');\no.act = @(x) -x;\nfprintf('%g %g %g\\n', a(3), use(a, 3, o), use([5 6 7], 3));\n",
        pick_act="function f = pick_act(name)\n  switch name\n    case 'sq', f = @(x) x.^2;\n"
        "    otherwise, f = @(x) x;\n  end\nend\n",
        use="function r = use(fn, v, opts)\n  if nargin > 2, r = opts.act(fn(v)); else, r = fn(v); end\n"
        "  for i = 1:2, r = r + fn(i); end\nend\n",
    )
    assert printed(folder, capsys) == "9 -4 18\n"
