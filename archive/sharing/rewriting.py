"""Is a history what speciate writes? Read, written once more, and compared by hash.

A commit is accepted only if writing what was read from it gives the same hash. So no path, mode,
link, submodule, message, date or parent can be there that speciate would not have written itself.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import islice

from speciate.archive import manifest
from speciate.archive.draft import EVOLVED
from speciate.archive.individuals import Birth, Kept, read_individuals, write_individual
from speciate.archive.manifest import FETCH
from speciate.archive.message import ABBREVIATION
from speciate.archive.repository import Hasher, Object, Repository
from speciate.archive.steps import step_tree, summarize
from speciate.errors import ArchiveError, DamageError
from speciate.records import FOUNDER, Individual, State

_DIGEST = re.compile(r"[0-9a-f]{64}")
_AT_ONCE = 64  # steps
WRONG = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError)
"""What strange values of the right kinds may lead to, when they are written again."""
Line = tuple[str, tuple[str, ...]]
"""A commit of main, and all its parents."""
Read = tuple[Birth, Individual]


def check_history(
    repository: Repository, lines: Sequence[Line], known: Mapping[str, Kept], since: str | None
) -> None:
    """Checks steps of a campaign, and the individuals that were born in them.

    Args:
        repository: Where they are.
        lines: Steps that follow on each other, oldest first.
        known: Individuals by id that were checked before.
        since: The step that was checked before, on which the others follow, if one was.

    Raises:
        DamageError: Something is not as speciate writes it.
    """
    if lines:
        rewriting = _Rewriting(repository, since or lines[0][0], dict(known))
        for start in range(0, len(lines), _AT_ONCE):
            rewriting.check(lines[start : start + _AT_ONCE])


def whole(read: Read | DamageError) -> Read:
    """An individual that was read.

    Raises:
        DamageError: It is damaged.
    """
    if isinstance(read, DamageError):
        raise read
    return read


def check_individual(
    hasher: Hasher, birth: Birth, one: Individual, known: Mapping[str, Kept]
) -> Kept:
    """Checks one individual whose parents were checked before.

    Args:
        hasher: Writes it once more, to nowhere.
        birth: Its commit.
        one: As read from there.
        known: Those before it, by id.

    Raises:
        DamageError: It is not as speciate writes it.
    """
    if one.digest is not None and not _DIGEST.fullmatch(one.digest):
        raise DamageError(f"{birth.where} names weights by what is no digest; {FETCH}")
    if one.recipe.operator == FOUNDER:
        _check_founder(one, birth.where)
    if one.recipe.operator == EVOLVED and not isinstance(one.recipe.parameters.get("source"), str):
        raise DamageError(f"{birth.where} was made by source code that is missing; {FETCH}")
    try:
        written = write_individual(hasher, one, known)
    except (ArchiveError, ValueError) as error:
        raise DamageError(f"{birth.where} cannot be: {error}") from error
    if written.commit != birth.hash:
        what = "holds more than speciate writes, or something else"
        raise DamageError(f"{birth.where} {what}; {FETCH}")
    return written


def _check_founder(one: Individual, where: str) -> None:
    """A founder's name becomes a folder's name when somebody says where it is."""
    name = one.recipe.parameters.get("name")
    plain = isinstance(name, str) and name.isprintable() and name not in ("", ".", "..")
    if not plain or set(str(name)) & set("/\\"):
        raise DamageError(f"{where} is a founder named {name!r}, which is no plain name; {FETCH}")
    if one.recipe.parameters != {"name": name, "digest": one.digest} or one.recipe.parents:
        raise DamageError(f"{where} is no founder as speciate records them; {FETCH}")


class _Rewriting:
    """Steps of one campaign, one after the other."""

    def __init__(self, repository: Repository, first: str, known: dict[str, Kept]) -> None:
        self._repository, self._hasher = repository, Hasher(repository.folder)
        self._known = known
        self._config, self._step = self._read_first(first)

    def check(self, lines: Sequence[Line]) -> None:
        """The next steps."""
        commits = [commit for _, parents in lines for commit in parents[1:]]
        born = read_individuals(self._repository, commits)
        names = ("state.json", "report.json")
        files = self._repository.read(f"{commit}:{name}" for commit, _ in lines for name in names)
        for (commit, parents), state, report in zip(lines, files, files, strict=True):
            fresh = [self._individual(one) for one in islice(born, len(parents[1:]))]
            if not self._same(commit, parents, fresh, state and state[1], report and report[1]):
                what = "holds more than speciate writes, or something else"
                raise DamageError(f"commit {commit[:ABBREVIATION]} {what}; {FETCH}")
        next(born, None)  # only at its end does a pass tell of spoilt objects

    def _individual(self, read: Read | DamageError) -> tuple[str, float | None]:
        """Its id and its fitness."""
        birth, one = whole(read)
        self._known[one.id] = check_individual(self._hasher, birth, one, self._known)
        return one.id, self._known[one.id].fitness

    def _same(
        self,
        commit: str,
        parents: Sequence[str],
        born: Sequence[tuple[str, float | None]],
        state: bytes | None,
        report: bytes | None,
    ) -> bool:
        if not parents:
            tree = self._hasher.write({"campaign.json": self._config})
            return self._hasher.commit(tree, (), "campaign\n", 0) == commit
        if state is None:
            return False
        where = f"commit {commit[:ABBREVIATION]}"
        read = manifest.read_state(state, where)
        if read.step < self._step:
            raise DamageError(f"{where} is step {read.step} after step {self._step}; {FETCH}")
        self._step = read.step
        trees = self._trees(read)
        said = None if report is None else manifest.read_mapping(report, f"report.json of {where}")
        tree = self._hasher.write(step_tree(self._config, read, trees, said))
        members = [(id_, self._known[id_].fitness) for id_ in read.members]
        step = summarize(read.step, "", born, members)
        return self._hasher.commit(tree, parents, step.message, read.step) == commit

    def _trees(self, state: State) -> dict[str, Object]:
        """The tree of the commit of each of the living; of those checked earlier it is read."""
        if unknown := [id_ for id_ in state.members if id_ not in self._known]:
            name = unknown[0][:ABBREVIATION]
            raise DamageError(f"step {state.step} has a member {name!r} never born; {FETCH}")
        trees = {id_: self._known[id_].tree for id_ in state.members}
        others = [id_ for id_, tree in trees.items() if tree is None]
        names = (f"{self._known[id_].commit}^{{tree}}" for id_ in others)
        for id_, found in zip(others, self._repository.read(names), strict=True):
            trees[id_] = found and found[0].oid
        return {id_: Object(str(tree), "tree") for id_, tree in trees.items()}

    def _read_first(self, commit: str) -> tuple[Object, int]:
        """The campaign's config, and the step after which the first of the steps comes."""
        config, state = self._repository.read(
            f"{commit}:{name}" for name in ("campaign.json", "state.json")
        )
        where = f"commit {commit[:ABBREVIATION]}"
        if config is None:
            raise DamageError(f"{where} lacks campaign.json; {FETCH}")
        read = manifest.read_mapping(config[1], f"campaign.json of {where}")
        step = manifest.read_state(state[1], where).step if state else 0
        return self._hasher.write(manifest.pretty(read, "the config")), step
