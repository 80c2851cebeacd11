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

from hf_matlab_compat.demo.agreement import Comparison, compare_with_matlab, record
from hf_matlab_compat.demo.agreement_report import WORDS, differing, epochs_table, figures_table, write_csv
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
from hf_matlab_compat.preflight.folder import make_folder
from hf_matlab_compat.state import Outcome

CODE = min(HIDDEN)
_SHOWN = 12  # differing figures


@dataclass(frozen=True)
class Reconstructions:
    """Test pictures and what two codes of the same size make of them."""

    originals: NDArray[Any]
    by_network: NDArray[Any]
    by_pca: NDArray[Any]


def run_demo(out: Path, epochs: int = EPOCHS, recorded: bool = False, console: Console | None = None) -> int:
    """Run the demo and say what came out.

    Parameters
    ----------
    out : Path
        Folder for the log, the checkpoints, the picture and the table of agreement; made where it is missing.
    epochs : int
        Of training.
    recorded : bool
        Compare with the recording even where Octave could run the reference.
    console : rich.console.Console, optional

    Returns
    -------
    int
        0 where every compared figure agrees with the reference, else 1.

    Raises
    ------
    OptionError
        The folder cannot be made.
    KeyboardInterrupt
        Ctrl-C, in the training too.
    """
    console = console or Console()
    make_folder(out)
    training, held_out = shuffled_digits(TRAIN_CASES, TEST_CASES)
    arguments = autoencoder_arguments(training, held_out)
    theta = _train(console, arguments, out, epochs)
    made = _reconstruct(console, arguments, theta, (training, held_out))
    _draw(console, made, held_out, out)
    _heading(console, "Agreement with the MATLAB reference")
    with console.status("Running the MATLAB reference and comparing ..."):
        comparison = compare_with_matlab(arguments, recorded)
    _tell(console, comparison, out)
    return 0 if comparison.agrees else 1


def record_reference(console: Console | None = None) -> int:
    """Record anew what the demo needs where the reference cannot be run. Takes minutes."""
    console = console or Console()
    arguments = autoencoder_arguments(*shuffled_digits(TRAIN_CASES, TEST_CASES))
    for done in record(arguments):
        console.print(f"{done} reordered runs of the reference")
    return 0


def _train(console: Console, arguments: Mapping[str, Any], out: Path, epochs: int) -> NDArray[Any]:
    _heading(console, "Training")
    _say(
        console,
        f"{TRAIN_CASES:,} handwritten digits of 8x8 pixels are squeezed through {CODE} numbers each and drawn again; "
        f"{TEST_CASES} others are held out.",
    )
    result = train_autoencoder(arguments, str(out / "autoencoder"), epochs, display="rich")
    if result.outcome is Outcome.INTERRUPTED:
        raise KeyboardInterrupt
    return result.theta


def _reconstruct(
    console: Console, arguments: Mapping[str, Any], theta: NDArray[Any], digits: tuple[Digits, Digits]
) -> Reconstructions:
    _heading(console, "Squared error a picture")
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
    _say(console, f"\nOn digits that it never saw, the network's error is {100 * ours / theirs:.0f} % of PCA's.")
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
    _say(
        console,
        f"The reference: {comparison.source}. Each epoch of Python's starts from the state in which the reference "
        "began it, in double precision. Pairs are the reference's figure and Python's; 'of bound' is the largest "
        f"difference of the epoch's {len(WORDS)} figures, as a share of what it may be.\n",
    )
    console.print(epochs_table(comparison.lines))
    _say(
        console,
        "\nThe same by figure, in the epoch where it comes nearest to its bound. Decisions must be equal; the gradient "
        "may differ by what another exp does to it; all else by ten times what rounding alone does to the reference, "
        "which was run 16 times with units and cases in another order.\n",
    )
    console.print(figures_table(comparison.lines))
    console.print()
    apart = differing(comparison.lines)
    for sentence in apart[:_SHOWN]:
        _say(console, sentence)
    path = out / "agreement.csv"
    write_csv(path, comparison.lines)
    total = len(comparison.lines)
    _say(console, f"{total - len(apart)} of {total} figures agree. All of them: {path}", wrap=False)


def _heading(console: Console, text: str) -> None:
    console.print()
    console.rule(f"[bold]{text}", align="left")


def _say(console: Console, sentence: str, wrap: bool = True) -> None:
    console.print(sentence, markup=False, highlight=False, soft_wrap=not wrap)
