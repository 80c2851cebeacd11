"""The published demo's script in Python: a deep autoencoder, trained with MATLAB's own call.

The published script trains 784-400-200-100-50-25-6-25-50-100-200-400-784 on CURVES. This one trains a smaller network
on digits, so that it takes seconds.
"""

from hf_matlab_compat import nnet_train_2
from hf_matlab_compat.demo.digits import load_digits
from hf_matlab_compat.legacy import computeLL, unpackPARAMS
from hf_matlab_compat.matlab.random.streams import OctaveStream


def main(epochs: int = 30, run_name: str = "") -> float:
    """Train, and return the error on held-out digits. With a run name, write log and checkpoints."""
    # seed = 1234; randn('state', seed); rand('twister', seed+1);
    seed = 1234
    stream = OctaveStream(rand_seed=seed + 1, randn_seed=seed)

    # perm = randperm(size(indata,2)); indata = indata(:,perm);
    images = load_digits().images
    perm = stream.randperm(images.shape[1])
    images = images[:, perm - 1]
    indata, intest = images[:, :1600], images[:, 1600:1796]
    outdata, outtest = indata, intest

    runName = run_name
    runDesc = f"digits, seeds {seed} and {seed + 1}"
    paramsp, Win, bin = [], [], []  # empty: a sparse random initialisation
    resumeFile = []
    maxepoch = epochs
    numchunks = 4
    numchunks_test = 4
    layersizes = [50, 25, 6, 25, 50]
    layertypes = ["logistic", "logistic", "linear", "logistic", "logistic", "logistic"]
    mattype = "gn"  # Gauss-Newton
    rms = 0  # the error that matches the output unit
    errtype = "L2"
    hybridmode = 1  # curvature on one chunk an epoch
    weightcost = 2e-5
    decay = 0.95
    jacket = 0  # 1: on the GPU, through CuPy

    # fmt: off
    paramsp = nnet_train_2(
        runName, runDesc, paramsp, Win, bin, resumeFile, maxepoch, indata, outdata, numchunks, intest, outtest,
        numchunks_test, layersizes, layertypes, mattype, rms, errtype, hybridmode, weightcost, decay, jacket,
        seed=stream,  # the initialisation continues where randperm stopped, as with MATLAB's global streams
    )
    # fmt: on

    W, b = unpackPARAMS(paramsp, [64, *layersizes, 64])
    print(f"{paramsp.size} parameters in {len(W)} layers; the code layer's biases: {b[2].ravel().round(3)}")
    ll, err = computeLL(paramsp, intest, outtest, 1, layersizes=layersizes, layertypes=layertypes)
    print(f"held-out digits: log-likelihood {ll:.4f} (without weight cost), squared error {err:.4f} a picture")
    return err


if __name__ == "__main__":
    main()
