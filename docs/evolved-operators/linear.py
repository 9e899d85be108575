"""The mean of the models, or the base moved towards it."""

import numpy as np

PARAMETERS = {"scale": (0.0, 1.5, 1.0)}


def merge(models, base, parameters, random):
    mean = np.mean(models, axis=0, dtype=np.float32)
    if base is None:
        return mean
    return base + np.float32(parameters["scale"]) * (mean - base)
