"""A classifier: softmax outputs, and 'class' as the second figure, which counts mistakes."""

import numpy as np

from hf_matlab_compat import nnet_train
from hf_matlab_compat.demo.digits import shuffled_digits
from hf_matlab_compat.legacy import computeLL, computePred


def main(epochs: int = 40) -> float:
    """Train, and return the share of held-out digits that are misread."""
    training, held_out = shuffled_digits(train=1440, test=356, seed=1)
    layers = {"layersizes": [40, 20], "layertypes": ["logistic", "logistic", "softmax"]}

    paramsp = nnet_train(
        indata=training.images,
        outdata=training.one_hot(),  # one-of-k: a one in the row of the right answer
        intest=held_out.images,
        outtest=held_out.one_hot(),
        numchunks=4,
        numchunks_test=2,
        errtype="class",
        weightcost=1e-3,  # few pictures, so a little more weight decay
        maxepoch=epochs,
        seed=("octave", 1),  # the draws that Octave would make
        display="none",
        **layers,
    )

    _, train_share = computeLL(paramsp, training.images, training.one_hot(), 1, errtype="class", **layers)
    _, test_share = computeLL(paramsp, held_out.images, held_out.one_hot(), 1, errtype="class", **layers)
    print(f"misread: {train_share:.1%} of the training digits, {test_share:.1%} of the others")

    probabilities = computePred(paramsp, held_out.images, **layers)
    read_as = probabilities.argmax(axis=0)
    doubtful = np.flatnonzero(read_as != held_out.labels)[:5]
    for i in doubtful:
        print(f"a {held_out.labels[i]} was read as {read_as[i]}, with probability {probabilities[read_as[i], i]:.2f}")
    return test_share


if __name__ == "__main__":
    main()
