"""
Sweep and compare runs
======================

Several settings, one run each, with log and checkpoints; then the runs beside each other:
a table, learning curves, and the best one resumed.
"""

# %%
# The sweep
# ---------
#
# Every run has a name, the stem of its files. Damping and weight decay vary here. All
# runs have the same seed and so start from the same parameters.

import contextlib
import itertools
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.image import imread

from hf_matlab_compat import load, train
from hf_matlab_compat.cli import main as hf_compat
from hf_matlab_compat.demo.digits import shuffled_digits
from hf_matlab_compat.matlab.logs.parser import read_log

folder = Path(tempfile.mkdtemp())
training, held_out = shuffled_digits(train=1500, test=297, seed=5)
task = {
    "inputs": training.images,
    "targets": training.images,
    "test_inputs": held_out.images,
    "test_targets": held_out.images,
    "hidden_sizes": [50, 25, 6, 25, 50],
    "unit_types": ["logistic", "logistic", "linear", "logistic", "logistic", "logistic"],
    "num_chunks": 3,
    "seed": 0,
}

settings, results = {}, {}
for initial_lam, weight_decay in itertools.product((1, 45, 1000), (2e-5, 1e-3)):
    name = f"lam{initial_lam}_decay{weight_decay:g}"
    settings[name] = {"initial_lam": initial_lam, "weight_decay": weight_decay}
    result = train(
        **task,
        **settings[name],
        max_epochs=40,
        run_name=folder / name,
        description=f"initial lambda {initial_lam}, weight decay {weight_decay:g}",
    )
    if result.interrupted:  # Ctrl-C ends a run, and the loop asks for it
        break
    results[name] = result

# %%
# A table
# -------
#
# ``history`` holds the figures of every epoch as arrays; ``records`` includes the epochs
# before a resume. The number of CG steps measures the work of a run better than epochs or
# seconds.

print(f"{'run':20s} {'CG steps':>8s} {'train error':>12s} {'held out':>9s} {'best epoch':>11s}")
for name, result in sorted(results.items(), key=lambda item: item[1].history["test_error"].min()):
    h = result.history
    print(
        f"{name:20s} {h['cg_steps'].sum():8d} {h['train_error'][-1]:12.3f} "
        f"{h['test_error'].min():9.3f} {h['epoch'][h['test_error'].argmin()]:11d}"
    )

# %%
# Learning curves from the logs
# -----------------------------
#
# The logs have MATLAB's format, so this works for runs of either program: ``hf-compat
# plot curves PICTURE LOG LOG …``.

logs = sorted(path.name for path in folder.glob("*decay2e-05.txt"))
with contextlib.chdir(folder):
    code = hf_compat(["plot", "curves", "curves.png", *logs])
assert code == 0

figure = plt.figure(figsize=(9, 6.2))
axis = figure.add_axes((0, 0, 1, 1))
axis.imshow(imread(folder / "curves.png"))
axis.set_axis_off()
plt.show()

# %%
# ``hf-compat log`` reads a log and checks it against the method's own rules: lambda must
# follow from rho, totals must add up. ``read_log`` returns its numbers.

with contextlib.chdir(folder):
    code = hf_compat(["log", logs[0]])
assert code == 0
(run,) = read_log(folder / logs[0])
print(f"{run.description}: {len(run.epochs)} epochs")

# %%
# Go on with the best
# -------------------
#
# A checkpoint and the task are all that a resume needs. The sidecar beside the checkpoint
# has a description of the run; a resume with other data or settings would name what
# differs.

best = min(results, key=lambda name: results[name].history["test_error"][-1])
longer = train(
    **task,
    **settings[best],
    max_epochs=60,
    run_name=folder / best,
    resume_from=folder / f"{best}_nnet_running.mat",
)
for figure in ("train_error", "test_error"):
    before, after = results[best].history[figure][-1], longer.history[figure][-1]
    print(f"{best}: {figure} {before:.3f} after 40 epochs, {after:.3f} after 60")
assert longer.history["train_error"][-1] < results[best].history["train_error"][-1]
print(load(folder / f"{best}_nnet_running.mat").state.epoch, "epochs in the checkpoint")
