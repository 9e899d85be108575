"""Merge and mutation operators: one file each, a short composition of the stages in `stages.py`."""
