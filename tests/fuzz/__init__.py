"""Thousands of mutated exports through landing and reading.

    python -m tests.fuzz --seconds 3600 --seed 7 --keep found/     a long run; failing files are kept
    python -m tests.fuzz --replay found/7-123                      one of them again

exports.py has the good exports, cases.py what happens to them, trial.py what must hold and the process it is tried in.
"""
