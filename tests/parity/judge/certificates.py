"""Certificates to be shown."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from hf_matlab_compat.parity.certificate import Certificate, Line, Traces, Verdict
from tests.parity.judge.golden_recordings import judged, recorded


@cache
def agreeing() -> Certificate:
    """Of a recorded case, in two modes and precisions."""
    return judged(
        recorded("ae_logistic"),
        recorded("ae_logistic", "free", "double", 8),
        recorded("ae_logistic", "lockstep", "single"),
    )


def line(verdict: Verdict = Verdict.AGREES, stage: str = "rho", **fields: object) -> Line:
    """A line of an invented case."""
    place = {"case": "a <b> & 'c'", "precision": "double", "mode": "free", "backend": "numpy", "epoch": 1}
    figures = {
        "ours": "1",
        "reference": "1",
        "distance": 1e-9,
        "bound": 1e-8,
        "bound_source": "10E, E=1.0e-09 (reference)",
    }
    return Line(**{**place, **figures, "stage": stage, "verdict": verdict, **fields})  # type: ignore[arg-type]


def differing() -> Certificate:
    """With everything that is awkward: infinities, NaN, texts with markup, all four verdicts."""
    lines = [
        line(),
        line(Verdict.TIE, "chose_iters", distance=1e-16, bound=8e-16),
        line(Verdict.DIFFERS, "lambda", distance=math.inf, bound=0.0, bound_source="exact"),
        line(Verdict.NOT_RUN, "forward", distance=None, bound=None, bound_source="not <recorded>"),
    ]
    figures = {"ll": np.array([-3.0, -2.0]), "rho": np.array([-math.inf, math.nan]), "lambda": np.array([45.0, 30.0])}
    half = {name: np.zeros(2) for name in figures}
    traces = [Traces(case="a <b>", precision="double", ours=figures, reference=figures, envelope=half)]
    return Certificate(lines=lines, traces=traces, constants={"drop": "2/3 (f.m:7)"}, provenance={"octave": "7.3 <x>"})
