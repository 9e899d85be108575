"""Weights on demand: a founder's folder, a stored one, or one rebuilt from its recipe."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from speciate.archive.archive import Archive
from speciate.archive.store import WeightStore
from speciate.configs import schema
from speciate.configs.load import validated
from speciate.errors import BreedError, DamageError, ModelError
from speciate.population.breed import breed
from speciate.population.weights import Checkpoint
from speciate.records import FOUNDER, Individual

GIB = 2**30
Known = Mapping[str, Individual]


class Nursery:
    """Breeds, and finds or rebuilds what was bred before."""

    def __init__(
        self, founders: Mapping[str, Path], store: WeightStore, settings: schema.Store
    ) -> None:
        """Takes the founders' folders by the ids of the founders."""
        self._founders = founders
        self._store = store
        self._settings = settings
        # Of those that were bred here, and are not yet recorded with a digest or an error.
        self._digests: dict[str, str] = {}
        self._failures: dict[str, str] = {}

    @contextmanager
    def weights(self, one: Individual, known: Known) -> Iterator[tuple[str, Path]]:
        """The digest and the model folder of an individual, bred if it has no digest yet.

        What was just bred lies in a folder of its own until the caller is done with it, so that
        nobody else can take it away, and only then in the store.

        Raises:
            BreedError: The recipe cannot be carried out, or a parent failed.
            DamageError: A parent's weights cannot be rebuilt as they were.
        """
        if one.digest is not None:
            yield one.digest, self.folder(one.id, {**known, one.id: one})
            return
        with self._bred(one, known) as bred:
            yield bred

    def folder(self, name: str, known: Known) -> Path:
        """The model folder of an individual, rebuilt if it is not stored.

        Raises:
            BreedError: The individual failed, so that it has no weights.
            DamageError: The rebuilt weights are not those that were recorded.
        """
        if name in self._founders:
            return self._founders[name]
        for missing in self._missing(name, known):
            self._rebuild(known[missing], known)
        return self._stored(known[name])

    def _stored(self, one: Individual) -> Path:
        digest = one.digest or self._digests.get(one.id)
        if digest is None:
            reason = one.error or self._failures[one.id]
            raise BreedError(f"parent {one.id[:10]} has no weights: {reason}")
        stored = self._store.path(digest)
        if stored is None:
            raise DamageError(f"{one.id[:10]}: its weights vanished from the store; run again")
        return stored

    @contextmanager
    def _bred(self, one: Individual, known: Known) -> Iterator[tuple[str, Path]]:
        scratch = self._store.reserve()
        try:
            digest = self._breed(one, known, scratch / "model")
            try:
                yield digest, scratch / "model"
            finally:
                self._store.adopt(scratch / "model", digest)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _breed(self, one: Individual, known: Known, out: Path) -> str:
        """Carries a recipe out, and remembers what came of it."""
        parents = {parent.id for parent in one.recipe.parents}
        shard_bytes = int(self._settings.shard_gib * GIB)
        try:
            folders = {parent: self.folder(parent, known) for parent in sorted(parents)}
            digest = breed(one.recipe, folders, out, self._settings.dtype, shard_bytes)
        except BreedError as exc:
            self._failures[one.id] = str(exc)
            raise
        self._digests[one.id] = digest
        return digest

    def _rebuild(self, one: Individual, known: Known) -> None:
        """Makes an ancestor's weights; of one whose own result is not known yet, learns it."""
        try:
            with self._bred(one, known) as (digest, _):
                pass
        except BreedError:
            if one.digest is None:
                return
            raise
        if digest != (one.digest or digest):
            raise DamageError(
                f"{one.id[:10]}: its recipe gives weights {digest[:12]}, recorded are "
                f"{str(one.digest)[:12]}; the recipe or a founder was changed"
            )

    def _missing(self, name: str, known: Known) -> list[str]:
        """Those of an individual and its ancestors that must be rebuilt, parents first."""
        return [
            one
            for one, found in lineage([name], known, self._is_there).items()
            if not self._is_there(found)
        ]

    def _is_there(self, one: Individual) -> bool:
        """Whether nothing can be done for its weights: they are stored, or it has none."""
        if one.id in self._founders:
            return True
        digest = one.digest or self._digests.get(one.id)
        if digest is None:
            return one.error is not None or one.id in self._failures
        return self._store.path(digest) is not None


def drop_damaged(store: WeightStore) -> list[str]:
    """Deletes stored weights that no longer have their digest, as after a power cut.

    Returns:
        Their digests; they are rebuilt when next needed.
    """
    damaged = [digest for digest in sorted(store.digests()) if not _is_sound(store, digest)]
    store.drop(damaged)
    return damaged


def _is_sound(store: WeightStore, digest: str) -> bool:
    try:
        return Checkpoint(store.folder / digest).digest() == digest
    except ModelError:
        return False


def lineage(
    names: Iterable[str], known: Known, is_there: Callable[[Individual], bool]
) -> dict[str, Individual]:
    """Individuals, and the ancestors that their weights are made of, parents first.

    Ancestors are looked for as far as to those of whom `is_there` holds. Without recursion: a
    lineage may be thousands of generations deep.
    """
    order: dict[str, Individual] = {}
    stack = [(name, False) for name in names]
    while stack:
        current, parents_done = stack.pop()
        if current in order:
            continue
        if parents_done or is_there(known[current]):
            order[current] = known[current]
            continue
        stack.append((current, True))
        stack += [(parent.id, False) for parent in reversed(known[current].recipe.parents)]
    return order


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
