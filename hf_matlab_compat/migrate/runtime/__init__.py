"""MATLAB's functions for migrated scripts, which import this package as `ml`.

A migrated script calls them where numpy's meaning differs from MATLAB's. Numbers are Python's or numpy's, strings are
`str`, cell arrays are lists, structs are `Struct`. Arrays have at least two dimensions, but a script may keep a 1×n
array as a one-dimensional one. Positions count from 0 unless a docstring says from 1.
"""

# ruff: noqa: F403
from hf_matlab_compat.migrate.runtime.arrays import *
from hf_matlab_compat.migrate.runtime.cells import *
from hf_matlab_compat.migrate.runtime.classes import *
from hf_matlab_compat.migrate.runtime.files import *
from hf_matlab_compat.migrate.runtime.indexing import *
from hf_matlab_compat.migrate.runtime.numerics import *
from hf_matlab_compat.migrate.runtime.recurrent import *
