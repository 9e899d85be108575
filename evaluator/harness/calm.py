"""Code of the harness, of its tasks and for their data, kept from network, screen and dice."""

import io
import random
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import datasets.config
import evaluate.config
import huggingface_hub.constants
import numpy as np

# Those of the harness's own evaluations: some tasks shuffle.
_SEED, _NUMPY_SEED = 0, 1234
# Read from the environment when imported, which may be long ago.
_OFFLINE = (
    (huggingface_hub.constants, "HF_HUB_OFFLINE"),
    (datasets.config, "HF_HUB_OFFLINE"),
    (datasets.config, "HF_DATASETS_OFFLINE"),
    (evaluate.config, "HF_EVALUATE_OFFLINE"),
)


@contextmanager
def calm() -> Iterator[None]:
    """Nothing is downloaded or printed, and random numbers are the same each time."""
    states = random.getstate(), np.random.get_state()
    before = [getattr(module, name) for module, name in _OFFLINE]
    random.seed(_SEED)
    np.random.seed(_NUMPY_SEED)
    for module, name in _OFFLINE:
        setattr(module, name, True)
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            yield
    finally:
        for (module, name), value in zip(_OFFLINE, before, strict=True):
            setattr(module, name, value)
        random.setstate(states[0])
        np.random.set_state(states[1])
