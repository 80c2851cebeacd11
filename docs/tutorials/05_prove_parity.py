"""
Prove that Python does what your MATLAB code does
=================================================

``hf-compat parity`` runs a trainer in Octave and this package on the same problem,
compares every stage of every epoch, and says where the two first differ. This page does
so for a trainer that agrees, for one with an edited constant, and for one with a bug.
"""

# %%
# A trainer and a problem
# -----------------------
#
# The trainer here is a copy of the reference that comes with this package; yours is the
# folder with your ``nnet_train_2.m`` and ``conjgrad_1.m``, as it is. The problem is a
# file with the 22 arguments under their own names, as MATLAB's ``save`` or ``write_case``
# write it.

import contextlib
import io
import json
import shutil
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from hf_matlab_compat.cli import main as hf_compat
from hf_matlab_compat.demo.digits import shuffled_digits
from hf_matlab_compat.legacy.case_file import write_case

folder = Path(tempfile.mkdtemp())
shutil.copytree(Path.cwd().parents[1] / "reference_matlab", folder / "trainer")

digits, held_out = shuffled_digits(train=200, test=50, seed=0)
write_case(
    folder / "digits.mat",
    {
        "runName": "digits",
        "runDesc": "",
        "maxepoch": 2,
        "indata": digits.images,
        "outdata": digits.images,
        "numchunks": 2,
        "intest": held_out.images,
        "outtest": held_out.images,
        "numchunks_test": 1,
        "layersizes": [20, 5, 20],
        "layertypes": ["logistic", "linear", "logistic", "logistic"],
        "mattype": "gn",
        "rms": 0,
        "errtype": "L2",
        "hybridmode": 1,
        "weightcost": 2e-5,
        "decay": 0.95,
        "jacket": 0,
    },
)
octave = shutil.which("octave-cli")


def parity(reference):
    """`hf-compat parity` of a trainer on the problem above: its exit code and what it printed."""
    words = f"parity --reference {reference} --case digits.mat --precision double --epochs 2"
    if not octave:  # recorded numbers stand in; they judge this package and no trainer of yours
        words = "parity --engine recorded --case ae_logistic --precision double --epochs 2"
    shown, progress = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(shown),
        contextlib.redirect_stderr(progress),
    ):
        code = hf_compat([*words.split(), "--json", f"{reference}.json"])
    return code, shown.getvalue()


# %%
# One that agrees
# ---------------
#
# Bounds are measured. The trainer is run several times with the cases of each chunk in
# another order and with other BLAS kernels. This changes only rounding, and a difference
# from Python may be a small multiple of that change. The certificate begins with its
# verdict. Then come the stages, the runs, what they did not exercise, and the constants
# read from the trainer's files.

code, certificate = parity("trainer")
print(f"exit code {code}")
print(certificate)
assert code == 0

# %%
# An edited constant
# ------------------
#
# Many trainers have been edited. The edited constant is read from its line and applied to
# the Python side too; the verdict counts it.

if octave:
    shutil.copytree(folder / "trainer", folder / "edited")
    file = folder / "edited" / "default_constants.m"
    text = file.read_text()
    file.write_text(text.replace("initlambda = 45", "initlambda = 10"))
    assert file.read_text() != text
    code, certificate = parity("edited")
    print(f"exit code {code}")
    print(
        "\n".join(
            line for line in certificate.splitlines() if "erdict" in line or "initlambda" in line
        )
    )
    assert code == 0

# %%
# A bug
# -----
#
# In this copy the change that the quadratic model predicts lacks its factor ½. Such a
# trainer still trains, but rho is wrong and lambda is adapted wrongly.

if octave:
    shutil.copytree(folder / "trainer", folder / "wrong")
    file = folder / "wrong" / "reduction_ratio.m"
    text = file.read_text()
    file.write_text(text.replace("-0.5*double(p'*Bp)", "-double(p'*Bp)"))
    assert file.read_text() != text
    code, certificate = parity("wrong")
    print(f"exit code {code}")
    print("\n".join(certificate.splitlines()[:45]))
    assert code == 1

# %%
# The picture shows the largest distance of each stage as a share of its bound. ``--json``
# writes every comparison for programs, ``--html`` a page for people.


def shares(reference):
    """Largest share of the bound, for each stage in the order of an epoch."""
    largest = {}
    for line in json.loads((folder / f"{reference}.json").read_text())["lines"]:
        stage, distance, bound = line["stage"], line["distance"], line["bound"]
        if distance and bound:  # neither equal nor exact
            largest[stage] = max(largest.get(stage, 0), float(distance) / float(bound))
    return largest


if octave:
    agrees, differs = shares("trainer"), shares("wrong")
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    rows = np.arange(len(agrees))
    for marker, name, found in (("o", "trainer", agrees), ("x", "with the bug", differs)):
        axis.semilogx([found.get(stage, np.nan) for stage in agrees], rows, marker, label=name)
    axis.axvline(1, color="0.5", linestyle=":")
    axis.set(yticks=rows, yticklabels=agrees, xlabel="largest distance / bound")
    axis.invert_yaxis()
    axis.legend()
    plt.show()

# %%
# The first divergence names the stage, both values, the bound, and the statement of your
# files that computes it. Every stage before it agreed, so the bug is in that statement. A
# file keeps what is needed to reproduce the difference later or on another machine:

from hf_matlab_compat.parity.divergence import reproduce

if octave:
    print(reproduce(folder / "first_divergence.npz"))

# %%
# In a test suite, ``assert_parity(reference="matlab/", case="digits.mat")`` does the same
# in one line. For a machine that has MATLAB and no Python there is ``hf-compat parity
# pack``. The page :doc:`/parity` describes both.
