"""The solver's own process, where TensorFlow is in the parent's: see solver.py.

It reads the arguments of solve() from stdin, pickled, and answers on stdout.
"""

from __future__ import annotations

import pickle
import sys

from edgekit.memory.solver import solve

if __name__ == "__main__":
    sys.stdout.buffer.write(pickle.dumps(solve(*pickle.load(sys.stdin.buffer))))
