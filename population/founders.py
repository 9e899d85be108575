"""Founders: the checkpoints that a campaign starts from, checked before anything is bred."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from speciate.configs import schema
from speciate.errors import DamageError
from speciate.population.compatibility import check_compatible
from speciate.population.weights import Checkpoint, check_finite
from speciate.records import FOUNDER, Recipe


@dataclass(frozen=True)
class Founder:
    """A founder on disk: `recipe` has the operator "founder" and tells name and digest."""

    name: str
    path: Path
    digest: str
    is_base: bool

    @property
    def recipe(self) -> Recipe:
        """The genome of a founder: its name and the digest of its weights."""
        return Recipe(FOUNDER, (), {"name": self.name, "digest": self.digest}, seed=0)


def load_founders(config: schema.Founders, root: Path) -> tuple[Founder, ...]:
    """The founders, base first; a base that is also listed as a model comes once.

    Args:
        config: Their folders.
        root: Folder that relative paths start from.

    Raises:
        ModelError: A folder is missing or damaged, a tensor has NaN or infinity, or the models
            differ in architecture, shapes or vocabulary.
    """
    listed = dict.fromkeys(([config.base] if config.base else []) + list(config.models))
    paths = {schema.founder_name(path): (root / path).absolute() for path in listed}
    checkpoints = {name: Checkpoint(path) for name, path in paths.items()}
    check_compatible(checkpoints)
    for checkpoint in checkpoints.values():
        check_finite(checkpoint)
    base = schema.founder_name(config.base) if config.base else None
    return tuple(
        Founder(name, path, checkpoints[name].digest(), name == base)
        for name, path in paths.items()
    )


def breeding(founders: Sequence[Founder], config: schema.Founders) -> tuple[str, ...]:
    """Ids of the founders to breed from, in the order of the campaign file."""
    by_name = {founder.name: founder.recipe.id for founder in founders}
    return tuple(by_name[schema.founder_name(path)] for path in config.models)


def check_unchanged(founders: Sequence[Founder], recorded: Mapping[str, str]) -> None:
    """Compares founders on disk with those that the archive was begun with.

    Args:
        founders: As they are now.
        recorded: Digests by name.

    Raises:
        DamageError: One of them has other weights now; a rebuild would not give the same models.
    """
    for founder in founders:
        expected = recorded.get(founder.name)
        if expected != founder.digest:
            raise DamageError(
                f"{founder.path}: founder '{founder.name}' has weights {founder.digest[:12]}, "
                f"the archive was begun with {(expected or 'no such founder')[:16]}; restore it"
            )
