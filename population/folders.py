"""Folders of weights, whichever kind of individual they are of."""

from pathlib import Path

from speciate.population.adapters import Adapter
from speciate.population.adapters.config import is_adapter
from speciate.population.weights import Checkpoint


def weights_in(folder: Path) -> Checkpoint | Adapter:
    """The model or adapter in a folder.

    Raises:
        ModelError: It is damaged, or none.
    """
    return Adapter(folder) if is_adapter(folder) else Checkpoint(folder)
