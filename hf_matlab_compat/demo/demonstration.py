"""The demo: train, look at the reconstructions, and compare the first epochs with the MATLAB reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.console import Console
from rich.table import Table

from hf_matlab_compat.demo import agreement
from hf_matlab_compat.demo.agreement import Comparison, compare_with_matlab, record
from hf_matlab_compat.demo.agreement_report import counts, epochs_table, stages_table, write_csv
from hf_matlab_compat.demo.autoencoder import (
    EPOCHS,
    HIDDEN,
    TEST_CASES,
    TRAIN_CASES,
    autoencoder_arguments,
    train_autoencoder,
)
from hf_matlab_compat.demo.digits import Digits, shuffled_digits
from hf_matlab_compat.demo.pca import PCA, squared_error
from hf_matlab_compat.demo.picture import picture_impossible, write_picture
from hf_matlab_compat.legacy.routines import computePred
from hf_matlab_compat.observers.screen import spinner_of
from hf_matlab_compat.parity.divergence import divergence_screen
from hf_matlab_compat.parity.engines.envelope import MEMBERS
from hf_matlab_compat.preflight.folder import make_folder
from hf_matlab_compat.state import Outcome

CODE = min(HIDDEN)

_ABOUT_EPOCHS = f"""\
The reference ran {agreement.EPOCHS} epochs in double precision. Python runs each of them again,
from the state in which the reference started it.

  ll        log-likelihood after the epoch
  CG steps  steps of conjugate gradients, by the reference and by Python
  chosen    the CG step whose result became the update, by both
  share     the largest difference in the epoch, as a share of its bound
"""
_ABOUT_STAGES = f"""
The same figures, by stage. Decisions must be equal. Other figures may differ by
4 or 10 times the effect of rounding on the reference ({MEMBERS} runs of it, with
sums in another order), or in their last few digits.

  farthest  the relative difference that comes nearest to its bound
  tie       rounding alone decides, and both decisions are right
  rho       actual gain of the update over the predicted gain
  lambda    damping of the curvature, adapted from rho
"""


@dataclass(frozen=True)
class Reconstructions:
    """Test pictures, and their reconstructions from two codes of the same size."""

    originals: NDArray[Any]
    by_network: NDArray[Any]
    by_pca: NDArray[Any]


def run_demo(out: Path, epochs: int = EPOCHS, recorded: bool = False, console: Console | None = None) -> int:
    """Run the demo and print its results.

    Parameters
    ----------
    out : Path
        Folder for the log, the checkpoints, the picture and the table of agreement; made if missing.
    epochs : int
        Number of epochs.
    recorded : bool
        Compare with the recording even if Octave can run the reference.
    console : rich.console.Console, optional
        Where to print; standard output by default.

    Returns
    -------
    int
        0 if every compared figure agrees with the reference, else 1.

    Raises
    ------
    OptionError
        The folder cannot be made.
    KeyboardInterrupt
        After Ctrl-C, also during training.
    """
    console = console or Console()
    make_folder(out)
    training, held_out = shuffled_digits(TRAIN_CASES, TEST_CASES)
    arguments = autoencoder_arguments(training, held_out)
    theta = _train(console, arguments, out, epochs)
    made = _reconstruct(console, arguments, theta, (training, held_out))
    _draw(console, made, held_out, out)
    _heading(console, "Agreement with the MATLAB reference")
    with console.status("Running the MATLAB reference and comparing ...", spinner=spinner_of(console.encoding)):
        comparison = compare_with_matlab(arguments, recorded)
    _tell(console, comparison, out)
    return 0 if comparison.agrees else 1


def record_reference(console: Console | None = None) -> int:
    """Run the reference again and record what the demo needs without it; takes minutes."""
    console = console or Console()
    what = "Running the MATLAB reference, and measuring how far rounding moves it ..."
    with console.status(what, spinner=spinner_of(console.encoding)):
        path = record(autoencoder_arguments(*shuffled_digits(TRAIN_CASES, TEST_CASES)))
    _say(console, f"Recorded: {path}", wrap=False)
    return 0


def _train(console: Console, arguments: Mapping[str, Any], out: Path, epochs: int) -> NDArray[Any]:
    _heading(console, "Training")
    _say(
        console,
        f"{TRAIN_CASES:,} handwritten digits of 8x8 pixels are coded as {CODE} numbers each and reconstructed; "
        f"{TEST_CASES} others are held out.",
    )
    result = train_autoencoder(arguments, str(out / "autoencoder"), epochs, display="rich")
    if result.outcome is Outcome.INTERRUPTED:
        raise KeyboardInterrupt
    return result.theta


def _reconstruct(
    console: Console, arguments: Mapping[str, Any], theta: NDArray[Any], digits: tuple[Digits, Digits]
) -> Reconstructions:
    _heading(console, "Squared error per picture")
    layers = {name: arguments[name] for name in ("layersizes", "layertypes")}
    pca = PCA.of(digits[0].images, CODE)
    network = [computePred(theta, part.images, **layers) for part in digits]
    linear = [pca.reconstruct(part.images) for part in digits]
    errors = {
        f"Hessian-free, {CODE} numbers": [
            squared_error(made, part.images) for made, part in zip(network, digits, strict=True)
        ],
        f"PCA, {CODE} components": [
            squared_error(made, part.images) for made, part in zip(linear, digits, strict=True)
        ],
    }
    console.print(_errors_table(errors))
    (_, ours), (_, theirs) = errors.values()
    _say(console, f"\nOn held-out digits the network's error is {100 * ours / theirs:.0f} % of PCA's.")
    return Reconstructions(digits[1].images, network[1], linear[1])


def _errors_table(errors: Mapping[str, Sequence[float]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim")
    for heading in ("", "train", "test"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, pair in errors.items():
        table.add_row(name, *(f"{error:.4f}" for error in pair))
    return table


def _draw(console: Console, made: Reconstructions, held_out: Digits, out: Path) -> None:
    reason = picture_impossible()
    if reason is not None:
        _say(console, reason, wrap=False)
        return
    some = np.concatenate([np.flatnonzero(held_out.labels == digit)[:2] for digit in range(10)])
    rows = {
        "held-out digits": made.originals,
        f"Hessian-free autoencoder, {CODE} numbers each, squared error "
        f"{squared_error(made.by_network, made.originals):.2f}": made.by_network,
        f"PCA, {CODE} components, squared error {squared_error(made.by_pca, made.originals):.2f}": made.by_pca,
    }
    path = out / "reconstructions.png"
    write_picture(path, {heading: images[:, some] for heading, images in rows.items()})
    _say(console, f"The pictures: {path}", wrap=False)


def _tell(console: Console, comparison: Comparison, out: Path) -> None:
    certificate = comparison.certificate
    _say(console, f"The reference: {comparison.source}.")
    _say(console, _ABOUT_EPOCHS, wrap=False)
    console.print(epochs_table(certificate))
    _say(console, _ABOUT_STAGES, wrap=False)
    console.print(stages_table(certificate))
    console.print()
    if screen := divergence_screen(certificate):
        _say(console, f"{screen}\n", wrap=False)
    path = out / "agreement.csv"
    write_csv(path, certificate)
    _say(console, counts(certificate))
    _say(console, f"All comparisons: {path}", wrap=False)


def _heading(console: Console, text: str) -> None:
    console.print()
    console.rule(f"[bold]{text}", align="left")


def _say(console: Console, sentence: str, wrap: bool = True) -> None:
    console.print(sentence, markup=False, highlight=False, soft_wrap=not wrap)
