"""Each edit that users made inside the trainer is read as the option it implies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_matlab_compat.migrate.trainer import read_trainer, read_trainer_text
from hf_matlab_compat.options import Options
from tests.migrate.trainer.trainer_text import ARGUMENTS, SOLVER, TRAINER, edited

pytest.importorskip("tree_sitter_matlab")
REFERENCE = Path(__file__).parents[3] / "reference_matlab"
PRECON = "(grad2 + mones(psize,1)*conv(lambda) + maskp*conv(weightcost)).^(3/4)"
BACKTRACK = "computeLL(paramsp + chs{j}, indata, outdata, numchunks);"
LOOP = TRAINER[TRAINER.index("    for j = (length") : TRAINER.index("    p = chs{j};")]

EDITS: list[tuple[str, str, dict[str, Any]]] = [
    ("initlambda = 45.0", "initlambda = 10", {"initial_lam": 10.0}),
    ("initlambda = 45.0", "initlambda = 1", {"initial_lam": 1.0}),
    ("lambda = initlambda", "lambda = 3.5", {"initial_lam": 3.5}),
    ("maxiters = 250", "maxiters = 125", {"max_cg_steps": 125}),
    ("maxiters = 250", "maxiters = 11", {"max_cg_steps": 11}),
    ("miniters = 1;", "miniters = 10;", {"min_cg_steps": 10}),
    ("drop = 2/3", "drop = 0.95", {"lam_drop": 0.95}),
    ("boost = 1/drop", "boost = 2", {"lam_boost": 2.0}),
    ("lambda = lambda*boost", "lambda = 3/2*lambda", {}),
    ("lambda = lambda*boost", "lambda = lambda*4", {"lam_boost": 4.0}),
    ("lambda = lambda*drop", "lambda = lambda/boost", {}),
    ("rho < 0.25", "rho < 0.1", {"rho_low": 0.1}),
    ("rho > 0.75", "9/10 < rho", {"rho_high": 0.9}),
    ("mod(epoch,10) == 0", "mod(epoch,50) == 0", {"checkpoint_period": 50}),
    ("mod(epoch,10) == 0", "~rem(epoch, 2)", {"checkpoint_period": 2}),
    (PRECON, PRECON.replace("3/4", "1/2"), {"preconditioner_exponent": 0.5}),
    (PRECON, PRECON.replace(".^(3/4)", ""), {"preconditioner_exponent": 1.0}),
    (PRECON, PRECON.replace("(grad2", "sqrt(grad2").replace(".^(3/4)", ""), {"preconditioner_exponent": 0.5}),
    (PRECON, "mones(psize,1)", {"preconditioner_exponent": None}),
    ("ceil(miniters), precon )", "ceil(miniters), [] )", {"preconditioner_exponent": None}),
    ("c = 10^(-2)", "c = 1e-4", {"line_search_c": 1e-4}),
    ("oldll + c*rate*double(grad'*p)", "oldll + 0.1*rate*double(grad'*p)", {"line_search_c": 0.1}),
    ("oldll + c*rate*double(grad'*p)", "oldll", {"line_search_c": 0.0}),
    ("rate = 0.8*rate", "rate = rate/2", {"line_search_factor": 0.5}),
    ("while j < 60", "while j < 20", {"max_reductions": 20}),
    ("while j < 60", "while j <= 59", {}),
    ("numconn = 15", "numconn = 30", {"num_connections": 30}),
    ("initcoeff = 1;", "initcoeff = 0.25;", {"init_scale": 0.25}),
    ("%maskb{i}(:) = 0", "maskb{i}(:) = 0", {"decay_biases": False}),
    ("%maskb{i}(:) = 0", "maskb{i} = 0*maskb{i}", {"decay_biases": False}),
    ("conv = @single", "conv = @double", {"precision": "double"}),
    ("autodamp = 1;", "autodamp = 0;", {"damping": False}),
    ("ch = conv(decay)*ch", "ch = 0.5*ch", {"start_decay": 0.5}),
    ("ch = conv(decay)*ch", "ch = mzeros(psize,1)", {"start_decay": 0.0}),
    (BACKTRACK, BACKTRACK.replace("numchunks)", "numchunks, targetchunk)"), {"backtracking_cases": "target_chunk"}),
    (LOOP, "    j = length(chs);\n", {"backtracking_cases": "none"}),
    ("tolerance = 5e-4", "tolerance = 1e-5", {"cg_tolerance": 1e-5}),
    ("tolerance*testgap", "1e-3*testgap", {"cg_tolerance": 1e-3}),
    ("gapratio = 0.1", "gapratio = 0.2", {"cg_gap_ratio": 0.2}),
    ("mingap = 10", "mingap = 5", {"cg_min_gap": 5}),
    ("max(ceil(i*gapratio), mingap);", "max(ceil(i*0.3), 7);", {}),
    ("inext = 5", "inext = 2", {"iterate_grid_start": 2.0}),
    ("inext = inext*imult", "inext = inext*1.5", {"iterate_grid_base": 1.5}),
    ("imult = 1.3", "imult = 2", {"iterate_grid_base": 2.0}),
    ("disp( ['Starting", "weightcost = 1e-4;\ndisp( ['Starting", {"weight_decay": 1e-4}),
    ("disp( ['Starting", "mattype = 'hess';\ndisp( ['Starting", {"curvature": "hessian"}),
    ("disp( ['Starting", "hybridmode = 0;\ndisp( ['Starting", {"curvature_cases": "all"}),
    ("disp( ['Starting", "numchunks = 4;\ndisp( ['Starting", {"num_chunks": 4}),
]  # fmt: skip
WHOLE = [edit for edit in EDITS if edit[2]]
TOGETHER = [edit for edit in WHOLE if len(edit[0]) < 200 and "damping" not in edit[2]]  # undamped, lambda has no rule
HALF = [edit for edit in EDITS if not edit[2]]


def test_the_unedited_trainer_implies_no_option_and_leaves_no_line() -> None:
    report = read_trainer_text(TRAINER, SOLVER)
    assert (report.options, report.unexpressed, report.unread, report.gpu) == ({}, (), (), "Jacket")


def test_every_option_of_the_method_is_read_from_the_unedited_trainer() -> None:
    found = {one.option: one.value for one in read_trainer_text(TRAINER, SOLVER).implied}
    assert len(found) == 23
    defaults = Options()
    assert {name: value for name, value in found.items() if value != getattr(defaults, name)} == {"lam_boost": 1.5}


@pytest.mark.parametrize(("old", "new", "expected"), WHOLE, ids=lambda piece: str(piece)[:30])
def test_an_edit_is_the_option_it_implies(old: str, new: str, expected: dict[str, Any]) -> None:
    report = read_trainer_text(edited((old, new)))
    assert report.options == expected
    Options(**report.options)


@pytest.mark.parametrize(("old", "new", "_"), HALF, ids=lambda piece: str(piece)[:30])
def test_a_literal_beside_a_named_constant_is_taken_or_said(old: str, new: str, _: Any) -> None:
    report = read_trainer_text(edited((old, new)))
    same = new in ("lambda = 3/2*lambda", "lambda = lambda/boost", "while j <= 59")
    assert bool(report.options or report.unexpressed) is not same


@settings(max_examples=25)
@given(st.lists(st.sampled_from(TOGETHER), unique_by=lambda edit: str(edit[2])[:9]))
def test_any_edits_together_imply_the_options_of_each(edits: list[tuple[str, str, dict[str, Any]]]) -> None:
    text, expected = TRAINER + SOLVER, dict[str, Any]()
    for old, new, options in edits:
        if old in text:
            text = text.replace(old, new)
            expected |= options
    assert read_trainer_text(text).options == expected


def test_a_switch_that_an_epoch_turns_back_on_is_ambiguous() -> None:
    report = read_trainer_text(edited(("autodamp = 1;\ndrop", "autodamp = 0;\ndrop")))
    assert report.options == {}
    (one,) = report.unexpressed
    assert one.why.startswith("autodamp is ambiguous: 0 in line 6 or 1 in line 185")


def test_several_edits_are_all_found() -> None:
    edits = [
        ("initlambda = 45.0", "initlambda = 10"),
        ("maxiters = 250", "maxiters = 50"),
        ("while j < 60", "while j < 30"),
    ]
    report = read_trainer_text(edited(*edits))
    assert report.options == {"initial_lam": 10.0, "max_cg_steps": 50, "max_reductions": 30}
    assert report.legacy_options == {"initlambda": 10.0, "maxiters": 50, "linesearch_max": 30}


def test_a_finding_names_its_file_and_line() -> None:
    report = read_trainer_text(TRAINER, SOLVER.replace("tolerance = 5e-4", "tolerance = 1e-5"))
    (found,) = [one for one in report.implied if one.option == "cg_tolerance"]
    assert (found.file, SOLVER.split("\n")[found.line - 1]) == (1, "tolerance = 5e-4;")
    (other,) = [one for one in report.implied if one.option == "initial_lam"]
    assert (other.file, TRAINER.split("\n")[other.line - 1]) == (0, "initlambda = 45.0;")


def test_the_reference_implies_no_option() -> None:
    report = read_trainer(*sorted(REFERENCE.glob("*.m")))
    assert report.options == {}
    assert [one.why for one in report.unexpressed] == [
        "the extra argument overrides has no counterpart in the 22 arguments"
    ]


def test_the_reference_s_edited_constants_are_read(tmp_path: Path) -> None:
    for path in REFERENCE.glob("*.m"):
        text = (
            path.read_text()
            .replace("c.maxiters = 250", "c.maxiters = 50")
            .replace("mask_biases = 0", "mask_biases = 1")
        )
        (tmp_path / path.name).write_text(text.replace("c.precision = 'single'", "c.precision = 'double'"))
    report = read_trainer(*sorted(tmp_path.glob("*.m")))
    assert report.options == {"max_cg_steps": 50, "decay_biases": False, "precision": "double"}


@pytest.mark.parametrize(
    ("edits", "gpu"),
    [
        ([("@gones", "@(n, m) ones(n, m, 'gpuArray')"), ("@gzeros", "@zeros"), ("@gsingle", "@gpuArray")], "gpuArray"),
        ([("@gones", "@ones"), ("@gzeros", "@zeros"), ("@gsingle", "@GPUsingle")], "GPUmat"),
        ([("@gones", "@ones"), ("@gzeros", "@zeros"), ("@gsingle", "@single")], ""),
    ],
)  # fmt: skip
def test_the_gpu_toolbox_is_named(edits: list[tuple[str, str]], gpu: str) -> None:
    report = read_trainer_text(edited(*edits))
    assert (report.gpu, report.options) == (gpu, {})


def test_an_argument_less_is_said_and_a_gpu_without_its_switch_is_an_option() -> None:
    report = read_trainer_text(edited((ARGUMENTS, ARGUMENTS.removesuffix(", jacket")), ("if jacket", "if 1")))
    assert report.options == {"backend": "cupy"}
