"""The lines of somebody's files in which a stage is computed, found in their text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from hf_matlab_compat.parity.certificate import START_OF_CG, TARGET_CHUNK
from hf_matlab_compat.parity.engines.places import stage_places
from hf_matlab_compat.parity.engines.reference import OURS
from hf_matlab_compat.parity.stages import STAGES
from tests.parity.engines.trainers import ONE_FILE


def sources(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.glob("*.m")}


def places(files: Mapping[str, str], original: Mapping[str, str] | None = None, mattype: str = "gn") -> dict[str, str]:
    return stage_places(files, original or {}, mattype, ["logistic"])


IN_ONE_FILE = {
    "forward": "y{layer} = 1./(1 + exp(-x))",
    "ll": "ll = ll - 0.5*weightcost",
    "grad": "grad = grad/numcases - weightcost",
    "grad2": "grad2 = grad2/numcases",
    "precon": "precon = (grad2 + mones",
    "Bv": "Bv = Bv - lambda*v",
    "cg_iterates": "x = x + alpha*p",
    "cg_steps": "tolerance*ga",
    "chose_iters": "chosen = j",
    "rho": "rho = (oldll_chunk - ll_chunk)/denom",
    "reductions": "j = j + 1",
    "rate": "rate = 0.8*rate",
    "lambda": "lambda = lambda*",
    "params": "paramsp = paramsp + rate*p",
    "log": "Log likeli",
    "checkpoint": "save(",
    "entry": "function paramsp = nnet_train_2",
    START_OF_CG: "ch = decay*ch",
    TARGET_CHUNK: "targetchunk = mod(epoch-1, numchunks) + 1",
}


@pytest.mark.parametrize("stage", IN_ONE_FILE)
def test_a_stage_is_found_in_a_trainer_of_one_file(stage: str) -> None:
    place = places(sources(ONE_FILE))[stage]
    file, number, _ = place.split(":", 2)
    assert IN_ONE_FILE[stage] in place
    said = IN_ONE_FILE[stage].replace("\n", "")
    assert said in (ONE_FILE / file).read_text().splitlines()[int(number) - 1]


def test_nearly_every_stage_is_found_in_a_trainer_of_many_files() -> None:
    for mattype in ("gn", "hess", "empfish"):
        found = places(sources(OURS), mattype=mattype)
        assert set(found) == {*STAGES, START_OF_CG, TARGET_CHUNK}
        assert all((OURS / place.split(":")[0]).is_file() for place in found.values())


@pytest.mark.parametrize(
    ("file", "old", "new", "stage"),
    [
        ("computeGradient.m", "grad2 = grad2 + pack(gW2, gb2)", "grad2 = grad2 + 1.001*pack(gW2, gb2)", "grad2"),
        ("output_error.m", "eL = t - yL", "eL = 0.999*(t - yL)", "grad"),
        ("weight_products.m", "gW{i} = e{i}", "gW{i} = 1.001*e{i}", "grad"),
        ("update_damping.m", "rho < c.rho_low", "rho < 0.9*c.rho_low", "lambda"),
        ("conjgrad_1.m", "alpha = delta/pAp", "alpha = 0.99*delta/pAp", "cg_iterates"),
        ("nnet_train_2.m", "ch = decay*ch", "ch = decay^2*ch", START_OF_CG),
        ("nnet_train_2.m", "mod(epoch-1, numchunks)", "mod(epoch, numchunks)", TARGET_CHUNK),
        ("nnet_train_2.m", "= working(indata)", "= 0.9*working(indata)", "grad"),
        ("line_search.m", "ll = oldll;", "ll = oldll - 1;", "err"),
        ("log_line.m", "fprintf(fid, ", "fprintf(1, ", "log"),
    ],
)
def test_of_an_edited_copy_the_edited_line_is_named(file: str, old: str, new: str, stage: str) -> None:
    files = sources(OURS)
    assert old in files[file]
    files[file] = files[file].replace(old, new, 1)
    number = next(at for at, row in enumerate(files[file].splitlines(), 1) if new in row)
    assert places(files, sources(OURS))[stage].startswith(f"{file}:{number}: ")


def test_what_a_caller_prints_is_no_place_of_a_difference() -> None:
    files = sources(OURS)
    files["nnet_train_2.m"] = files["nnet_train_2.m"].replace("    tic\n", "    tic\n    disp('an epoch begins');\n")
    assert places(files, sources(OURS))["grad"].startswith("computeGradient.m:")


def test_a_trainer_that_is_no_copy_is_not_held_against_the_original() -> None:
    assert places(sources(ONE_FILE), sources(OURS)) == places(sources(ONE_FILE))


def test_a_continued_statement_is_told_whole_and_a_quoted_one_is_not() -> None:
    text = "x = 'rho = 1;'; % rho = 2;\nif rho(1; 2), g; end\nrho = (a - ...\n    b)/c; h = 3;\n"
    assert places({"nnet_train_2.m": text})["rho"] == "nnet_train_2.m:3: rho = (a - b)/c"


def test_without_the_parser_no_place_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hf_matlab_compat.parity.engines.places.is_installed", lambda: False)
    assert places(sources(ONE_FILE)) == {}


@pytest.mark.parametrize(
    "text", ["", "%{", "function", "x = conjgrad_1(", "[a, b] = conjgrad_1(@(v), )", "((((;)", "\x00\xff'"]
)
def test_any_text_is_searched(text: str) -> None:
    stage_places({"nnet_train_2.m": text, "conjgrad_1.m": text}, {}, "gn", ["tanh", "odd"])
