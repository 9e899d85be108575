"""Individuals as commits: written one at a time, read back in one pass over many."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from speciate.archive import manifest
from speciate.archive.manifest import FETCH, Facts
from speciate.archive.message import ABBREVIATION, individual_message, name_of, place, trailers
from speciate.archive.repository import Repository
from speciate.errors import ArchiveError, DamageError
from speciate.records import Individual, Recipe


@dataclass(frozen=True, slots=True)
class Kept:
    """What commits of others say of an individual that is recorded.

    Attributes:
        commit: Hash of its commit.
        name: What people call it.
        fitness: None for one that failed.
        tree: Hash of its commit's tree, if that was asked for.
    """

    commit: str
    name: str
    fitness: float | None
    tree: str | None = None


@dataclass(frozen=True, slots=True)
class Birth:
    """An individual's commit, read but for the numbers of its per-item scores.

    Attributes:
        hash: Of the commit.
        tree: Hash of its tree.
        where: The individual and its commit, as errors name them.
        parents: Hashes of the commit's parents.
        recipe: The genome, which has the id that the commit names.
        facts: All else.
    """

    hash: str
    tree: str
    where: str
    parents: tuple[str, ...]
    recipe: Recipe
    facts: Facts


def write_individual(
    repository: Repository, individual: Individual, known: Mapping[str, Kept]
) -> Kept:
    """Write an individual's objects; no ref moves.

    Args:
        repository: Where to.
        individual: Not recorded yet.
        known: By id, its parents among them.

    Raises:
        ArchiveError: It is recorded already, a parent is not, or a value is not JSON.
    """
    individual = manifest.normal(individual)
    name = individual.id[:ABBREVIATION]
    if individual.id in known:
        raise ArchiveError(f"individual {name} is recorded already; breed each recipe once")
    ids = [parent.id for parent in individual.recipe.parents]
    if missing := [id_ for id_ in ids if id_ not in known]:
        raise ArchiveError(f"parent '{missing[0]}' of {name} is not recorded; record it first")
    recipe, facts = manifest.recipe_file(individual.recipe), manifest.facts_file(individual)
    tree = repository.write({"recipe.json": recipe, "individual.json": facts})
    message = individual_message(individual, {id_: known[id_].name for id_ in ids})
    commits = tuple(dict.fromkeys(known[id_].commit for id_ in ids))
    commit = repository.commit(tree, commits, message, individual.step)
    fitness = individual.evaluation.fitness if individual.evaluation else None
    return Kept(commit, name_of(individual.recipe), fitness, tree.oid)


def read_individuals(
    repository: Repository, commits: Sequence[str]
) -> Iterator[tuple[Birth, Individual] | DamageError]:
    """Read the individuals of commits, in order; for one that is damaged, what is wrong.

    Raises:
        DamageError: git itself cannot read an object.
    """
    for birth in read_births(repository, commits):
        if isinstance(birth, DamageError):
            yield birth
            continue
        try:
            read = manifest.read_individual(birth.recipe, birth.facts, birth.where)
        except DamageError as damage:
            yield damage
        else:
            yield birth, read


def read_births(repository: Repository, commits: Sequence[str]) -> Iterator[Birth | DamageError]:
    """Read the individuals of commits, their per-item scores packed, in order, as they come.

    Raises:
        DamageError: git itself cannot read an object.
    """
    paths = ("", ":recipe.json", ":individual.json")
    objects = repository.read(commit + path for commit in commits for path in paths)
    rows = zip(commits, objects, objects, objects, strict=True)
    for commit, raw, recipe, facts in rows:
        if raw is None or recipe is None or facts is None:
            where = commit[:ABBREVIATION]
            yield DamageError(f"commit {where} lacks an individual's files; {FETCH}")
            continue
        try:
            yield _birth(commit, raw[1], recipe[1], facts[1])
        except DamageError as damage:
            yield damage


def _birth(commit: str, raw: bytes, recipe: bytes, facts: bytes) -> Birth:
    header, _, message = raw.decode(errors="replace").partition("\n\n")
    named = trailers(message).get("Individual", "")
    where = place(named, commit)
    words = [line.split(" ") for line in header.splitlines()]
    parents = tuple(word[1] for word in words if word[0] == "parent")
    genome = manifest.read_recipe(recipe, named, where)
    read = manifest.read_facts(facts, where)
    return Birth(commit, words[0][-1], where, parents, genome, read)
