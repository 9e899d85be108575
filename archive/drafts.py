"""Proposals that wait for people, and what these decided, as refs beside the campaign's main.

Each is one ref that is made once and never moved, so nothing here needs the campaign's lock, and of
two who decide at once one is told that the other was first.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from speciate.archive import draft_files
from speciate.archive.draft import Decision as Decision
from speciate.archive.draft import Draft as Draft
from speciate.archive.draft import Verdict as Verdict
from speciate.archive.draft_files import DECISION_FILES, DRAFT_FILES, Files
from speciate.archive.manifest import FETCH, plain
from speciate.archive.repository import Repository, folder_oid
from speciate.archive.reviewer import author, commit_as_reviewer, reviewer
from speciate.errors import ArchiveError, DamageError

PROPOSALS = "refs/proposals/"
REVIEWS = "refs/reviews/"
DONE: Mapping[Verdict, str] = {"approve": "approved", "reject": "rejected"}


@dataclass(frozen=True, slots=True)
class _Commit:
    """A commit that a ref names, as far as it was read."""

    ref: str
    hash: str
    header: str
    files: Files

    @property
    def number(self) -> int:
        """Of the proposal."""
        digits = self.ref.rpartition("/")[2]
        if not re.fullmatch(r"[0-9]{6,19}", digits) or f"{int(digits):06d}" != digits:
            raise DamageError(f"{self.ref} is no number of a proposal; {FETCH}")
        return int(digits)

    def check(self, needed: tuple[str, ...], parents: tuple[str, ...]) -> None:
        """Whether it has the files that it must have, no others, and these parents."""
        if missing := [name for name in needed if name not in self.files]:
            raise DamageError(f"{self.ref} lacks {missing[0]}; {FETCH}")
        lines = self.header.split("\n")
        if f"tree {folder_oid(self.files)}" not in lines[:1]:
            raise DamageError(f"{self.ref} holds files that are not speciate's; {FETCH}")
        if tuple(line[7:] for line in lines if line.startswith("parent ")) != parents:
            raise DamageError(f"{self.ref} does not follow on what it decides; {FETCH}")


class Drafts:
    """The drafts of one archive; see `Archive.drafts`."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def put(self, draft: Draft) -> None:
        """Put a draft forward; the very same once more changes nothing.

        Raises:
            ArchiveError: Another draft has its number, or the disk refuses.
        """
        draft = draft_files.normal(draft)
        tree = self._repository.write(draft_files.draft_files(draft))
        message = draft_files.draft_message(draft)
        commit = self._repository.commit(tree, (), message, draft.step)
        ref = f"{PROPOSALS}{draft.number:06d}"
        refused = self._repository.add_ref(ref, commit)
        found = self._repository.refs(ref).get(ref) if refused else commit
        if found != commit:
            where = self._repository.folder.parent
            reason = "there is another of this number" if found else refused
            raise ArchiveError(f"proposal {draft.number} cannot be put into {where}: {reason}")

    def all(self) -> dict[int, Draft]:
        """All drafts by number, those that were decided too.

        Raises:
            DamageError: One is not what was recorded.
        """
        return {number: draft for number, (_, draft) in self._drafts().items()}

    def waiting(self) -> dict[int, Draft]:
        """The drafts by number that nobody has decided; others are not even read.

        Raises:
            DamageError: One is not what was recorded.
        """
        decided = {ref.removeprefix(REVIEWS) for ref in self._repository.refs(REVIEWS)}
        return {number: draft for number, (_, draft) in self._drafts(decided).items()}

    def get(self, number: int) -> Draft:
        """One draft.

        Raises:
            ArchiveError: There is none of this number.
            DamageError: It is not what was recorded.
        """
        return self._get(number)[1]

    def decisions(self) -> dict[int, Decision]:
        """All decisions by number.

        Raises:
            DamageError: A draft or a decision is not what was recorded.
        """
        drafts = self._drafts()
        found = (_decision(one, drafts) for one in self._read(REVIEWS, DECISION_FILES))
        return {decision.number: decision for decision in found}

    def decision(self, number: int) -> Decision | None:
        """What was decided of one draft, if anything was.

        Raises:
            ArchiveError: There is none of this number.
            DamageError: Draft or decision is not what was recorded.
        """
        draft = self._get(number)
        for one in self._read(f"{REVIEWS}{number:06d}", DECISION_FILES):
            return _decision(one, {number: draft})
        return None

    def check_open(self, number: int) -> None:
        """Whether a draft can still be decided.

        Raises:
            ArchiveError: There is no such draft, or somebody has decided.
        """
        if first := self.decision(number):
            done = DONE[first.verdict]
            raise ArchiveError(f"proposal {number} was {done} already by {first.reviewer}")

    def reviewer(self) -> str:
        """Who decides if this process does, as in "Ada <ada@example.org>".

        Raises:
            ArchiveError: git knows no identity.
        """
        return reviewer(self._repository)

    def decide(self, decision: Decision) -> Decision:
        """Record what was decided of a draft, in the name of git's user.

        Args:
            decision: Its reviewer does not matter.

        Returns:
            The decision as recorded, with its reviewer.

        Raises:
            ArchiveError: There is no such draft, it was decided already, git knows no identity or
                cannot sign, or the disk refuses.
        """
        number, who = decision.number, self.reviewer()
        parent, draft = self._get(number)
        self.check_open(number)
        recipe = decision.recipe and draft_files.normal_recipe(decision.recipe)
        decided = Decision(number, decision.verdict, plain(decision.reason), who, recipe)
        tree = self._repository.write(draft_files.decision_files(decided, draft))
        message = draft_files.decision_message(decided, draft)
        commit = commit_as_reviewer(self._repository, tree, [parent], message)
        if refused := self._repository.add_ref(f"{REVIEWS}{number:06d}", commit):
            self.check_open(number)
            raise ArchiveError(f"proposal {number} was not decided: {refused}; try again")
        return decided

    def problems(self) -> list[str]:
        """What is wrong with drafts and decisions, one line each with a remedy."""
        found: list[str] = []
        drafts: dict[int, tuple[str, Draft]] = {}
        for one in self._read(PROPOSALS, DRAFT_FILES):
            try:
                drafts |= _draft(one)
            except DamageError as damage:
                found.append(str(damage))
        for one in self._read(REVIEWS, DECISION_FILES):
            try:
                _decision(one, drafts)
            except DamageError as damage:
                found.append(str(damage))
        return found

    def _drafts(self, without: Collection[str] = ()) -> dict[int, tuple[str, Draft]]:
        """Commits and drafts by number, in order."""
        found: dict[int, tuple[str, Draft]] = {}
        for one in self._read(PROPOSALS, DRAFT_FILES, without):
            found |= _draft(one)
        return dict(sorted(found.items()))

    def _get(self, number: int) -> tuple[str, Draft]:
        """Commit and draft."""
        for one in self._read(f"{PROPOSALS}{number:06d}", DRAFT_FILES):
            return _draft(one)[number]
        where = self._repository.folder.parent
        raise ArchiveError(f"{where} has no proposal {number}; `speciate review list` shows all")

    def _read(
        self, refs: str, names: tuple[str, ...], without: Collection[str] = ()
    ) -> Iterator[_Commit]:
        """The commits of a ref, or of all below a folder but for some by their last names."""
        every = self._repository.refs(refs)
        named = {ref: every[ref] for ref in every if ref.rpartition("/")[2] not in without}
        paths = ("", *(f":{name}" for name in names))
        # To its end: only there a pass tells of spoilt objects.
        objects = iter(
            list(self._repository.read(f"{c}{path}" for c in named.values() for path in paths))
        )
        for ref, commit in named.items():
            raw, *contents = islice(objects, len(paths))
            if raw is None or raw[0].kind != "commit":
                raise DamageError(f"{ref} names no commit; {FETCH}")
            header = raw[1].decode(errors="replace").partition("\n\n")[0]
            pairs = zip(names, contents, strict=True)
            yield _Commit(ref, commit, header, {name: data[1] for name, data in pairs if data})


def _draft(commit: _Commit) -> dict[int, tuple[str, Draft]]:
    """A draft's commit and the draft, by number."""
    commit.check(("proposal.json", "recipe.json"), ())
    draft = draft_files.read_draft(commit.files, commit.ref)
    if draft.number != commit.number:
        raise DamageError(f"{commit.ref} holds proposal {draft.number}; {FETCH}")
    return {draft.number: (commit.hash, draft)}


def _decision(commit: _Commit, drafts: Mapping[int, tuple[str, Draft]]) -> Decision:
    number = commit.number
    if number not in drafts:
        raise DamageError(f"{commit.ref} decides of a proposal that is not there; {FETCH}")
    parent, draft = drafts[number]
    commit.check(("decision.json",), (parent,))
    who = author(commit.header)
    if who is None:
        raise DamageError(f"{commit.ref} does not say who decided; {FETCH}")
    decision = draft_files.read_decision(commit.files, draft, who, commit.ref)
    if decision.number != number:
        raise DamageError(f"{commit.ref} decides of proposal {decision.number}; {FETCH}")
    return decision
