"""`python -m hf_matlab_compat` runs `hf-compat`."""

import sys

from hf_matlab_compat.cli import main

if __name__ == "__main__":
    sys.exit(main())
