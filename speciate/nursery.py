"""Weights on demand: a founder's folder, a stored one, or one rebuilt from its recipe."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from speciate.archive.store import WeightStore
from speciate.configs import schema
from speciate.errors import BreedError, DamageError
from speciate.population.breed import breed
from speciate.records import Individual, Recipe

GIB = 2**30


class Nursery:
    """Breeds, and finds or rebuilds what was bred before."""

    def __init__(
        self, founders: Mapping[str, Path], store: WeightStore, settings: schema.Store
    ) -> None:
        """Takes the founders' folders by the ids of the founders."""
        self._founders = founders
        self._store = store
        self._settings = settings

    def raise_offspring(self, recipe: Recipe, known: Mapping[str, Individual]) -> str:
        """Carries a recipe out; its weights are in the store afterwards.

        Returns:
            The digest of the weights.

        Raises:
            BreedError: The recipe cannot be carried out, or a parent failed.
            DamageError: A parent's weights cannot be rebuilt as they were.
        """
        parents = {parent.id for parent in recipe.parents}
        folders = {parent: self.folder(parent, known) for parent in sorted(parents)}
        scratch = self._store.reserve()
        try:
            shard_bytes = int(self._settings.shard_gib * GIB)
            digest = breed(recipe, folders, scratch / "model", self._settings.dtype, shard_bytes)
            self._store.adopt(scratch / "model", digest)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return digest

    def folder(self, name: str, known: Mapping[str, Individual]) -> Path:
        """The model folder of an individual, rebuilt if it is not stored.

        Raises:
            BreedError: The individual failed, so that it has no weights.
            DamageError: The rebuilt weights are not those that were recorded.
        """
        if name in self._founders:
            return self._founders[name]
        individual = known[name]
        if individual.digest is None:
            raise BreedError(f"parent {name[:10]} has no weights: {individual.error}")
        stored = self._store.path(individual.digest)
        if stored is None:
            self._rebuild(individual, known)
            stored = self._store.path(individual.digest)
        if stored is None:
            raise DamageError(f"{name[:10]}: its weights vanished from the store; run again")
        return stored

    def _rebuild(self, individual: Individual, known: Mapping[str, Individual]) -> None:
        """Ancestors first, without recursion: a lineage may be thousands of generations deep."""
        for name in self._missing(individual.id, known):
            rebuilt = self.raise_offspring(known[name].recipe, known)
            if rebuilt != known[name].digest:
                raise DamageError(
                    f"{name[:10]}: its recipe gives weights {rebuilt[:12]}, recorded are "
                    f"{str(known[name].digest)[:12]}; the recipe or a founder was changed"
                )

    def _missing(self, name: str, known: Mapping[str, Individual]) -> list[str]:
        """Those of an individual and its ancestors that must be rebuilt, parents first."""
        order: dict[str, None] = {}
        stack = [(name, False)]
        while stack:
            current, parents_done = stack.pop()
            if current in self._founders or current in order:
                continue
            digest = known[current].digest
            if digest and self._store.path(digest):
                continue
            if parents_done:
                order[current] = None
                continue
            stack.append((current, True))
            stack += [(parent.id, False) for parent in reversed(known[current].recipe.parents)]
        return list(order)
