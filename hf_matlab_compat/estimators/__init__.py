"""Estimators for scikit-learn (the extra ``sklearn``): cases in rows here, and only here."""

from hf_matlab_compat.estimators.estimators import HFAutoencoder, HFClassifier, HFRegressor

__all__ = ["HFAutoencoder", "HFClassifier", "HFRegressor"]
