"""Continue in Python a run that was begun in MATLAB.

``data/matlab_checkpoint.mat`` is the checkpoint of the MATLAB reference (`reference_matlab/`, in Octave) after
10 epochs of a 64-30-6-30-64 autoencoder. `make_matlab_checkpoint` made it, and can make another one.
"""

from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

import numpy as np

from hf_matlab_compat import train
from hf_matlab_compat.demo.digits import shuffled_digits
from hf_matlab_compat.matlab.files.checkpoint import read_checkpoint
from hf_matlab_compat.result import Result

CHECKPOINT = Path(__file__).parent / "data" / "matlab_checkpoint.mat"
REFERENCE = Path(__file__).parents[1] / "reference_matlab"

X, X_test = (part.images for part in shuffled_digits(train=1440, test=356, seed=2))
UNITS = ["logistic", "linear", "logistic", "logistic"]
DATA = {"inputs": X, "targets": X, "num_chunks": 4, "test_inputs": X_test, "test_targets": X_test, "num_test_chunks": 2}
TASK = {**DATA, "hidden_sizes": [30, 6, 30], "unit_types": UNITS}


def main(epochs: int = 10, checkpoint: Path = CHECKPOINT) -> Result:
    """Train for `epochs` more than the checkpoint has."""
    before = read_checkpoint(checkpoint)
    print(f"MATLAB left epoch {before.epoch}: error {before.records.error[-1, 0]:.4f}, lambda {before.lam:.4g}")

    result = train(**TASK, resume_from=checkpoint, max_epochs=before.epoch + epochs)
    for epoch, error in zip(result.history["epoch"], result.history["train_error"], strict=True):
        print(f"Python's epoch {epoch}: error {error:.4f}")
    return result


def make_matlab_checkpoint(path: Path, epochs: int = 10) -> None:
    """Run the MATLAB reference in Octave, and keep its checkpoint."""
    from hf_matlab_compat.matlab.octave.session import run_octave

    start = train(**TASK, seed=("octave", 2), max_epochs=0).theta
    network = [np.array(TASK["hidden_sizes"]), UNITS, "gn", 0, "L2", 1, 2e-5, 0.95, 0]
    with TemporaryDirectory() as folder:
        arguments = ["run", "", start, None, None, None, epochs, *DATA.values(), *network]
        run_octave("nnet_train_2", arguments, path=[REFERENCE], workdir=folder)
        copyfile(Path(folder) / "run_nnet_running.mat", path)


if __name__ == "__main__":
    main()
