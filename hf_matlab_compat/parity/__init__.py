"""Does the package agree with MATLAB, and where does it first differ?"""
