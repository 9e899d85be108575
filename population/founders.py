"""Founders: the checkpoints that a campaign starts from, checked before anything is bred."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from speciate.configs import schema
from speciate.errors import DamageError, ModelError
from speciate.population.adapters import AdaptedSource, Adapter, check_fit
from speciate.population.adapters.config import is_adapter
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
    is_adapter: bool = False

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
            differ in architecture, shapes or vocabulary. Or they are adapters, and there is no
            base that they fit.
    """
    found = {path: is_adapter(root / path) for path in config.models}
    if any(found.values()):
        _check_adapters(config, found)
        return _adapters(config, root)
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


def _check_adapters(config: schema.Founders, found: Mapping[str, bool]) -> None:
    """Refuses adapters beside models, and without a base."""
    models = [path for path, adapter in found.items() if not adapter]
    if models:
        other = next(path for path, adapter in found.items() if adapter)
        raise ModelError(
            f"founders.models: {other} is an adapter and {models[0]} is not; give adapters of one "
            "base, or models"
        )
    if config.base is None:
        raise ModelError("founders.base: adapters need the model that they were trained on; set it")


def _adapters(config: schema.Founders, root: Path) -> tuple[Founder, ...]:
    """The base, and adapters that fit it and each other."""
    place = (root / str(config.base)).absolute()
    if is_adapter(place):
        raise ModelError(f"founders.base: {place} is an adapter; give the model it was trained on")
    base = Checkpoint(place)
    check_finite(base)
    paths = {schema.founder_name(path): (root / path).absolute() for path in config.models}
    adapters = {name: Adapter(path) for name, path in paths.items()}
    for one in adapters.values():
        AdaptedSource(base, one)  # Reads all factors, and compares them with the base.
        _check_plain(one)
    check_fit(list(adapters.values()))
    return (
        Founder(schema.founder_name(str(config.base)), place, base.digest(), True),
        *(Founder(name, one.path, one.digest(), False, True) for name, one in adapters.items()),
    )


def _check_plain(one: Adapter) -> None:
    """Refuses what engines cannot put on a model beside others."""
    if one.saved:
        raise ModelError(
            f"{one.path}: holds {one.saved[0]} in full; campaigns take adapters without "
            "modules_to_save"
        )
    for module in one.modules:
        if one.layout(module).embedding:
            raise ModelError(
                f"{one.path}: adapts the embedding {module}; campaigns take adapters of linear "
                "layers"
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
