"""The whole archive checked against itself, in one pass that holds little more than hashes."""

from collections.abc import Iterator, Sequence

from speciate.archive import manifest
from speciate.archive.individuals import Birth, read_individuals
from speciate.archive.manifest import FETCH
from speciate.archive.message import ABBREVIATION
from speciate.archive.repository import Repository
from speciate.archive.steps import POPULATION
from speciate.errors import DamageError
from speciate.records import State


def problems(repository: Repository, head: str) -> list[str]:
    """What is wrong with the archive up to `head`, one line each with a remedy; empty when whole.

    Checked are git's own objects, each individual's recipe against its id, its commit's parents
    against its recipe, that parents were born first, and that members are recorded.
    """
    found = [f"git fsck: {line}; {FETCH}" for line in repository.fsck()]
    try:
        found += _Check(repository).problems(head)
    except DamageError as damage:
        found.append(str(damage))
    return found


class _Check:
    """A pass over the history.

    Attributes:
        commits: Hash of each individual's commit that was read, by id.
        trees: Hash of the tree of the same.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self.commits: dict[str, str] = {}
        self.trees: dict[str, str] = {}

    def problems(self, head: str) -> Iterator[str]:
        """What it finds."""
        lines = self._repository.steps(head)
        yield from self._individuals([c for _, parents in lines for c in parents[1:]])
        states = self._repository.read(f"{commit}:state.json" for commit, _ in lines)
        state: State | None = None
        for (commit, _), file in zip(lines, states, strict=True):
            try:
                if file is not None:
                    state = manifest.read_state(file[1], f"commit {commit[:ABBREVIATION]}")
                    yield from self._strangers(state)
            except DamageError as damage:
                yield str(damage)
        if state is not None:
            yield from self._members(head, state)

    def _individuals(self, commits: Sequence[str]) -> Iterator[str]:
        for one in read_individuals(self._repository, commits):
            if isinstance(one, DamageError):
                yield str(one)
                continue
            birth, _ = one
            if complaint := self._complaint(birth):
                yield f"{birth.where} {complaint}; {FETCH}"
                continue
            self.commits[birth.recipe.id] = birth.hash
            self.trees[birth.recipe.id] = birth.tree

    def _complaint(self, birth: Birth) -> str | None:
        """Parents are born first, so a tree that passes has no cycle."""
        if birth.recipe.id in self.commits:
            return "is recorded twice"
        ids = [parent.id for parent in birth.recipe.parents]
        if missing := [id_ for id_ in ids if id_ not in self.commits]:
            return f"has no readable parent '{missing[0]}'"
        if tuple(dict.fromkeys(self.commits[id_] for id_ in ids)) != birth.parents:
            return "does not descend from its recipe's parents"
        return None

    def _strangers(self, state: State) -> Iterator[str]:
        """Members of a step who were never born."""
        missing = [id_[:ABBREVIATION] for id_ in state.members if id_ not in self.commits]
        if missing:
            names = ", ".join(missing)
            yield f"step {state.step} has members that are not recorded: {names}; {FETCH}"

    def _members(self, head: str, state: State) -> Iterator[str]:
        """Members whose folder in the last step is not that of their commit."""
        folders = self._repository.read(f"{head}:{POPULATION}/{id_}" for id_ in state.members)
        for id_, folder in zip(state.members, folders, strict=True):
            # A member that is not recorded was told of with its step.
            if id_ in self.trees and (folder is None or folder[0].oid != self.trees[id_]):
                where = f"{POPULATION}/{id_} of the last step"
                yield f"{where} is not what the commit of {id_[:ABBREVIATION]} holds; {FETCH}"
