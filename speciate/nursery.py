"""Weights on demand: a founder's folder, a stored one, or one rebuilt from its recipe."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from speciate.archive.archive import Archive
from speciate.archive.store import WeightStore
from speciate.configs import schema
from speciate.configs.load import validated
from speciate.errors import BreedError, DamageError, ModelError
from speciate.population.breed import breed
from speciate.population.weights import Checkpoint
from speciate.records import FOUNDER, Individual, Recipe

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

    def drop_damaged(self) -> list[str]:
        """Deletes stored weights that no longer have their digest, as after a power cut.

        Returns:
            Their digests; they are rebuilt when next needed.
        """
        stored = self._store.digests()
        damaged = [digest for digest in sorted(stored) if not self._is_sound(digest)]
        self._store.prune(stored - set(damaged))
        return damaged

    def _is_sound(self, digest: str) -> bool:
        try:
            return Checkpoint(self._store.folder / digest).digest() == digest
        except ModelError:
            return False

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


def nursery_of(archive: Archive, store: WeightStore) -> Nursery:
    """A nursery for the individuals of an archive, with weights in `store`.

    Founders are where this machine last had them.
    """
    resolved = {key: value for key, value in archive.config.items() if key != "digests"}
    config = validated(schema.Campaign, resolved, f"{archive.folder}: campaign.json")
    paths = archive.founder_paths
    founders = {
        name: paths[str(one.recipe.parameters["name"])]
        for name, one in archive.individuals.items()
        if one.recipe.operator == FOUNDER and one.recipe.parameters["name"] in paths
    }
    return Nursery(founders, store, config.store)
