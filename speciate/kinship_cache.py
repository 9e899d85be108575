"""What is remembered of kinship: a file beside the archive, derived from weights."""

import io
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np

from speciate.files import write_whole
from speciate.population.kinship.moments import Kinship, Moments

FILE = "kinship.npz"


def read_kinship(folder: Path) -> Kinship | None:
    """Kinship as it was last measured in an archive, or None: of some, not always of the living.

    An individual's weights never change, so what is remembered is never wrong. A file that is
    spoilt counts as none.
    """
    with suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        with np.load(folder / FILE, allow_pickle=False) as found:
            ids = tuple(str(name) for name in found["ids"])
            sums, products = (found[name].astype(np.float64) for name in ("sums", "products"))
            count = int(found["count"])
        if sums.shape == (len(ids),) and products.shape == (len(ids), len(ids)):
            return Kinship(ids, Moments(count, sums, products))
    return None


def write_kinship(folder: Path, kinship: Kinship) -> None:
    """Remember it in the place of what was; a folder that cannot be written remembers nothing."""
    data = io.BytesIO()
    moments = kinship.moments
    np.savez_compressed(
        data,
        ids=np.array(kinship.ids),
        count=np.array(moments.count),
        sums=moments.sums,
        products=moments.products,
    )
    with suppress(OSError):
        write_whole(folder / FILE, data.getvalue())
