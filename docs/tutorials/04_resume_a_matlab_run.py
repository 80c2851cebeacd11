"""
Resume a MATLAB run
===================

A run that was begun in MATLAB or Octave goes on in Python, and the other way round. Both
programs write the same checkpoint, ``<runName>_nnet_running.mat``, with the same nine
variables.
"""

# %%
# What is in the checkpoint
# -------------------------
#
# The MATLAB reference of this repository wrote this file, in Octave, after ten epochs of
# a 64-30-6-30-64 autoencoder of digits. ``hf-compat checkpoint FILE`` describes any file
# of this family.

import contextlib
import shutil
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from hf_matlab_compat import train
from hf_matlab_compat.cli import main as hf_compat
from hf_matlab_compat.demo.digits import shuffled_digits
from hf_matlab_compat.matlab.files.checkpoint import read_checkpoint
from hf_matlab_compat.matlab.octave.session import run_octave

repository = Path.cwd().parents[1]
folder = Path(tempfile.mkdtemp())
begun = folder / "begun_in_matlab.mat"
shutil.copy(repository / "examples" / "data" / "matlab_checkpoint.mat", begun)

with contextlib.chdir(folder):
    code = hf_compat(
        ["checkpoint", "begun_in_matlab.mat", "--layersizes", "64", "30", "6", "30", "64"]
    )
assert code == 0

# %%
# Go on in Python
# ---------------
#
# A checkpoint holds parameters, the last CG solution, lambda and the records. It does not
# hold the data or the settings, so they are given again, as in MATLAB. Without a sidecar
# a resume cannot compare them with those of the first run. So take care to give the same
# cases in the same order and chunks.

X, X_test = (part.images for part in shuffled_digits(train=1440, test=356, seed=2))
task = {
    "inputs": X,
    "targets": X,
    "test_inputs": X_test,
    "test_targets": X_test,
    "num_chunks": 4,
    "num_test_chunks": 2,
    "hidden_sizes": [30, 6, 30],
    "unit_types": ["logistic", "linear", "logistic", "logistic"],
}
before = read_checkpoint(begun)
error = before.records.error[-1, 0]
print(f"MATLAB stopped after epoch {before.epoch}: error {error:.4f}, lambda {before.lam:.4g}")

result = train(**task, resume_from=begun, run_name=folder / "run", max_epochs=40)
print(result)

# %%
# The records go back to the first epoch, so one curve shows the epochs of both programs.
# Lambda and the start of CG are taken from the checkpoint, so the curve has no jump where
# Python began.

epochs = np.arange(1, 41)
figure, axis = plt.subplots(figsize=(7, 3.2), layout="constrained")
axis.semilogy(epochs, result.records.error[:, 0], label="training")
axis.semilogy(epochs, result.records.error[:, 1], label="held out")
axis.axvline(10.5, color="0.6", linestyle=":")
axis.text(10.2, 2, "MATLAB", ha="right")
axis.text(10.8, 2, "Python")
axis.set(xlabel="epoch", ylabel="squared error a digit")
axis.legend()
plt.show()
assert result.records.error[-1, 1] < 0.5 * before.records.error[-1, 1]

# %%
# And back to MATLAB
# ------------------
#
# ``run_nnet_running.mat`` is as MATLAB's trainer writes it, so that program resumes from
# it. Here the reference does two more epochs in Octave, and Python does the same two.

ours_so_far = folder / "run_nnet_running.mat"
if shutil.which("octave-cli"):
    start = [None, None, None, str(ours_so_far), 42]
    data = [X, X, 4, X_test, X_test, 2]
    network = [
        np.array(task["hidden_sizes"]),
        task["unit_types"],
        "gn",
        0,
        "L2",
        1,
        2e-5,
        0.95,
        0,
    ]
    arguments = ["octave_run", "", *start, *data, *network]
    run_octave("nnet_train_2", arguments, path=[repository / "reference_matlab"], workdir=folder)
    theirs = read_checkpoint(folder / "octave_run_nnet_running.mat")
    ours = train(**task, resume_from=ours_so_far, max_epochs=42)
    errors = {
        "in Octave": theirs.records.error[40:, 0],
        "here": ours.records.error[40:, 0],
    }
    for where, (first, second) in errors.items():
        print(f"error of epochs 41 and 42 {where}: {first:.4f}, {second:.4f}")
    np.testing.assert_allclose(errors["in Octave"], errors["here"], rtol=1e-2)
else:
    print("octave-cli is not installed here: the way back was not shown")

# %%
# Both runs are in single precision, so the last digits differ; :doc:`/agreement` says by
# how much they may. In Python alone a resume is bit-equal to a run that was never
# interrupted:

whole = train(**task, resume_from=begun, max_epochs=45)
rest = train(**task, resume_from=ours_so_far, max_epochs=45)
print("equal to the last bit:", np.array_equal(whole.theta, rest.theta))
assert np.array_equal(whole.theta, rest.theta)
