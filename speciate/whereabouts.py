"""Where this machine has an archive's founders, and whether they still are what they were."""

from collections.abc import Iterator
from pathlib import Path

from speciate.archive.archive import Archive
from speciate.archive.index.rows import Row
from speciate.errors import SpeciateError
from speciate.population.folders import weights_in
from speciate.records import FOUNDER


def founders_of(archive: Archive) -> list[Row]:
    """The founders, in the order in which they were recorded."""
    return archive.index.rows("operator = ?", [FOUNDER])


def founder_problems(archive: Archive) -> Iterator[str]:
    """Founders that are not on this machine, or not what they were."""
    paths = archive.founder_paths
    for one in founders_of(archive):
        name = str(one.name)
        if name in paths:
            yield from _changed(name, paths[name], str(one.digest))
        else:
            tells = f"`speciate import {archive.folder} {name}=FOLDER` tells where it is"
            yield f"founder '{name}' is not known on this machine; {tells}"


def _changed(name: str, path: Path, digest: str) -> Iterator[str]:
    try:
        found = weights_in(path).digest()
    except SpeciateError as exc:
        yield f"founder '{name}': {exc}"
        return
    if found != digest:
        yield (
            f"founder '{name}' changed: {path} has weights {found[:12]}, recorded are "
            f"{digest[:12]}; restore it from where it came"
        )
