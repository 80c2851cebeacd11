"""Calls in every form known in the wild: mapped to names, or refused in a sentence that says what was seen."""

from __future__ import annotations

import pytest

from hf_matlab_compat.migrate import translate
from hf_matlab_compat.migrate.writer import formatted

pytest.importorskip("tree_sitter_matlab")

DATA = "X = rand(4, 6); types = {'tanh', 'linear'};\n"
TEXT = {"runName": "'a'", "runDesc": "'b'", "mattype": "'gn'", "errtype": "'L2'", "jacket": "0"}
GIVEN = {
    **{"runName": "'a'", "runDesc": "'b'", "paramsp": "[]", "Win": "[]", "bin": "[]", "resumeFile": "[]"},
    **{"maxepoch": "2", "indata": "X", "outdata": "X", "numchunks": "2", "intest": "X", "outtest": "X"},
    **{"numchunks_test": "1", "layersizes": "3", "layertypes": "types", "mattype": "'gn'", "rms": "0"},
    **{"errtype": "'L2'", "hybridmode": "1", "weightcost": "0", "decay": "0.9", "jacket": "0"},
}
KFAC = "'a', 'b', [], [], [], [], 9, X, X, X, X, 3, types, 'gn', 0, 'L2', 0, 10, 20, 5, 20, 'cpu_single', 0"


def call(*left_out: str, first: str = "", name: str = "nnet_train_2") -> str:
    given = [value for key, value in GIVEN.items() if key not in left_out]
    return f"{DATA}p = {name}({', '.join([first, *given] if first else given)});\n"


@pytest.mark.parametrize(
    ("left_out", "form"),
    [
        (("jacket",), "21 without jacket"),
        (("runDesc", "jacket"), "20 without runDesc and jacket"),
        (("intest", "outtest"), "20 without test data, but with its number of chunks"),
        (("intest", "outtest", "numchunks_test"), "19 without test data"),
        (("runDesc", "mattype", "jacket"), "19 without runDesc, mattype and jacket"),
    ],
)
@pytest.mark.parametrize("style", ["legacy", "modern"])
def test_shorter_forms_are_mapped_to_names(left_out: tuple[str, ...], form: str, style: str) -> None:
    made = translate(call(*left_out), style=style)
    assert made.runs, made.todos
    assert f"recognised as the call '{form}'" in made.lines[1].remark
    names = {"legacy": ("decay=0.9", "hybridmode=1"), "modern": ("start_decay=0.9", 'curvature_cases="target_chunk"')}
    assert all(name in formatted(made.python)[0] for name in names[style])


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (f"{DATA}p = nnet_train_2({KFAC});\n", "(KFAC) under the same name, which is another algorithm"),
        (call(first="0.05"), "the form '23 with thresh first'"),
        (call("jacket", first="0.05"), "22 with thresh first and without jacket"),
        (call().replace("[], [], [], []", "[], {X}, {X}, {X}, []"), "the form '23 with Nin after bin'"),
        (call(*list(GIVEN)[10:]), "10 arguments instead of 22: an early form of the trainer"),
        (call("intest", "outtest", name="timenet_train"), "this trainer of nets for time series"),
        (call(*list(GIVEN)[5:]), "5 arguments instead of 22: no known form"),
    ],
)
def test_other_programs_calls_are_named_and_left_to_do(source: str, said: str) -> None:
    made = translate(source)
    assert [said in line.remark for line in made.todos] == [True]
    assert "TODO(migrate): line 2: p = " in made.python


def test_in_modern_style_no_variable_is_left_that_nothing_reads() -> None:
    start = (
        "x = rand(4, 20);\nmattype = 'gn';  % Gauss-Newton\nerrtype = 'L2'; rms = 0; seen = 'class';\ntestchunks = 3;\n"
    )
    call = (
        "nnet_train_2('a', '', [], [], [], [], 2, x, x, 2, [], [], testchunks, [3], {'logistic', 'linear'}, mattype, "
    )
    made = translate(f"{start}p = {call}rms, errtype, 1, 2e-5, 0.95, 0);\ndisp(errtype);\n", style="modern")
    lines = made.python.split("\n")
    assert "# Gauss-Newton" in lines
    assert 'errtype = "L2"' in lines
    assert 'seen = "class"' in lines
    assert not [line for line in lines if line.startswith(("mattype", "rms", "testchunks"))]
    assert made.runs
