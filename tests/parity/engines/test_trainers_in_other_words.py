"""Harmless rewrites of a trainer, in Octave: other words for the same formulas are never flagged."""

from __future__ import annotations

from pathlib import Path

import pytest

from hf_matlab_compat.parity.cases import builtin_case
from hf_matlab_compat.parity.certificate import Verdict
from hf_matlab_compat.parity.engines import OctaveEngine
from hf_matlab_compat.parity.engines.reference import OURS
from hf_matlab_compat.parity.judge import judge
from tests.parity.engines.trainers import SMALL, edited, live

pytestmark = live

REWRITES = {
    "repmat of the biases": ("forward_pass.m", "W{i}*below + b{i}", "W{i}*below + repmat(b{i}, 1, size(below, 2))"),
    "bsxfun": ("forward_pass.m", "W{i}*below + b{i}", "bsxfun(@plus, W{i}*below, b{i})"),
    "logistic through tanh": ("unit_output.m", "1./(1 + exp(-x))", "0.5*(1 + tanh(0.5*x))"),
    "slope as y - y^2": ("jacobian_product.m", "v.*y.*(1 - y)", "v.*(y - y.*y)"),
    "biases summed by a product": ("weight_products.m", "sum(e{i}, 2)", "e{i}*ones(size(e{i}, 2), 1, class(e{i}))"),
    "cases summed from the last": (
        "weight_products.m",
        "gW{i} = e{i}*below';",
        "gW{i} = fliplr(e{i})*fliplr(below)';",
    ),
    "lambda by the other constant": ("update_damping.m", "lambda*c.drop", "lambda/c.boost"),
    "boost by the other constant": ("update_damping.m", "lambda*c.boost", "lambda/c.drop"),
    "power of a square root": ("preconditioner.m", "^c.preconditioner_exponent", "^(2*c.preconditioner_exponent/2)"),
    "a dot product as a sum": ("conjgrad_1.m", "delta = r'*y;\nfor", "delta = sum(r.*y);\nfor"),
    "squared norm": ("output_loglikelihood.m", "-sum(sum((t - yL).^2))", "-norm(t - yL, 'fro')^2"),
    "a print more": ("nnet_train_2.m", "    tic\n", "    tic\n    disp('an epoch begins');\n"),
    "a divisor as a factor": ("product_per_case.m", "total/numcases", "total*(1/numcases)"),
    "room for the records": (
        "nnet_train_2.m",
        "    llrecord = [];\n    errrecord = [];",
        "    llrecord = zeros(maxepoch, 2);\n    errrecord = zeros(maxepoch, 2);",
    ),
    "factors the other way round": ("line_search.m", "c.linesearch_factor*rate", "rate*c.linesearch_factor"),
}


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("name", REWRITES)
def test_a_rewrite_is_not_flagged(name: str, precision: str, tmp_path: Path) -> None:
    file, old, new = REWRITES[name]
    engine = OctaveEngine(edited(tmp_path / "theirs", (old, new), file=file, of=OURS), members=2, cache=tmp_path)
    recording = engine.record(builtin_case(SMALL), precision=precision, mode="lockstep", epochs=2)
    assert judge([recording]).verdict is Verdict.AGREES
    assert judge([engine.with_envelope(recording)]).verdict is Verdict.AGREES
