"""Data sets, of which none is downloaded: drawn, shipped, from other packages' files, or from a file of the user."""

from hf_matlab_compat.studies.data.classified import DATA, classes, split
from hf_matlab_compat.studies.data.curves import curves
from hf_matlab_compat.studies.data.faces import faces
from hf_matlab_compat.studies.data.packaged import mnist5k
from hf_matlab_compat.studies.data.pictures import Pictures
from hf_matlab_compat.studies.data.published import published

__all__ = ["DATA", "Pictures", "classes", "curves", "faces", "mnist5k", "published", "split"]
