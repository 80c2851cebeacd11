"""`hf-compat study`: a command for each study."""

from __future__ import annotations

import sys
from typing import Literal

from cyclopts import App

from hf_matlab_compat.cli.app import Whole, app

study = App(name="study", help="Run a study over seeds and print its table.")
app.command(study)

_TOOLBOX = {
    "corruption": "Kinds of corruption",
    "stopping": "Stopping rules",
    "ensembles": "Single networks and ensembles",
    "search": "Default options and those that a search finds",
    "methods": "Outer methods at equal CPU time",
    "sharing": "Rules for shared parameters, and central sums, at equal work",
}


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _of_toolbox(name: str, compared: str) -> None:
    def run(*, data: Literal["digits", "mnist5k"] = "digits", seeds: Whole = 3) -> int:
        from hf_matlab_compat.studies.toolbox import table

        print(table(name, data, range(seeds), _tell))
        return 0

    run.__doc__ = f"""{compared}, compared: mean and standard deviation over seeds.

    Parameters
    ----------
    data
        The shipped digits, or 5,000 pictures of MNIST (the extra data).
    seeds
        Number of seeds; each draws its own cases and weights.
    """
    study.command(run, name=name)


for _name, _compared in _TOOLBOX.items():
    _of_toolbox(_name, _compared)
