"""
Migrate a folder end to end
===========================

A folder of MATLAB scripts becomes Python programs that draw the same random numbers and
start the same training runs. This page makes such a folder, migrates it, checks the
translation against Octave, and runs it.
"""

# %%
# The old folder
# --------------
#
# The folder holds two experiments and a script that both call. They are typical: a seed,
# a permutation, a call of ``nnet_train_2``, results read back from the checkpoint.

import contextlib
import io
import runpy
import shutil
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from hf_matlab_compat.cli import main as hf_compat
from hf_matlab_compat.demo.digits import load_digits
from hf_matlab_compat.legacy import computePred
from hf_matlab_compat.matlab.files.mat_formats import write_mat

folder = Path(tempfile.mkdtemp())
old, new = folder / "old", folder / "new"
old.mkdir()
write_mat(old / "digits.mat", {"images": load_digits().images})

(old / "prepare.m").write_text("""\
% Digits in columns, in a fixed random order: 1600 to train on, 196 to test on.
tmp = load('digits.mat');
randn('state', 1234); rand('twister', 1235);
perm = randperm(size(tmp.images, 2));
images = tmp.images(:, perm);
clean = images(:, 1:1600);
test = images(:, 1601:1796);
""")

(old / "denoise.m").write_text("""\
% A denoising autoencoder: the network sees digits with a quarter of their pixels gone.
prepare
keep = rand(size(clean)) > 0.25;
noisy = clean .* keep;
noisytest = test .* (rand(size(test)) > 0.25);

runName = 'denoise';
runDesc = sprintf('%d cases, %4.1f %% of the pixels kept', size(clean, 2), 100*mean(keep(:)));
layersizes = [60 30 60];
layertypes = {'logistic', 'logistic', 'logistic', 'logistic'};
maxepoch = 60;
paramsp = nnet_train_2(runName, runDesc, [], [], [], [], maxepoch, noisy, clean, 4, ...
    noisytest, test, 4, layersizes, layertypes, 'gn', 0, 'L2', 1, 2e-5, 0.95, 0);
save('denoise_params.mat', 'paramsp', 'layersizes');
""")

(old / "sweep.m").write_text("""\
% Three weight costs for a network without noise.
prepare
costs = 10.^(-6:2:-2);
for k = 1:length(costs)
    name = ['cost' num2str(k)];
    paramsp = nnet_train_2(name, sprintf('weightcost %g', costs(k)), [], [], [], [], 40, ...
        clean, clean, 4, test, test, 4, [30 10 30], ...
        {'logistic','linear','logistic','logistic'}, 'gn', 0, 'L2', 1, costs(k), 0.95, 0);
    final = load([name '_nnet_running.mat']);
    fprintf('weightcost %g: error %.4f, on test cases %.4f\\n', ...
        costs(k), final.errrecord(end, 1), final.errrecord(end, 2));
end
""")

# %%
# Migrate
# -------
#
# In a shell this is ``hf-compat migrate old --out new``. Exit code 0 means that nothing
# is left to do by hand.

with contextlib.chdir(folder):
    code = hf_compat(["migrate", "old", "--out", "new"])
print("exit code", code)
assert code == 0

# %%
# This is the translation of ``denoise.m``. The statements of ``prepare.m`` replace its
# call, comments are kept, and indices count from 0. ``seed=random`` passes on the random
# stream of the script, so the initial weights are the next numbers that MATLAB would have
# drawn.

print((new / "denoise.py").read_text())

# %%
# Check against Octave
# --------------------
#
# ``--check`` runs each script in Octave and its translation in Python on copies of the
# folder, with the trainer replaced by a recorder on both sides, and compares every
# argument of every call and the variables at the end. It executes the MATLAB code, so
# read a script before you check it.

if shutil.which("octave-cli"):
    # sweep.m reads what a real trainer leaves, so it is checked by running it below
    with contextlib.chdir(folder):
        code = hf_compat(["migrate", "old/denoise.m", "--out", "checked.py", "--check"])
    print("exit code", code)
    assert code == 0
else:
    print("octave-cli is not installed here: nothing was checked")

# %%
# Run
# ---
#
# The programs need their data in the same folder, as the command said. They write the
# same log and checkpoint files as the MATLAB scripts.

shutil.copy(old / "digits.mat", new)
with (
    contextlib.chdir(new),
    contextlib.redirect_stdout(io.StringIO()),
):  # MATLAB's lines, which are in the log too
    variables = runpy.run_path("denoise.py")
print("\n".join((new / "denoise.txt").read_text().splitlines()[-5:-2]))

# %%
# The script's variables can be used further. For comparison, a ridge regression gives the
# best linear map from noisy to clean digits.

noisy, clean, noisytest, test = (
    variables[name] for name in ("noisy", "clean", "noisytest", "test")
)
denoised = computePred(
    variables["paramsp"],
    noisytest,
    layersizes=variables["layersizes"],
    layertypes=variables["layertypes"],
)
linear = clean @ noisy.T @ np.linalg.inv(noisy @ noisy.T + 0.1 * np.eye(64)) @ noisytest


def squared_error(guess):
    return ((guess - test) ** 2).sum(axis=0).mean()


for name, guess in (
    ("the network", denoised),
    ("ridge regression", linear),
    ("nothing", noisytest),
):
    print(f"squared error a digit, denoised by {name}: {squared_error(guess):.2f}")
assert squared_error(denoised) < squared_error(linear)

rows = {"noisy": noisytest, "denoised": denoised, "clean": test}
figure, axes = plt.subplots(3, 12, figsize=(8, 2.4), layout="constrained")
for line, (title, images) in zip(axes, rows.items(), strict=True):
    line[0].set_title(title, loc="left", fontsize=9)
    for axis, image in zip(line, images[:, :12].T, strict=True):
        axis.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        axis.set_axis_off()
plt.show()

# %%
# The sweep prints a line for each weight cost with its ``fprintf``:

with contextlib.chdir(new), contextlib.redirect_stdout(io.StringIO()) as shown:
    runpy.run_path("sweep.py")
lines = [
    line
    for line in shown.getvalue().splitlines()
    if line.startswith("weightcost") and "test" in line
]
print("\n".join(lines))
assert len(lines) == 3

# %%
# The report accounts for every line of every script:

print("\n".join((new / "REPORT.md").read_text().splitlines()[:7]))

# %%
# Copies of the trainer itself
# ----------------------------
#
# An edited ``nnet_train_2.m`` in the folder is not translated. Its edits (``initlambda``,
# ``maxiters``, the preconditioner, …) are found and become options of the calls, and what
# no option can express is listed with its line. The page :doc:`From MATLAB to Python
# </migration>` has the details.
