"""Bringing an index up to date with the history, step by step."""

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import islice

from speciate.archive import manifest
from speciate.archive.draft import EVOLVED
from speciate.archive.individuals import Birth, read_births
from speciate.archive.manifest import FETCH
from speciate.archive.message import ABBREVIATION, name_of
from speciate.archive.repository import Repository
from speciate.archive.steps import Fitness, summarize
from speciate.errors import DamageError
from speciate.records import FOUNDER, source_digest

_INDIVIDUAL = f"INSERT INTO individuals VALUES (NULL, {', '.join('?' * 15)})"
Line = tuple[str, tuple[str, ...]]
"""A commit of main, and all its parents."""


def extend(
    connection: sqlite3.Connection, repository: Repository, lines: Sequence[Line], since: str | None
) -> bool:
    """Take in the steps that follow on `since`, the index's head: all of them, or none.

    Returns:
        Whether it was done: not if another process has moved the index on meanwhile.

    Raises:
        DamageError: Something recorded is not what it was.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        known = connection.execute("SELECT value FROM facts WHERE name = 'head'").fetchone()
        in_turn = (known[0] if known else None) == since
        if in_turn:
            _Steps(connection, repository).take(lines)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk ends it
            connection.execute("ROLLBACK")
        raise
    return in_turn


class _Steps:
    """Some steps, being taken in."""

    def __init__(self, connection: sqlite3.Connection, repository: Repository) -> None:
        self._run = connection.execute
        self._many = connection.executemany
        self._repository = repository

    def take(self, lines: Sequence[Line]) -> None:
        """Individuals, steps, who lives, and the new head."""
        born = read_births(self._repository, [one for _, parents in lines for one in parents[1:]])
        names = [f"{commit}:state.json" for commit, _ in lines]
        states = self._repository.read(names)
        living: list[int] | None = None
        for (commit, parents), state in zip(lines, states, strict=True):
            fitness = [self._birth(birth) for birth in islice(born, len(parents[1:]))]
            if state is not None:
                living = self._step(commit, state[1], fitness)
            elif parents:  # The first commit of all is of no step.
                raise DamageError(f"commit {commit[:ABBREVIATION]} lacks state.json; {FETCH}")
        if living is not None:
            self._run("DELETE FROM living")
            self._many("INSERT INTO living VALUES (?, ?)", list(enumerate(living)))
        next(born, None)  # only at its end does a pass tell of spoilt objects
        self._run("INSERT OR REPLACE INTO facts VALUES ('head', ?)", [lines[-1][0]])

    def _birth(self, birth: Birth | DamageError) -> Fitness:
        if isinstance(birth, DamageError):
            raise birth
        facts, recipe, origin = birth.facts, birth.recipe, birth.facts.origin
        parents = list(self._parents(birth))
        name = name_of(recipe) if recipe.operator == FOUNDER else None
        source = recipe.parameters.get("source") if recipe.operator == EVOLVED else None
        row = (
            *(recipe.id, birth.hash, facts.step, recipe.operator, name),
            *(source and source_digest(str(source)), facts.proposer),
            *(origin and origin.arm, origin and origin.reviewer),
            *(facts.fitness, facts.error, facts.digest, facts.reason),
            *(1 + max((generation for _, generation in parents), default=-1), 0),
        )
        try:
            number = self._run(_INDIVIDUAL, row).lastrowid
        except sqlite3.IntegrityError as error:
            raise DamageError(f"{birth.where} is recorded twice; {FETCH}") from error
        for place, (parent, (its, _)) in enumerate(zip(recipe.parents, parents, strict=True)):
            self._run("INSERT INTO parents VALUES (?, ?, ?, ?)", [number, place, its, parent.role])
        for its in {its for its, _ in parents}:
            self._run("UPDATE individuals SET children = children + 1 WHERE number = ?", [its])
        for task, result in facts.scores.items():
            score = (number, task, result.metric, result.value)
            self._run("INSERT INTO scores VALUES (?, ?, ?, ?)", score)
        return recipe.id, facts.fitness

    def _parents(self, birth: Birth) -> Iterator[tuple[int, int]]:
        """Number and generation of each parent. They are born first, so there is no cycle."""
        commits = []
        for parent in birth.recipe.parents:
            text = "SELECT number, generation, hash FROM individuals WHERE id = ?"
            found = self._run(text, [parent.id]).fetchone()
            if found is None:
                raise DamageError(f"{birth.where} has no readable parent '{parent.id}'; {FETCH}")
            commits.append(found[2])
            yield found[0], found[1]
        if tuple(dict.fromkeys(commits)) != birth.parents:
            raise DamageError(f"{birth.where} does not descend from its recipe's parents; {FETCH}")

    def _step(self, commit: str, data: bytes, born: Sequence[Fitness]) -> list[int]:
        """The numbers of the step's members."""
        state = manifest.read_state(data, f"commit {commit[:ABBREVIATION]}")
        members = []
        for id_ in state.members:
            text = "SELECT number, fitness FROM individuals WHERE id = ?"
            members.append(self._run(text, [id_]).fetchone())
            if members[-1] is None:
                what = f"step {state.step} has members that are not recorded"
                raise DamageError(f"{what}: {id_[:ABBREVIATION]}; {FETCH}")
        fitness = [(id_, row[1]) for id_, row in zip(state.members, members, strict=True)]
        step = summarize(state.step, commit, born, fitness)
        figures = (step.best, step.best_id, step.mean, step.born, step.failed, step.members)
        self._run(
            "INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [step.step, commit, *figures]
        )
        return [number for number, _ in members]
