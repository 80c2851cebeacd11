"""Line by line: what becomes of MATLAB's expressions and statements."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.migrate import Fate, translate
from hf_matlab_compat.migrate.beside import Beside, Copy
from hf_matlab_compat.migrate.writer import formatted

pytest.importorskip("tree_sitter_matlab")

X = "x = zeros(4, 6); r = 1:5; n = 3;\n"


def last_line(source: str) -> str:
    return formatted(translate(source).python)[0].rstrip().split("\n")[-1]


@pytest.mark.parametrize(
    ("matlab", "python"),
    [
        ("y = r(3);", "y = r[2]"),
        ("y = r(end);", "y = r[-1]"),
        ("y = r(end-1);", "y = r[-2]"),
        ("y = r(end:-1:1);", "y = r[::-1]"),
        ("y = r(2:end-1);", "y = r[1:-1]"),
        ("y = r(1:2:end);", "y = r[::2]"),
        ("y = x(:, 1:n);", "y = x[:, :n]"),
        ("y = x(:, n+1:end);", "y = x[:, n:]"),
        ("y = x(2, :);", "y = x[1, :]"),
        ("y = x(:, 2);", "y = x[:, [1]]"),
        ("y = x(:, n);", "y = x[:, [n - 1]]"),
        ("y = x(2, n+1);", "y = x[1, n]"),
        ("y = x(:, (n-1)*2+1:n*2);", "y = x[:, (n - 1) * 2 : n * 2]"),
        ("y = x(:);", 'y = x.reshape(-1, 1, order="F")'),
        ("y = x';", "y = x.T"),
        ("y = r';", "y = r[:, None]"),
        ("y = x(:, end/2+1:end);", "y = x[:, ml.range_start(x.shape[1] / 2) :]"),
    ],
)
def test_indices_count_from_0_and_are_slices_where_a_slice_will_do(matlab: str, python: str) -> None:
    assert last_line(X + matlab) == python


@pytest.mark.parametrize(
    ("matlab", "python"),
    [
        ("y = x * x';", "y = x @ x.T"),
        ("y = x .* x;", "y = x * x"),
        ("y = x.^2;", "y = x**2"),
        ("y = 2.^-r;", "y = np.float_power(2, -r)"),
        ("y = n ~= 3 && ~(n > 4);", "y = n != 3 and (not n > 4)"),
        ("y = (x > 1) + (x > 2);", "y = (x > 1).astype(float) + (x > 2).astype(float)"),
        ("y = mod(n, 2) == 0;", "y = n % 2 == 0"),
        ("y = floor(n/2);", "y = n // 2"),
        ("y = sum(x, 1);", "y = x.sum(axis=0)"),
        ("y = sum(x, 2);", "y = x.sum(axis=1, keepdims=True)"),
        ("y = sum(x);", "y = ml.sum(x)"),
        ("y = sum(sum(x));", "y = x.sum()"),
        ("y = std(r);", "y = r.std(ddof=1)"),
        ("y = bsxfun(@minus, x, mean(x, 2));", "y = x - x.mean(axis=1, keepdims=True)"),
        ("y = repmat(x, 2, n);", "y = np.tile(x, (2, n))"),
        ("y = [x x];", "y = np.hstack([x, x])"),
        ("y = [x; x];", "y = np.vstack([x, x])"),
        ("y = [r 6 r(end:-1:1)];", "y = np.r_[r, 6, r[::-1]]"),
        ("y = reshape(x, [], 2);", 'y = x.reshape((-1, 2), order="F")'),
        ("y = isempty(x);", "y = x.size == 0"),
    ],
)
def test_expressions_keep_matlabs_meaning(matlab: str, python: str) -> None:
    assert last_line(X + matlab) == python


@pytest.mark.parametrize(
    ("matlab", "python"),
    [
        ("s = ['run' num2str(n) '.mat'];", 's = f"run{n}.mat"'),
        ("s = sprintf('%s_%03d', 'a', n);", 's = f"a_{n:03d}"'),
        ("s = sprintf('%d of %5.2f%%', n, n/2);", 's = f"{n} of {n / 2:5.2f}%"'),
        ("s = num2str(n/2);", "s = num2str(n / 2)"),
        ("fprintf('%d\\n', n);", 'print(f"{n}")'),
        ("fprintf('done\\n');", 'print("done")'),
        ("disp(['n = ' num2str(n)]);", 'print(f"n = {n}")'),
        ("s = 'it''s \"so\"';", "s = 'it\\'s \"so\"'"),
    ],
)
def test_strings_become_f_strings_where_kinds_are_known(matlab: str, python: str) -> None:
    assert last_line(X + matlab) == python


def test_a_missing_semicolon_prints() -> None:
    assert translate("x = 3\nx\n").python.count('print("x =", x)') == 2


def test_a_permutation_that_is_only_an_index_counts_from_0() -> None:
    made = translate("x = zeros(2, 9);\np = randperm(9);\ny = x(:, p(1:4));\n").python
    assert "p = random.randperm(9) - 1" in made
    assert "y = x[:, p[:4]]" in made


def test_a_permutation_that_is_also_a_value_counts_from_1() -> None:
    made = translate("x = zeros(2, 9);\np = randperm(9);\ny = x(:, p);\nz = p + 1;\n").python
    assert "p = random.randperm(9)\n" in made
    assert "y = x[:, p - 1]" in made


def test_a_loop_whose_variable_is_only_an_index_counts_from_0() -> None:
    assert (
        "for i in range(3):\n    x[0, i] = 1\n" in translate("x = zeros(2, 3);\nfor i = 1:3, x(1, i) = 1; end\n").python
    )


def test_a_loop_whose_variable_is_a_value_counts_from_1() -> None:
    made = translate("x = zeros(2, 3);\nfor i = 1:3, x(1, i) = i; end\n").python
    assert "for i in range(1, 4):\n    x[0, i - 1] = i\n" in made


def test_assigning_to_a_part_does_not_reach_the_array_it_came_from() -> None:
    made = translate("a = zeros(2, 3);\nb = a;\nb(1, 2) = 5;\n")
    names: dict[str, object] = {}
    exec(made.python, names)
    assert names["a"].sum() == 0  # type: ignore[attr-defined]
    assert names["b"].sum() == 5  # type: ignore[attr-defined]


def test_whole_numbers_take_fractions_as_doubles_do() -> None:
    names: dict[str, object] = {}
    exec(translate("x = 1:3;\nx(2) = 0.5;\ny = x(2) * 2;\n").python, names)
    assert names["y"] == 1


def test_an_array_grows_when_a_part_beyond_its_end_is_assigned() -> None:
    names: dict[str, object] = {}
    source = "for i = 1:3\n  a(i) = 2*i;\n  b(:, i) = [i; i+1];\nend\nc = {};\nc{3} = 'x';\n"
    exec(translate(source).python, names)
    assert names["a"].tolist() == [[2, 4, 6]]  # type: ignore[attr-defined]
    assert names["b"].tolist() == [[1, 2, 3], [2, 3, 4]]  # type: ignore[attr-defined]
    assert len(names["c"]) == 3  # type: ignore[arg-type]


def test_seeds_of_matlab_are_not_those_of_octave() -> None:
    source = "rand('twister', 3);\nx = rand(1, 2);\n"
    assert 'ml.random_state("octave")' in translate(source).python
    assert 'ml.random_state("matlab")' in translate(source, streams="matlab").python


def test_a_generator_that_cannot_be_reproduced_is_left_to_do() -> None:
    assert translate("rand('state', 3);\n", streams="matlab").todos
    assert translate("randn('seed', 3);\n").todos


def test_a_loop_that_lowers_numchunks_is_kept_and_names_the_option() -> None:
    made = translate("n = 10; numchunks = 4;\nwhile mod(n, numchunks) ~= 0\n  numchunks = numchunks - 1;\nend\n")
    names: dict[str, object] = {}
    exec(made.python, names)
    assert names["numchunks"] == 2
    assert "trim_cases=True" in made.python
    assert "trim_cases" in made.lines[1].remark


def test_what_has_no_counterpart_is_kept_as_a_comment_and_reported() -> None:
    made = translate("clear all\ngpuDevice(2);\naddpath('x');\n")
    assert [line.fate for line in made.lines[:3]] == [Fate.REPLACED] * 3
    assert "jacket" in made.lines[1].remark
    assert "# MATLAB: gpuDevice(2)" in made.python


def test_a_line_out_of_reach_carries_its_text_and_stops_the_script() -> None:
    made = translate("x = 1;\neval(['y' num2str(x) ' = 3;']);\n")
    assert "# TODO(migrate): line 2: eval(['y' num2str(x) ' = 3;'])" in made.python
    with pytest.raises(NotImplementedError, match="line 2"):
        exec(made.python, {})


def test_a_file_loaded_by_a_command_binds_the_names_that_are_read() -> None:
    made = translate("load mnist_all\nX = [train0; train1]';\nX = double(X)/255;\n")
    assert made.runs
    assert 'loaded = ml.load_mat("mnist_all.mat")' in made.python
    assert "train0 = loaded.train0" in made.python
    assert "train2" not in made.python


def test_positions_that_are_shown_count_from_1() -> None:
    shown = translate("x = zeros(2, 9);\np = randperm(9)\ny = x(:, p(1:4));\n").python
    saved = translate("x = zeros(2, 9);\np = randperm(9);\ny = x(:, p);\nsave('perm.mat', 'p');\n").python
    assert "p = random.randperm(9)\n" in shown
    assert "p = random.randperm(9)\n" in saved


def test_an_edited_trainer_gives_its_options_to_the_call() -> None:
    call = ", ".join(["'a'", "''", *["[]"] * 4, "1", "x", "x", "1", "x", "x", "1", "2", "{'tanh', 'linear'}", "'gn'"])
    source = f"x = rand(3, 4);\np = mine({call}, 0, 'L2', 1, 0, 0.9, 0);\n"
    copies = {"mine": Copy({"initial_lam": 10.0, "precision": "double", "preconditioner_exponent": None})}
    (made,) = formatted(translate(source, beside=Beside(trainers=copies)).python)
    assert 'initlambda=10.0,\n    precision="double",\n    precon_exponent=None,' in made
    modern = translate(source, beside=Beside(trainers=copies), style="modern").python
    assert "initial_lam=10.0," in modern
    assert translate(source).todos


def test_unknown_options_are_refused() -> None:
    with pytest.raises(MigrationError, match=r"style: expected one of legacy, modern, got 'new'\."):
        translate("x = 1;\n", style="new")
    with pytest.raises(MigrationError, match=r"streams: expected one of octave, matlab"):
        translate("x = 1;\n", streams="numpy")


def test_names_that_python_has_taken_stay_apart_from_those_that_end_in_an_underscore() -> None:
    names: dict[str, object] = {}
    exec(translate("in = 1; in_ = 2; lambda = 3; lambda_ = 4; loaded = 5;\n").python, names)
    assert [names[each] for each in ("in_", "in__", "lambda_", "lambda__", "loaded_")] == [1, 2, 3, 4, 5]


def test_a_variable_whose_name_is_a_keyword_is_saved_under_it() -> None:
    assert 'ml.save_mat("f.mat", **{"in": in_})' in translate("in = 3;\nsave('-v7', 'f.mat', 'in');\n").python


def test_a_file_of_functions_draws_from_the_stream_of_its_caller() -> None:
    call = ", ".join(["'a'", "''", *["[]"] * 4, "1", "x", "x", "1", "x", "x", "1", "2", "{'tanh', 'linear'}", "'gn'"])
    body = f"p = nnet_train_2({call}, 0, 'L2', 1, 0, 0.9, 0);\n"
    assert "seed=random" in translate(f"function p = f(x)\n{body}").python
    assert "seed=random" not in translate(f"x = ones(3, 4);\n{body}").python


def test_a_function_draws_a_row_as_long_as_its_argument_says() -> None:
    names: dict[str, Any] = {}
    exec(translate("function x = f(n)\nx = rand(1, n);\ny = randn(1, n, 'double');\n").python, names)
    assert names["f"](4).shape == (1, 4)


def test_a_neighbour_is_imported_in_a_block_of_its_own() -> None:
    made = translate("y = f(1) + zeros(2);\n", beside=Beside({"f": 1})).python
    assert "import numpy as np\n\n# isort: split\nfrom f import f\n" in made


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("y = rand(3, 'single');", "another sequence"),
        ("a = {1, 2}; nnet_train_2(a{:});", "entries of a list"),
        ("set_up_everything", "another script's variables are not followed"),
        ("y = uint8(3);", "integer class"),
        ("y = accumarray([1 2], 3);", "a function of MATLAB's that is not translated"),
        ("y = 1:single(3);", "single precision"),
        ("y = sqrt(-1);", "complex"),
        ("s = 'abc'; y = s';", "transposes a string"),
    ],
)
def test_what_is_left_to_do_says_why(source: str, reason: str) -> None:
    (todo,) = translate(source + "\n").todos
    assert reason in todo.remark


def test_a_run_goes_on_by_the_epoch_of_its_checkpoint_in_modern_style(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    start = "nnet_train_2('a', '', [], [], []"
    rest = "X, X, 1, X, X, 1, [2], {'tanh', 'linear'}, 'gn', 0, 'L2', 1, 0, .9, 0);"
    source = f"X = rand(3, 8);\n{start}, [], 1, {rest}\nload a_nnet_running\nmaxepoch = epoch + 1;\n"
    source += f"{start}, 'a_nnet_running.mat', maxepoch, {rest}\nload a_nnet_running\ny = epoch + 0;\n"
    names: dict[str, Any] = {}
    exec(translate(source, style="modern").python, names)
    assert names["y"].item() == 2


def test_a_position_that_is_not_whole_is_refused_as_in_matlab() -> None:
    made = translate("r = 1:90;\ny = r(0.7*90);\n")
    assert made.runs
    with pytest.raises(MigrationError, match=r"index: expected a whole position, got 62\.99999999999999"):
        exec(made.python, {})


@pytest.mark.parametrize(
    "line",
    [
        "y = max(q{:});",
        "y = q{:} + 1;",
        "f = @max;",
        "y = feval(r, 1);",
        "y = cellfun(@numel, q, 'ErrorHandler', @sin);",
        "y = exist('tanh');",
        "[t{1:2}] = deal(1);",
    ],
)
def test_forms_whose_meaning_is_open_are_left_to_do(line: str) -> None:
    assert translate(X + "q = {1, 2};\n" + line + "\n").todos


def test_a_file_s_existence_is_a_number_as_in_matlab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("x")
    source = "y = [exist('a.txt', 'file') == 2, exist('a.txt'), exist('.', 'dir'), exist('b.txt', 'file')];\n"
    names: dict[str, Any] = {}
    exec(translate(source).python, names)
    assert names["y"].tolist() == [1, 2, 7, 0]
