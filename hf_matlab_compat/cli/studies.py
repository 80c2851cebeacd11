"""`hf-compat study`: a command for each study."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal, TextIO

from cyclopts import App, Parameter

from hf_matlab_compat.cli.app import MaybeWhole, Seed, Whole, WholeNumbers, app
from hf_matlab_compat.cli.parity import require_targets
from hf_matlab_compat.cli.pictures import check_picture, draw
from hf_matlab_compat.errors import OptionError

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

_TASKS = {
    "addition": "Add two marked numbers of a long sequence",
    "multiplication": "Multiply two marked numbers of a long sequence",
    "xor": "Tell whether two marked bits of a long sequence differ",
    "temporal_order": "Tell the order of two symbols among noise",
    "temporal_order_3": "Tell the order of three symbols among noise",
    "random_permutation": "Remember the first symbol while predicting noise",
    "memory_5": "Remember five bits",
    "memory_20": "Remember ten symbols of five",
}


class Line:
    """A line that shows progress: in a terminal always the latest, elsewhere all of them.

    Parameters
    ----------
    stream : TextIO
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._redraws = stream, stream.isatty()

    def show(self, text: str) -> None:
        """Show a text until the next one comes."""
        self._write(f"\r\x1b[K{text}" if self._redraws else f"{text}\n")

    def keep(self, text: str) -> None:
        """Show a text that stays."""
        self._write(f"\r\x1b[K{text}\n" if self._redraws else f"{text}\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def tell(text: str) -> None:
    """Print a line of progress, on stderr."""
    print(text, file=sys.stderr, flush=True)


def _of_toolbox(name: str, compared: str) -> None:
    def run(*, data: Literal["digits", "mnist5k"] = "digits", seeds: Whole = 3) -> int:
        from hf_matlab_compat.studies.toolbox import table

        print(table(name, data, range(seeds), tell))
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


def _of_task(name: str, what: str) -> None:
    def run(
        *,
        length: MaybeWhole = None,
        shorter: WholeNumbers = None,
        seed: Seed = 0,
        seeds: Whole = 1,
        structural_damping: Annotated[list[float] | None, Parameter(consume_multiple=True, negative=())] = None,
        data: Literal["fresh", "fixed"] | None = None,
        sequences: MaybeWhole = None,
        chunks: MaybeWhole = None,
        hidden: MaybeWhole = None,
        layers: MaybeWhole = None,
        epochs: MaybeWhole = None,
        initial_lam: float | None = None,
        cg_steps: MaybeWhole = None,
        precision: Literal["single", "double"] | None = None,
        spectral_radius: float | None = None,
        backend: Literal["numpy", "numba"] | None = None,
        picture: Path | None = None,
        journal: Path | None = None,
    ) -> int:
        from hf_matlab_compat.studies.long_range_setting import setting_of, usual_damping
        from hf_matlab_compat.studies.long_range_table import study as run_all

        given = {
            **{"length": length, "data": data, "sequences": sequences, "chunks": chunks, "hidden": hidden},
            "layers": layers,
            **{"epochs": epochs, "initial_lam": initial_lam, "cg_steps": cg_steps, "precision": precision},
            **{"spectral_radius": spectral_radius, "backend": backend, "shorter": shorter and tuple(shorter)},
        }
        setting = setting_of(name, **given)
        check_picture(picture)
        strengths = [usual_damping(name)] if structural_damping is None else structural_damping
        line = Line(sys.stderr)
        range_ = range(seed, seed + seeds)
        found = run_all(setting, range_, strengths, journal=journal, talk=(line.keep, line.show))
        print(found.table())
        print(found.verdict())
        draw(found.plot, picture)
        return 0 if found.is_met else 1

    run.__doc__ = f"""{what}, by a recurrent net of tanh units.

    The exit code is 0 if all runs with the first strength of structural damping meet the criterion, and 1 if not.

    Parameters
    ----------
    length
        T, the number of steps between what is shown and what is asked for; each task has its own default.
    shorter
        Lengths that the net learns before, each until the criterion is met there: 15 20 25.
    seed
        The first seed: of weights and sequences.
    seeds
        Number of seeds, one after another.
    structural_damping
        Strengths mu, a row of the table for each: 30 0 compares with Hessian-free without it.
    data
        New sequences for every epoch, or the same for the whole run (4000).
    sequences
        Training sequences of an epoch.
    chunks
        Parts of them; an epoch's curvature is that of one part.
    hidden
        Number of units of a hidden layer.
    layers
        Number of hidden layers, each recurrent; 1 where none is given.
    epochs
        Most epochs; a run ends where the criterion is met.
    initial_lam
        The first lambda.
    cg_steps
        Most CG steps of an epoch.
    precision
        Working precision.
    spectral_radius
        Of the initial recurrent weights.
    backend
        Where to compute.
    picture
        Draw loss, share of wrong sequences, rho and lambda over epochs there (.png, .svg or .pdf).
    journal
        A file that keeps finished runs; the same command goes on from there.
    """
    study.command(run, name=name)


for _name, _what in _TASKS.items():
    _of_task(_name, _what)


@study.command
def control(
    *,
    plant: Literal["point", "arm"] = "point",
    seed: Seed = 0,
    seeds: Whole = 1,
    epochs: MaybeWhole = None,
    json: Path | None = None,
    picture: Path | None = None,
) -> int:
    """Train a recurrent network to steer a plant, through the plant, and judge it on 256 fresh cases.

    The exit code is 0 if all runs meet the criterion, and 1 if not.

    Parameters
    ----------
    plant
        A point mass on a line, or a two-link arm.
    seed
        The first seed: of cases and initial weights.
    seeds
        Number of seeds, one after another.
    epochs
        Number of epochs; by default 25 for the point mass and 30 for the arm.
    json
        Write the figures of all runs there.
    picture
        Draw trajectories of the first seed there (.png, .svg or .pdf).

    Raises
    ------
    OptionError
        There are no seeds.
    """
    from json import dumps

    from hf_matlab_compat.studies.control import HEADINGS, setting_of
    from hf_matlab_compat.studies.control import control as run

    check_picture(picture)
    require_targets(json=json, picture=picture)
    if seeds < 1:
        raise OptionError("seeds", expected="a whole number of at least 1", got=seeds)
    line, done = Line(sys.stderr), []
    line.keep(HEADINGS)
    for each in range(seed, seed + seeds):
        done.append(run(plant, each, epochs, line.show))
        line.keep("")
        print(done[-1].text(), flush=True)
    met = sum(found.passed for found in done)
    print(f"criterion: distance at most {setting_of(plant).bar:g} - met by {met} of {len(done)}")
    if json is not None:
        json.write_text(dumps([found.figures() for found in done], indent=2) + "\n", encoding="utf-8")
        print(f"Figures: {json}")
    draw(done[0].plot, picture)
    return 0 if met == len(done) else 1
