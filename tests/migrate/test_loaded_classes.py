"""What a file holds keeps its class: masks, strings, integers mean in Python what they mean in Octave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.matlab.octave.process import run_code
from hf_matlab_compat.migrate import runtime as ml
from tests.migrate.test_snippets import RUN, in_python, plain, same
from tests.octave import octave

pytest.importorskip("tree_sitter_matlab")

SNIPPETS = """y = d(:, L(1, :));
y = d(L(:, 1), :);
y = d(L(:, 1), L(2, :));
y = d(L);
y = d(L)';
y = d(~L);
y = d .* L;
y = S + L;
y = L + L;
y = L - L;
y = -L;
y = L * L';
y = L .^ 2 + 1;
y = L * 300;
y = exp(L);
y = sqrt(L) / 3;
y = sum(L);
y = sum(L(:));
y = mean(L);
y = mean(L(:)) * 3;
y = cumsum(L);
y = any(L) + 1;
y = find(L);
y = [L; L] + 1;
y = repmat(L, 1, 2) + 1;
y = L(1) + L(1);
y = -L(1) / 2;
y = 1; if L(2, 1), y = 2; end
y = ~L(1) + 1;
y = d; y(L) = 9;
y = d; y(L(:, 1), :) = 0;
y = d; y(:, L(1, :)) = [];
keep = L(1, :); y = d(:, keep) + sum(keep);
L(1, :) = .25; y = L + 1;
L(3, 4) = 5; y = L + 1;
q = L'; q(1) = 0.5; y = q * 2;
k = find(L(1, :)); y = d(:, k);
y = d(:, short);
y = cel(short);
y = num2str(sum(L(:)));
y = dot(double(L(:, 1)), d(:, 1));
y = name(1:2);
y = name(end:-1:1);
y = name([1 3]);
y = [name '_' num2str(length(name))];
y = [upper(name) 'x'];
y = numel(name);
y = t.s(2:3);
y = d(t.m, :);
y = double(X) / 255;
X(1, 1) = 3.7; y = double(X);
X(1, 1) = 300; X(2, 1) = -4; y = double(X);
q = X(:, 1:2); q(1, 1) = 3.7; y = double(q);
y = double(X + 100);
y = double(X / 2);
y = double(X .* X);
y = double(X(1, 2) + 200);
y = double(100 - X);
y = double(X(2, 2)) + 200;
y = double(abs(i8));
y = double(-i8);
y = double(max(X));
y = double(max(X(:)));
y = double(min(X, [], 2));
y = double(mod(X, 3));
y = mean(X);
y = mean(X(:));
y = d(1, X(1, 1));
y = d(:, lab);
y = d(:, lab + 1);
T = zeros(4, 3); for i = 1:3, T(lab(i) + 1, i) = 1; end, y = T;
lab(lab == 3) = 1; y = double(lab);
y = sum(lab == 2);
for k = lab', y = double(k); end
y = one + 1; q = zeros(one, 2); y = [y; q(:)];
""".splitlines()
ONE = (
    "1;\nfunction s{k}()\n{snippet}\nif islogical(y), y = double(y); end\nsave('-v7', 'y{k}.mat', 'y');\nend\ns{k}();\n"
)
LOAD = "load data\n"


def made_in(folder: Path) -> None:
    t = {"s": "abc", "m": np.array([[False], [True]])}
    logical = np.array([[True, False, True, False], [False, True, True, True]])
    savemat(
        folder / "data.mat",
        {
            "d": np.arange(1.0, 9).reshape(2, 4),
            "L": logical,
            "S": np.float32([[0.1, 2, 3, 4], [5, 6, 7, 8]]),
            "short": np.array([[True, False, True]]),
            "cel": np.array([[1.0, "two", 3.0]], dtype=object),
            "name": "hello",
            "X": np.uint8([[3, 200, 30], [1, 250, 7]]),
            "i8": np.int8([[-128, 5]]),
            "lab": np.uint8([[1], [2], [3]]),
            "one": 3.0,
            "t": t,
        },
    )


@pytest.fixture(scope="module")
def in_octave(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("classes")
    made_in(folder)
    for k, snippet in enumerate(SNIPPETS):
        (folder / f"snippet{k}.m").write_text(ONE.format(k=k, snippet=LOAD + snippet))
    (folder / "all_snippets.m").write_text(RUN.format(last=len(SNIPPETS) - 1))
    run_code("all_snippets", folder, timeout=600, keep_output=False).checked()
    return folder


def loaded_in_python(snippet: str) -> Any:
    return in_python(snippet, LOAD)


@pytest.mark.octave
def test_loaded_classes_mean_in_python_what_they_mean_in_octave(
    in_octave: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(in_octave)
    expected = [plain(loadmat(f"y{k}.mat", mat_dtype=True)["y"]) for k in range(len(SNIPPETS))]
    pairs = zip(SNIPPETS, expected, strict=True)
    assert [snippet for snippet, one in pairs if not same(one, loaded_in_python(snippet))] == []


@pytest.mark.parametrize(
    ("snippet", "said"),
    [
        ("y = sum(X);", "Convert them with double"),
        ("y = [X; 1.5 2 3];", "Convert them with double"),
        ("y = d(L(2) + 1 - L(2));", ""),
        ("y = d(:, L(1, 2));", "chooses nothing"),
        ("k = [1 0] * 1; q = t.m + 0; y = d(q, :);", "expected whole positions from 1"),
        ("L(1) = NaN; y = 1;", "expected truth values"),
    ],
)
def test_what_is_not_followed_is_refused(
    snippet: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_in(tmp_path)
    monkeypatch.chdir(tmp_path)
    if not said:
        assert loaded_in_python(snippet) == 1
        return
    with pytest.raises(MigrationError, match=said):
        loaded_in_python(snippet)


def test_only_the_variables_that_are_asked_for_are_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_in(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert loaded_in_python("s = load('data.mat', 'd'); y = isfield(s, 'd') + 10 * isfield(s, 'X');") == 1


def test_a_saved_integer_keeps_its_class(tmp_path: Path) -> None:
    made_in(tmp_path)
    loaded = ml.load_mat(str(tmp_path / "data"))
    ml.save_mat(str(tmp_path / "again"), X=loaded.X, first=loaded.X[0, 0], L=loaded.L, name=loaded.name)
    again = loadmat(tmp_path / "again.mat", mat_dtype=True)
    assert [again[each].dtype.kind for each in ("X", "first", "L")] == ["u", "u", "b"]
    assert again["name"].item() == "hello"


@pytest.mark.octave
def test_a_logical_array_of_octaves_text_is_a_mask(tmp_path: Path) -> None:
    save = "L = logical([1 0 1]); c = {1}; x = 2; save('-text', 'data.mat', 'L', 'c', 'x');"
    octave(save, tmp_path)
    loaded = ml.load_mat(str(tmp_path / "data.mat"))
    assert ml.positions(loaded.L).tolist() == [0, 2]
    assert loaded.x == 2
