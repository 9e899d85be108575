"""Individuals as commits: written one at a time, read back in one pass over many."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from speciate.archive import manifest
from speciate.archive.manifest import FETCH, Facts
from speciate.archive.message import ABBREVIATION, individual_message, place, trailers
from speciate.archive.repository import Node, Object, Repository
from speciate.errors import ArchiveError, DamageError
from speciate.records import Individual, Recipe


@dataclass(frozen=True, slots=True)
class Record:
    """An individual and where it is recorded.

    Attributes:
        individual: As read back.
        commit: Hash of its commit.
        scores: The tree of its per-item scores; None for a candidate that failed.
        parents: Hashes of its commit's parents.
    """

    individual: Individual
    commit: str
    scores: Object | None
    parents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Birth:
    """An individual's commit, read as far as its facts.

    Attributes:
        hash: Of the commit.
        where: The individual and its commit, as errors name them.
        parents: Hashes of the commit's parents.
        recipe: The genome, which has the id that the commit and the facts name.
        facts: All else but the per-item scores.
        scores: The tree of these; None for a candidate that failed.
    """

    hash: str
    where: str
    parents: tuple[str, ...]
    recipe: Recipe
    facts: Facts
    scores: Object | None


def write_individual(
    repository: Repository, individual: Individual, known: Mapping[str, Record]
) -> Record:
    """Store an individual's objects; no ref moves.

    Args:
        repository: Where to.
        individual: Not recorded yet.
        known: Records by id, its parents among them.

    Raises:
        ArchiveError: It is recorded already, a parent is not, or a value is not JSON.
    """
    individual = manifest.normal(individual)
    name = individual.id[:ABBREVIATION]
    if individual.id in known:
        raise ArchiveError(f"individual {name} is recorded already; breed each recipe once")
    try:
        parents = parent_commits(individual, known)
    except KeyError as error:
        raise ArchiveError(f"parent {error} of {name} is not recorded; record it first") from error
    scores = manifest.score_files(individual)
    tree = repository.write(scores) if scores else None
    files: dict[str, Node] = {
        "recipe.json": manifest.recipe_file(individual.recipe),
        "individual.json": manifest.facts_file(individual),
    }
    family = {parent.id: known[parent.id].individual for parent in individual.recipe.parents}
    commit = repository.commit(
        repository.write(files | ({"scores": tree} if tree else {})),
        parents,
        individual_message(individual, family),
        individual.step,
    )
    return Record(individual, commit, tree, parents)


def parent_commits(individual: Individual, known: Mapping[str, Record]) -> tuple[str, ...]:
    """The commits of an individual's parents, in the recipe's order, each once.

    Raises:
        KeyError: A parent is not known; the key is its id.
    """
    return tuple(dict.fromkeys(known[parent.id].commit for parent in individual.recipe.parents))


def read_individuals(
    repository: Repository, commits: Sequence[str]
) -> Iterator[Record | DamageError]:
    """Read the individuals of commits, in order; for one that is damaged, what is wrong.

    Raises:
        DamageError: git itself cannot read an object.
    """
    found = list(read_births(repository, commits))
    whole = [birth for birth in found if isinstance(birth, Birth)]
    blobs = repository.read(
        f"{birth.hash}:scores/{manifest.score_name(task)}"
        for birth in whole
        for task in birth.facts.metrics
    )
    for birth in found:
        if isinstance(birth, DamageError):
            yield birth
            continue
        scores = {task: next(blobs) for task in birth.facts.metrics}
        yield _record(birth, {task: blob[1] for task, blob in scores.items() if blob})
    next(blobs, None)  # only at its end does a pass tell of spoilt objects


def read_births(repository: Repository, commits: Sequence[str]) -> Iterator[Birth | DamageError]:
    """Read the individuals of commits but for their per-item scores, in order, as they come.

    Raises:
        DamageError: git itself cannot read an object.
    """
    paths = ("", ":recipe.json", ":individual.json", ":scores")
    objects = repository.read(commit + path for commit in commits for path in paths)
    rows = zip(commits, objects, objects, objects, objects, strict=True)
    for commit, raw, recipe, facts, scores in rows:
        if raw is None or recipe is None or facts is None:
            where = commit[:ABBREVIATION]
            yield DamageError(f"commit {where} lacks an individual's files; {FETCH}")
            continue
        try:
            yield _birth(commit, raw[1], recipe[1], facts[1], scores[0] if scores else None)
        except DamageError as damage:
            yield damage


def _birth(commit: str, raw: bytes, recipe: bytes, facts: bytes, scores: Object | None) -> Birth:
    header, _, message = raw.decode(errors="replace").partition("\n\n")
    named = trailers(message).get("Individual", "")
    where = place(named, commit)
    words = (line.split(" ") for line in header.splitlines())
    parents = tuple(word[1] for word in words if word[0] == "parent")
    read = manifest.read_facts(facts, where)
    genome = manifest.read_recipe(recipe, read, where)
    if named != genome.id:
        other = genome.id[:ABBREVIATION]
        raise DamageError(f"{where} holds the recipe of {other}; {FETCH}")
    return Birth(commit, where, parents, genome, read, scores)


def _record(birth: Birth, scores: Mapping[str, bytes]) -> Record | DamageError:
    try:
        individual = manifest.read_individual(birth.recipe, birth.facts, scores, birth.where)
    except DamageError as damage:
        return damage
    if len(scores) < len(birth.facts.metrics):
        return DamageError(f"{birth.where} lacks the scores of a task; {FETCH}")
    return Record(individual, birth.hash, birth.scores, birth.parents)
