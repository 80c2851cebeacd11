"""Hundreds of single lines mean in Python what they mean in Octave: shapes, classes, order, copies."""

from __future__ import annotations

import contextlib
import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat

from hf_matlab_compat.matlab.octave.process import run_code
from hf_matlab_compat.migrate import translate
from hf_matlab_compat.migrate.runtime.arrays import two_dimensional

pytest.importorskip("tree_sitter_matlab")

SNIPPETS = (Path(__file__).parent / "snippets.txt").read_text().splitlines()
SETUP = """x = [4 -1 2.5; 0 3 -2]; r = [3 1 2]; c = [5; 6; 7]; n = 7; z = zeros(2, 2); s = single(0.1); e = [];
m3 = cat(3, [1 2; 3 4], [5 6; 7 8]); lab = [2 1 3 2]; str = 'abc'; cel = {1, 'two', [3 4]}; st.a = 5; st.b = [1 2 3];
M = [16 2 3 13; 5 11 10 8; 9 7 6 12; 4 14 15 1];
"""
RUN = """for k = 0:{last}
  try, source(sprintf('snippet%d.m', k)); catch failure, fprintf('%d: %s\\n', k, failure.message); end
end
"""
ONE = """1;
function snippet{k}()
{setup}{snippet}
if islogical(y), y = double(y); end
save('-v7', 'y{k}.mat', 'y');
end
snippet{k}();
"""


@pytest.fixture(scope="session")
def in_octave(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    folder = tmp_path_factory.mktemp("snippets")
    for k, snippet in enumerate(SNIPPETS):
        (folder / f"snippet{k}.m").write_text(ONE.format(k=k, setup=SETUP, snippet=snippet))
    (folder / "all_snippets.m").write_text(RUN.format(last=len(SNIPPETS) - 1))
    run_code("all_snippets", folder, timeout=600, keep_output=False).checked()
    return [plain(loadmat(folder / f"y{k}.mat", mat_dtype=True)["y"]) for k in range(len(SNIPPETS))]


@pytest.mark.octave
def test_snippets_mean_in_python_what_they_mean_in_octave(in_octave: list[Any]) -> None:
    pairs = zip(SNIPPETS, in_octave, strict=True)
    different = [snippet for snippet, expected in pairs if not same(expected, in_python(snippet))]
    assert different == []


def in_python(snippet: str, setup: str = SETUP) -> Any:
    """What y holds; the value is used, so that nothing counts from 0 unseen."""
    made = translate(setup + snippet + "\ndisp(y);\n")
    assert made.runs, made.todos
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(made.python, names)
    return names["y"]


def plain(value: np.ndarray) -> Any:
    if value.dtype.kind == "U":
        return "".join(str(row) for row in value.ravel())
    return [plain(entry) for entry in value.ravel(order="F")] if value.dtype.kind == "O" else value


def same(expected: Any, got: Any) -> bool:
    """Shape, class single or not, numbers; strings and lists entry by entry."""
    if isinstance(expected, str) or isinstance(got, str):
        return expected == got
    if isinstance(expected, list) or isinstance(got, list):
        both = isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got)
        return (both and all(map(same, expected, got))) or np.size(expected) == np.size(got) == 0
    one, other = two_dimensional(expected), two_dimensional(got)
    if one.size == other.size == 0:
        return True
    if one.shape != other.shape or (one.size > 1 and (one.dtype == np.float32) != (other.dtype == np.float32)):
        return False
    bound = 1e-6 if one.dtype == np.float32 else 1e-12
    return np.allclose(one.astype(float), other.astype(float), rtol=bound, atol=1e-13, equal_nan=True)
