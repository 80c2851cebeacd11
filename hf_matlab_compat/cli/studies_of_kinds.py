"""`hf-compat study characters` and `hf-compat study ctc`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hf_matlab_compat.cli.app import MaybeWhole, Seed, Whole
from hf_matlab_compat.cli.pictures import check_picture, draw
from hf_matlab_compat.cli.studies import Line, study

if TYPE_CHECKING:
    from hf_matlab_compat.studies.marks import MarkedStudy


def _shown(found: MarkedStudy, picture: Path | None) -> int:
    """Print a study and draw it; return the exit code."""
    print(found.table())
    for course in found.courses:
        if course.shown:
            print(f"seed {course.seed}: {course.shown}")
    print(found.verdict())
    draw(found.plot, picture)
    return 0 if found.is_met else 1


@study.command
def characters(
    *,
    seed: Seed = 0,
    seeds: Whole = 1,
    net: Literal["multiplicative", "plain"] = "multiplicative",
    hidden: MaybeWhole = None,
    epochs: Whole = 40,
    structural_damping: float = 0.1,
    cg_steps: Whole = 50,
    precision: Literal["single", "double"] = "double",
    temperature: float = 0.7,
    picture: Path | None = None,
    journal: Path | None = None,
) -> int:
    """Predict a text character by character, and write some, by a multiplicative recurrent net.

    The exit code is 0 if all runs reach all marks within their epochs, and 1 if not.

    Parameters
    ----------
    seed
        The first seed: of weights and pieces of the text.
    seeds
        Number of seeds, one after another.
    net
        The net: multiplicative, or a plain recurrent one of about as many parameters.
    hidden
        Hidden units; by default 64, and 93 of the plain net.
    epochs
        Epochs of every run; marks after them are not judged.
    structural_damping
        The strength mu.
    cg_steps
        Most CG steps of an epoch.
    precision
        Working precision.
    temperature
        Of the text that a trained net writes: 0 for the most probable, 1 for that of the probabilities.
    picture
        Draw the figures over epochs there (.png, .svg or .pdf).
    journal
        A file that keeps finished runs; the same command goes on from there.
    """
    from hf_matlab_compat.studies.characters import Setting
    from hf_matlab_compat.studies.characters import study as run_all

    check_picture(picture)
    setting = Setting(
        net=net,
        hidden=hidden or (64 if net == "multiplicative" else 93),
        epochs=epochs,
        structural_damping=structural_damping,
        cg_steps=cg_steps,
        precision=precision,
        temperature=temperature,
    )
    line = Line(sys.stderr)
    return _shown(run_all(setting, range(seed, seed + seeds), journal=journal, talk=(line.keep, line.show)), picture)


@study.command
def ctc(
    *,
    seed: Seed = 0,
    seeds: Whole = 1,
    hidden: Whole = 30,
    epochs: Whole = 30,
    structural_damping: float = 0.03,
    cg_steps: Whole = 60,
    precision: Literal["single", "double"] = "double",
    picture: Path | None = None,
    journal: Path | None = None,
) -> int:
    """Read strings of labels from noisy frames, by a recurrent net with the loss of CTC.

    The exit code is 0 if all runs reach the mark, and 1 if not.

    Parameters
    ----------
    seed
        The first seed: of weights and strings.
    seeds
        Number of seeds, one after another.
    hidden
        Hidden units.
    epochs
        Epochs of every run, at least 30.
    structural_damping
        The strength mu.
    cg_steps
        Most CG steps of an epoch.
    precision
        Working precision.
    picture
        Draw the figures over epochs there (.png, .svg or .pdf).
    journal
        A file that keeps finished runs; the same command goes on from there.
    """
    from hf_matlab_compat.studies.label_strings import Setting
    from hf_matlab_compat.studies.label_strings import study as run_all

    check_picture(picture)
    setting = Setting(
        hidden=hidden, epochs=epochs, structural_damping=structural_damping, cg_steps=cg_steps, precision=precision
    )
    line = Line(sys.stderr)
    return _shown(run_all(setting, range(seed, seed + seeds), journal=journal, talk=(line.keep, line.show)), picture)
