"""Takes one individual out of an archive, as a folder of a model or adapter, with a card."""

import shutil
import tempfile
from pathlib import Path

from speciate.archive.archive import Archive
from speciate.archive.store import WeightStore
from speciate.errors import DamageError, UsageError
from speciate.nursery import nursery_of
from speciate.population.folders import weights_in
from speciate.records import canonical_json
from speciate.words import describe, label


def export(archive: Archive, name: str, out: Path) -> None:
    """Writes a complete model folder, rebuilt if its weights are not stored.

    Args:
        archive: Open; nothing in it is changed.
        name: Id of the individual.
        out: The new folder; it appears complete or not at all.

    Raises:
        UsageError: `out` exists.
        BreedError: The individual failed, so that it has no weights.
        DamageError: The weights found or rebuilt are not the recorded ones.
    """
    if out.exists():
        raise UsageError(f"{out} exists already; choose a new folder")
    one = archive.individuals[name]
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
        (model / "README.md").write_text(card(archive, name), encoding="utf-8")
        model.rename(out)


def card(archive: Archive, name: str) -> str:
    """The model card: how the model was made, and what it scored in search."""
    known = archive.individuals
    one = known[name]
    scores = one.evaluation.scores if one.evaluation else {}
    kind = ["library_name: transformers"]
    if (base := _base(archive)) and base != one.recipe.parameters.get("name"):
        kind = ["library_name: peft", f"base_model: {base}"]
    lines = [
        "---",
        *kind,
        "tags: [merge, speciate]",
        "---",
        f"# {archive.config['name']}: {one.id[:10]}",
        "",
        f"Made by speciate in step {one.step}: {describe(one.recipe, known)}.",
        "",
        "| parent | role |",
        "|---|---|",
        *(f"| {label(parent.id, known)} | {parent.role} |" for parent in one.recipe.parents),
        "",
        "| task (search split) | score | metric | items |",
        "|---|---|---|---|",
        *(
            f"| {task} | {score.value:.4f} | {score.metric} | {len(score.items)} |"
            for task, score in scores.items()
        ),
        "",
        f"Weights (SHA-256 over tensors): `{one.digest}`",
        "",
        "```json",
        canonical_json(one.recipe.to_json()).decode(),
        "```",
    ]
    return "\n".join(lines) + "\n"


def _base(archive: Archive) -> str | None:
    """The name of the base if individuals are adapters."""
    adapters = archive.config["engine"].get("adapters")
    return str(archive.config["founders"]["base"]) if adapters else None
