"""Takes one individual out of an archive, as a folder of a model or adapter, with a card."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from speciate.archive.archive import Archive
from speciate.archive.store import WeightStore
from speciate.errors import DamageError, UsageError
from speciate.family import family_of
from speciate.family_svg import family_svg
from speciate.individual_card import FIGURE, LINEAGE, Subject, card
from speciate.nursery import nursery_of
from speciate.population.folders import weights_in


def export(archive: Archive, name: str, out: Path) -> list[str]:
    """Writes a complete model folder, rebuilt if its weights are not stored.

    Args:
        archive: Open; nothing in it is changed.
        name: Id of the individual.
        out: The new folder; it appears complete or not at all.

    Returns:
        What to look at before the model is shared, one line each.

    Raises:
        UsageError: `out` exists.
        BreedError: The individual failed, so that it has no weights.
        DamageError: The weights found or rebuilt are not the recorded ones.
    """
    if out.exists():
        raise UsageError(f"{out} exists already; choose a new folder")
    one = archive.individual(name)
    stored = archive.weights.path(one.digest) if one.digest else None
    out.parent.mkdir(parents=True, exist_ok=True)
    # Beside `out`: a campaign may run in the archive, and its store is its own.
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as scratch:
        rebuilder = nursery_of(archive, WeightStore(Path(scratch) / "weights"))
        source = stored or rebuilder.folder(name, archive.individuals)
        model = Path(scratch) / "model"
        shutil.copytree(source, model)
        found = weights_in(model).digest()
        if found != one.digest:
            raise DamageError(
                f"{source} has weights {found[:12]}, recorded are {str(one.digest)[:12]}; "
                "`speciate fsck` tells what to do"
            )
        told = _tell(archive, name, model)
        model.rename(out)
    return told


def _tell(archive: Archive, name: str, model: Path) -> list[str]:
    """Puts beside the weights what there is to say about them."""
    family = family_of(archive, name)
    subject = Subject.of(archive, name, family)
    lineage = json.dumps(_lineage(archive, name), indent=1, sort_keys=True)
    files = {"README.md": card(subject), FIGURE: family_svg(family), LINEAGE: f"{lineage}\n"}
    for file, text in files.items():
        (model / file).write_text(text, encoding="utf-8")
    return subject.warnings


def _lineage(archive: Archive, name: str) -> dict[str, Any]:
    """All that is needed, besides the founders, to make it again; oldest first."""
    rows = archive.index.ancestors(name)
    recipes = archive.individuals.several(row.id for row in rows)
    return {
        "campaign": archive.config["name"],
        "store": archive.config["store"],
        "head": archive.head,
        "individual": name,
        "lineage": [
            {"id": row.id, "commit": row.hash, "digest": row.digest, "recipe": one.recipe.to_json()}
            for row, one in zip(rows, recipes, strict=True)
        ],
    }
