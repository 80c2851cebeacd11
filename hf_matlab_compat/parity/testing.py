"""Parity in your own test suite.

A file `test_parity.py` beside your trainer is enough::

    import pytest
    from hf_matlab_compat.parity.testing import assert_parity, parity

    @pytest.mark.parametrize("mode", ["kernels", "lockstep"])
    def test_our_trainer_agrees(mode):
        assert_parity(reference="matlab/", case="our_data.mat", mode=mode)

    def test_the_published_case_agrees(parity):  # the fixture keeps a divergence in the test's tmp_path
        parity(case="ae_logistic", mode="lockstep", epochs=3)

In a ``conftest.py``, ``pytest_plugins = ["hf_matlab_compat.parity.testing"]`` brings the fixture to all tests.
Where there is no Octave these tests are skipped, and say so.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hf_matlab_compat.matlab.octave.session import octave_available
from hf_matlab_compat.parity.certificate import Certificate, Verdict
from hf_matlab_compat.parity.divergence import divergence_screen
from hf_matlab_compat.parity.recording import Case
from hf_matlab_compat.parity.run_parity import ParityRun, run_parity


def assert_parity(
    *,
    reference: str | os.PathLike[str] | None = None,
    case: str | os.PathLike[str] | Case = "ae_logistic",
    mode: str = "lockstep",
    precision: str = "double",
    **keywords: Any,
) -> Certificate:
    """Fail where this package and a reference differ, and say where they first do.

    Parameters
    ----------
    reference : path, optional
        Folder of somebody's nnet_train_2.m; by default reference_matlab.
    case : name, path or Case
        A built-in case, a .mat file with the 22 arguments, or a case.
    mode : {'kernels', 'lockstep', 'free'}
        As in `run_parity`.
    precision : {'double', 'single'}
        As in `run_parity`.
    **keywords
        As in `run_parity`: ``epochs``, ``envelope``, ``engine``, ``backend``, ``divergence_file``, …

    Returns
    -------
    Certificate
        The certificate of the comparison, which agrees.

    Raises
    ------
    AssertionError
        They differ; the message is the first divergence, on one screen.
    ParityError
        The reference or the case cannot be run.

    Notes
    -----
    The test is skipped, with the reason, where Octave is needed and missing, and where nothing was compared.
    """
    __tracebackhide__ = True
    if keywords.get("engine", "octave") == "octave" and (missing := octave_available()):
        pytest.skip(f"parity needs Octave: {missing}")
    run = run_parity(
        **{"engine": "octave", **keywords}, reference=reference, cases=[case], modes=[mode], precisions=[precision]
    )
    _require_agreement(run)
    return run.certificate


@pytest.fixture
def parity(tmp_path: Path) -> Callable[..., Certificate]:
    """Return `assert_parity` with a divergence kept in the test's own folder."""

    def run(**keywords: Any) -> Certificate:
        __tracebackhide__ = True
        return assert_parity(**{"divergence_file": tmp_path / "first_divergence.npz", **keywords})

    return run


def _require_agreement(run: ParityRun) -> None:
    __tracebackhide__ = True
    if run.certificate.verdict is Verdict.DIFFERS:
        raise AssertionError("\n" + divergence_screen(run.certificate, run.script))
    if run.certificate.verdict is Verdict.NOT_RUN:
        reasons = {line.bound_source for line in run.certificate.lines}
        pytest.skip(f"parity: nothing was compared ({'; '.join(sorted(reasons))})")
