"""Takes one individual out of an archive, as a model folder with a model card."""

import shutil
from pathlib import Path

from speciate.archive.archive import Archive
from speciate.errors import UsageError
from speciate.records import canonical_json
from speciate.verify import nursery
from speciate.words import describe, label


def export(archive: Archive, name: str, out: Path) -> None:
    """Writes a complete model folder, rebuilt if its weights are not stored.

    Args:
        archive: Open; the weight store may grow.
        name: Id of the individual.
        out: The new folder; it appears complete or not at all.

    Raises:
        UsageError: `out` exists.
        BreedError: The individual failed, so that it has no weights.
        DamageError: A rebuild did not give the recorded weights.
    """
    if out.exists():
        raise UsageError(f"{out} exists already; choose a new folder")
    source = nursery(archive, archive.weights).folder(name, archive.individuals)
    unfinished = out.with_name(f".{out.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        shutil.copytree(source, unfinished)
        (unfinished / "README.md").write_text(card(archive, name), encoding="utf-8")
        unfinished.rename(out)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def card(archive: Archive, name: str) -> str:
    """The model card: how the model was made, and what it scored in search."""
    known = archive.individuals
    one = known[name]
    scores = one.evaluation.scores if one.evaluation else {}
    lines = [
        "---",
        "library_name: transformers",
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
