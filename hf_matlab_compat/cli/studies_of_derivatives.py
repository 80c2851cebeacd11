"""`hf-compat study hypergradients`, `inverse_products`, `variational` and `learned_damping`."""

from __future__ import annotations
