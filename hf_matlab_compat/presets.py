"""Published settings by name. A preset contains only what its source says; the default applies to the rest."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hf_matlab_compat.errors import OptionError, quoted


@dataclass(frozen=True)
class Preset:
    """A named set of options.

    Attributes
    ----------
    options : mapping of str to object
        Fields of `Options`.
    source : str
        Where they are published.
    silent : str
        What the source does not say, so that the default applies.
    """

    options: Mapping[str, Any]
    source: str
    silent: str = ""


_MARTENS_2010 = 'J. Martens, "Deep learning via Hessian-free optimization", ICML 2010'

PRESETS: Mapping[str, Preset] = {
    "published": Preset(
        {
            "initial_lam": 45.0,
            "max_cg_steps": 250,
            "min_cg_steps": 1,
            "num_connections": 15,
            "init_scale": 1.0,
            "lam_drop": 2 / 3,
            "rho_low": 0.25,
            "rho_high": 0.75,
            "preconditioner_exponent": 0.75,
            "line_search_c": 1e-2,
            "line_search_factor": 0.8,
            "max_reductions": 60,
            "checkpoint_period": 10,
            "decay_biases": True,
            "precision": "single",
        },
        "the constants inside the published nnet_train_2.m; they are the defaults",
        "arguments of the call: weightcost, decay, numchunks, …",
    ),
    "hf2010": Preset(
        {
            "curvature": "gauss_newton",
            "max_cg_steps": 250,
            "cg_tolerance": 5e-4,
            "cg_gap_ratio": 0.1,
            "cg_min_gap": 10,
            "iterate_grid_base": 1.3,
            "lam_drop": 2 / 3,
            "lam_boost": 3 / 2,
            "rho_low": 0.25,
            "rho_high": 0.75,
            "preconditioner_exponent": 0.75,
            "num_connections": 15,
            "weight_decay": 2e-5,
            "start_decay": 1.0,
        },
        f"{_MARTENS_2010}: 4.1 (damping), 4.4 (stopping rule), 4.5 (CG starts from the previous solution; the decay "
        "came later, as the published file remarks), 4.6 (iterates γʲ, γ = 1.3), 4.7 (preconditioner), 5 (sparse "
        "initialisation); at most 250 CG steps by the published file's remark on the paper; weight decay as in the "
        "author's log of CURVES",
        "the first lambda (the paper's was for curvature not divided by the number of cases) and the line search",
    ),
    "curves2011": Preset(
        {
            "max_epochs": 300,
            "num_chunks": 4,
            "weight_decay": 2e-5,
            "initial_lam": 45.0,
            "max_cg_steps": 250,
            "error_measure": "squared",
            "precision": "single",
        },
        "the author's own log of CURVES (784-400-200-100-50-25-6-25-50-100-200-400-784, 20,000 cases, May 2011)",
    ),
    "curves_pretrained": Preset(
        {"max_cg_steps": 150}, "the author's remark on maxiters in the published nnet_train_2.m", "everything else"
    ),
    "faces": Preset(
        {"max_cg_steps": 100}, "the author's remark on maxiters in the published nnet_train_2.m", "everything else"
    ),
    "best2026": Preset(
        {"solver": "minres", "preconditioner": "none", "initial_lam": 1.0},
        "not published: of the methods here with curvature products, one that needed few of them on all data sets of "
        "`hf-compat study compare` (docs/solvers.md)",
        "everything else; other data may have another order",
    ),
    "kiros2013": Preset(
        {
            "method": "stochastic_hf",
            "max_cg_steps": 5,
            "backtracking_cases": "none",
            "initial_lam": 0.1,
            "lam_drop": 0.99,
            "rho_low": 0.25,
            "rho_high": 0.75,
            "start_decay": 0.5,
            "weight_decay": 2e-7,
            "decay_biases": False,
        },
        'the program of R. Kiros, "Training neural networks with stochastic Hessian-free optimization", ICLR 2013',
        "the number of minibatches (of 1,000 cases there), dropout (0.2 of the inputs and 0.5 of the last hidden layer "
        "there, which input_blankout and hidden_blankout ask for) and the initialisation; its line search lets the "
        "objective rise, and this one does not",
    ),
}
"""All presets by name."""


def preset_options(name: str) -> dict[str, Any]:
    """Return the preset `name` as keywords of `train`.

    Raises
    ------
    OptionError
        There is no such preset; the message suggests the nearest one.
    """
    if name in PRESETS:
        return dict(PRESETS[name].options)
    near = difflib.get_close_matches(str(name), PRESETS, n=1)
    advice = f"Did you mean {near[0]!r}?" if near else ""
    raise OptionError("preset", expected=f"one of {', '.join(PRESETS)}", got=quoted(name), advice=advice)
