"""All that was ever born, read from the commits of main and kept up to date."""

from collections.abc import Callable

from speciate.archive import manifest
from speciate.archive.individuals import Record, parent_commits, read_individuals
from speciate.archive.manifest import FETCH
from speciate.archive.message import ABBREVIATION, place
from speciate.archive.repository import Repository
from speciate.archive.steps import Step, fitness_of, summarize
from speciate.errors import ArchiveError, DamageError
from speciate.records import Individual, State


def _refuse(damage: DamageError) -> None:
    raise damage


class History:
    """The family tree and the steps up to a commit of main.

    Attributes:
        head: That commit; None before anything was read.
        records: By id, in order of birth.
        individuals: The same without their places.
        steps: Oldest first.
    """

    def __init__(self) -> None:
        self.head: str | None = None
        self.records: dict[str, Record] = {}
        self.individuals: dict[str, Individual] = {}
        self.steps: list[Step] = []

    def add(self, step: Step, born: dict[str, Record]) -> None:
        """Take over a step and who was born in it."""
        for id_, record in born.items():
            self._add(id_, record)
        self.steps.append(step)
        self.head = step.commit

    def extend(
        self,
        repository: Repository,
        head: str,
        on_damage: Callable[[DamageError], None] = _refuse,
    ) -> None:
        """Read on up to `head`.

        Args:
            repository: Where from.
            head: A later commit of main.
            on_damage: Told what is damaged, one thing at a time; raises it unless given.

        Raises:
            DamageError: Something recorded is not what it was, or git cannot read it.
            ArchiveError: `head` does not follow on what was read before.
        """
        lines = repository.steps(head, self.head)
        if self.head and (not lines or lines[0][1][:1] != (self.head,)):
            raise ArchiveError("the archive's main was rewritten meanwhile; open it again")
        born = self._read_born(
            repository, [c for _, parents in lines for c in parents[1:]], on_damage
        )
        states = repository.read(f"{commit}:state.json" for commit, _ in lines)
        for (commit, parents), state in zip(lines, states, strict=True):
            try:
                if state is not None:
                    family = [born[parent] for parent in parents[1:] if parent in born]
                    self._add_step(commit, state[1], family)
            except DamageError as damage:
                on_damage(damage)
        self.head = head

    def _read_born(
        self, repository: Repository, commits: list[str], on_damage: Callable[[DamageError], None]
    ) -> dict[str, Record]:
        born = {}
        for record in read_individuals(repository, commits):
            try:
                if isinstance(record, DamageError):
                    raise record
                self._check(record)
            except DamageError as damage:
                on_damage(damage)
                continue
            self._add(record.individual.id, record)
            born[record.commit] = record
        return born

    def _add(self, id_: str, record: Record) -> None:
        self.records[id_] = record
        self.individuals[id_] = record.individual

    def _check(self, record: Record) -> None:
        """Parents are born first, so a tree that passes has no cycle."""
        name = place(record.individual.id, record.commit)
        if record.individual.id in self.records:
            raise DamageError(f"{name} is recorded twice; {FETCH}")
        try:
            parents = parent_commits(record.individual, self.records)
        except KeyError as error:
            raise DamageError(f"{name} has no readable parent {error}; {FETCH}") from error
        if parents != record.parents:
            raise DamageError(f"{name} does not descend from its recipe's parents; {FETCH}")

    def _add_step(self, commit: str, data: bytes, born: list[Record]) -> None:
        state: State = manifest.read_state(data, f"commit {commit[:ABBREVIATION]}")
        missing = [id_ for id_ in state.members if id_ not in self.records]
        if missing:
            names = ", ".join(id_[:ABBREVIATION] for id_ in missing)
            raise DamageError(
                f"step {state.step} has members that are not recorded: {names}; {FETCH}"
            )
        members = [fitness_of(self.records[id_]) for id_ in state.members]
        self.steps.append(summarize(state.step, commit, [*map(fitness_of, born)], members))
