"""`python -m textscf VERB ...`."""

import sys

from pairs.process.program import run_program
from textscf.program import main

if __name__ == "__main__":
    run_program(lambda: main(sys.argv[1:]))
