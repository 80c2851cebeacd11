"""Hypergradients: derivatives of a validation loss by all that gradient descent was told, by running it back.

Maclaurin, Duvenaud & Adams, "Gradient-based hyperparameter optimization through reversible learning", 2015.
"""

from hf_matlab_compat.hypergradients.calls import Hypergradients, hypergradients, hypergradients_of
from hf_matlab_compat.hypergradients.derivatives import Derivatives, OwnDerivatives
from hf_matlab_compat.hypergradients.descent import Descent
from hf_matlab_compat.hypergradients.reversible import Reversible
from hf_matlab_compat.hypergradients.shortcut import Shortcut
from hf_matlab_compat.hypergradients.stored import Checkpoints, Stored
from hf_matlab_compat.hypergradients.trail import Way

__all__ = [
    "Checkpoints",
    "Derivatives",
    "Descent",
    "Hypergradients",
    "OwnDerivatives",
    "Reversible",
    "Shortcut",
    "Stored",
    "Way",
    "hypergradients",
    "hypergradients_of",
]
