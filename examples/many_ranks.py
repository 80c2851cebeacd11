"""One training run shared by several processes: the parameters have the same bits for any number of them.

python examples/many_ranks.py
mpiexec -n 2 python -m mpi4py examples/many_ranks.py
"""

import hashlib
import platform
import sys

from hf_matlab_compat import train
from hf_matlab_compat.demo.digits import shuffled_digits
from hf_matlab_compat.result import Result


def main(epochs: int = 5, ranks: str = "none") -> Result:
    """Train an autoencoder of digits that is large enough to be shared: each process computes its own cases."""
    images = shuffled_digits(train=1440, test=357, seed=3)[0].images
    result = train(
        inputs=images,
        targets=images,
        hidden_sizes=[200, 100, 6, 100, 200],
        unit_types=["logistic", "logistic", "linear", "logistic", "logistic", "logistic"],
        max_epochs=epochs,
        max_cg_steps=20,
        seed=0,
        ranks=ranks,
    )
    print(f"{platform.node()}: log-likelihood {result.history['train_log_likelihood'][-1]:.6f} after {epochs} epochs")
    print("theta", hashlib.sha256(result.theta).hexdigest())
    return result


if __name__ == "__main__":
    main(ranks="mpi" if "mpi4py.run" in sys.modules else "none")
