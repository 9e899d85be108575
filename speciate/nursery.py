"""Weights on demand: a founder's folder, a stored one, or one rebuilt from its recipe."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path

from speciate.archive.archive import Archive
from speciate.archive.store import WeightStore
from speciate.configs import schema
from speciate.configs.load import validated
from speciate.errors import ArchiveError, BreedError, DamageError, ModelError
from speciate.planning import ADAPTER_OPERATORS
from speciate.population.adapters import Adapter, breed_adapter
from speciate.population.adapters.breed import check_ranks
from speciate.population.breed import carry_out
from speciate.population.breeding_process import BreedingProcess
from speciate.population.folders import weights_in
from speciate.population.offspring import Offspring
from speciate.population.plan import Plan, make_plan
from speciate.records import FOUNDER, Individual, Recipe

GIB = 2**30
Known = Mapping[str, Individual]


class Nursery:
    """Breeds, and finds or rebuilds what was bred before."""

    def __init__(
        self,
        founders: Mapping[str, Path],
        store: WeightStore,
        settings: schema.Store,
        process: BreedingProcess | None = None,
    ) -> None:
        """Takes the founders' folders by the ids of the founders, and who breeds large newborns."""
        self._founders = founders
        self._process = process
        self._store = store
        self._settings = settings
        # Of those that were bred here, and are not yet recorded with a digest or an error.
        self._digests: dict[str, str] = {}
        self._failures: dict[str, str] = {}

    @contextmanager
    def newborn(self, one: Individual, known: Known) -> Iterator[Offspring]:
        """The tensors of an individual that has no weights yet, to be taken one after the other.

        Only if the store keeps all weights they are written at the same time, and are in the store
        when the caller is done with them.

        Raises:
            BreedError: The recipe cannot be carried out, or a parent failed; also while tensors
                are taken.
            DamageError: A parent's weights cannot be rebuilt as they were.
        """
        keeps = self._settings.keep == "all"
        with self._scratch() if keeps else nullcontext() as scratch, self._remembered(one):
            out = scratch / "model" if scratch else None
            offspring = Offspring(
                self._plan(one, known),
                out,
                int(self._settings.shard_gib * GIB),
                process=self._process,
            )
            yield offspring
            self._digests[one.id] = offspring.digest
            if out:
                self._store.adopt(out, offspring.digest)

    @contextmanager
    def newborn_adapter(self, one: Individual, known: Known) -> Iterator[tuple[str, Path]]:
        """Digest and folder of an adapter that was not bred before; the folder is there until left.

        Only if the store keeps all weights it is in the store afterwards.

        Raises:
            BreedError: The recipe cannot be carried out, or a parent failed.
            DamageError: A parent's weights cannot be rebuilt as they were.
        """
        with self._scratch() as scratch:
            with self._remembered(one):
                digest = self._bred(one, known, scratch / "model")
            self._digests[one.id] = digest
            yield digest, scratch / "model"
            if self._settings.keep == "all":
                self._store.adopt(scratch / "model", digest)

    def folder(self, name: str, known: Known) -> Path:
        """The folder of an individual, rebuilt if it is not stored.

        Raises:
            ArchiveError: A founder's folder is not known on this machine.
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

    def _rebuild(self, one: Individual, known: Known) -> None:
        """Makes an ancestor's weights; of one whose own result is not known yet, learns it."""
        if one.recipe.operator == FOUNDER:
            name = one.recipe.parameters["name"]
            tells = f"`speciate import DIR {name}=FOLDER` tells where it is"
            raise ArchiveError(f"founder '{name}' is not known on this machine; {tells}")
        with self._scratch() as scratch:
            try:
                with self._remembered(one):
                    digest = self._bred(one, known, scratch / "model")
            except BreedError:
                if one.digest is None:
                    return
                raise
            if digest != (one.digest or digest):
                raise DamageError(
                    f"{one.id[:10]}: its recipe gives weights {digest[:12]}, recorded are "
                    f"{str(one.digest)[:12]}; the recipe or a founder was changed"
                )
            self._digests[one.id] = digest
            self._store.adopt(scratch / "model", digest)

    def _bred(self, one: Individual, known: Known, out: Path) -> str:
        """Writes an individual's weights, and gives their digest."""
        return bred(one.recipe, self._parents(one, known), out, self._settings)

    def _plan(self, one: Individual, known: Known) -> Plan:
        return make_plan(one.recipe, self._parents(one, known), self._settings.dtype)

    def _parents(self, one: Individual, known: Known) -> dict[str, Path]:
        """The parents' folders."""
        parents = {parent.id for parent in one.recipe.parents}
        return {parent: self.folder(parent, known) for parent in sorted(parents)}

    @contextmanager
    def _remembered(self, one: Individual) -> Iterator[None]:
        """Remembers why an individual cannot be bred: its offspring fail for the same reason."""
        try:
            yield
        except BreedError as exc:
            self._failures[one.id] = str(exc)
            raise

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        """A folder on the store's disk to write a model in, which nobody else can take away."""
        scratch = self._store.reserve()
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

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


def bred(
    recipe: Recipe,
    folders: Mapping[str, Path],
    out: Path,
    settings: schema.Store,
    jobs: int | None = None,
) -> str:
    """Writes the model or adapter of a recipe, and gives the digest of its weights.

    Args:
        recipe: Of a registered operator.
        folders: Of its parents, by id.
        out: The new folder; it appears complete or not at all.
        settings: Of the campaign's weights.
        jobs: Threads; one a core if not given.

    Raises:
        BreedError: It cannot be carried out.
    """
    operator = ADAPTER_OPERATORS.get(recipe.operator)
    if operator is None:
        plan = make_plan(recipe, folders, settings.dtype)
        return carry_out(plan, out, int(settings.shard_gib * GIB), jobs)
    adapters = [Adapter(folders[parent.id]) for parent in recipe.parents]
    check_ranks(operator, adapters)
    parameters = operator.parameters.model_validate(dict(recipe.parameters))
    parents = {"adapter": adapters}
    return breed_adapter(operator, parameters, parents, out, recipe.seed, settings.dtype)


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
        return weights_in(store.folder / digest).digest() == digest
    except ModelError:
        return False


def is_there(store: WeightStore, one: Individual) -> bool:
    """Whether nothing need be done for an individual's weights: they are stored, or none can be."""
    if one.digest is None:
        return one.error is not None
    return one.recipe.operator == FOUNDER or store.path(one.digest) is not None


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


def settings_of(archive: Archive) -> schema.Store:
    """What a campaign says of its weights."""
    resolved = {key: value for key, value in archive.config.items() if key != "digests"}
    return validated(schema.Campaign, resolved, f"{archive.folder}: campaign.json").store


def nursery_of(archive: Archive, store: WeightStore) -> Nursery:
    """A nursery for the individuals of an archive, with weights in `store`.

    Founders are where this machine last had them.
    """
    paths = archive.founder_paths
    founders = {
        row.id: paths[row.name]
        for row in archive.index.founders()
        if row.name and row.name in paths
    }
    return Nursery(founders, store, settings_of(archive))
