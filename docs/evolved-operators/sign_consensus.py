"""Keeps the large changes whose sign most models share, and adds their mean to the base."""

import numpy as np

PARAMETERS = {"density": (0.01, 1.0, 0.3), "scale": (0.0, 3.0, 1.0)}


def trimmed(change, density):
    """A change with only its largest elements."""
    kept = max(1, int(density * change.size))
    least = np.partition(np.abs(change), change.size - kept, axis=None)[change.size - kept]
    return np.where(np.abs(change) >= least, change, np.float32(0))


def merge(models, base, parameters, random):
    start = np.mean(models, axis=0, dtype=np.float32) if base is None else base
    changes = np.stack([trimmed(one - start, parameters["density"]) for one in models])
    agreeing = np.where(changes * np.sum(changes, axis=0) > 0, changes, np.float32(0))
    count = np.maximum(np.sum(agreeing != 0, axis=0), 1).astype(np.float32)
    return start + np.float32(parameters["scale"]) * np.sum(agreeing, axis=0) / count
