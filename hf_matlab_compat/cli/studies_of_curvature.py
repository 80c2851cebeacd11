"""`hf-compat study spectrum`."""

from __future__ import annotations

import sys
from pathlib import Path

from hf_matlab_compat.cli.app import Whole
from hf_matlab_compat.cli.studies import study


@study.command
def spectrum(*, epochs: Whole = 60, seed: Whole = 0, picture: Path | None = None) -> int:
    """Compute the eigenvalues of a small classifier's Hessian before and after training.

    The columns: f; least and largest eigenvalue; negative ones; those above a tenth of the largest; the share within a
    hundredth of the largest from 0; the largest gap between estimated and exact distribution.

    Parameters
    ----------
    epochs
        Of training.
    seed
        Of cases and weights.
    picture
        Draw both spectra there (.png, .svg or .pdf).
    """
    from hf_matlab_compat.plots.canvas import check_target
    from hf_matlab_compat.studies.spectrum import HEAD, plot
    from hf_matlab_compat.studies.spectrum import study as run

    if picture is not None:
        check_target(picture)
    spectra = run(epochs, seed, lambda text: print(text, file=sys.stderr, flush=True))
    print("\n".join([HEAD, *(each.row() for each in spectra)]))
    if picture is not None:
        plot(spectra, picture)
        print(f"Picture: {picture}")
    return 0
