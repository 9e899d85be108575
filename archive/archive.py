"""A campaign's folder: the git repository in it, the lock on it, and what lies beside it."""

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from speciate.archive import manifest
from speciate.archive.beginning import campaign_in, claim, first_commit, put_repository
from speciate.archive.check import problems
from speciate.archive.drafts import Drafts
from speciate.archive.index.index import Index, batched
from speciate.archive.individuals import Kept, read_births, write_individual
from speciate.archive.known import Individuals
from speciate.archive.local import Local, read_local, write_local
from speciate.archive.lock import CampaignLock
from speciate.archive.message import ABBREVIATION
from speciate.archive.names import resolve
from speciate.archive.repository import MAIN, Object, Repository
from speciate.archive.steps import Step, step_tree, summarize
from speciate.archive.store import WeightStore
from speciate.archive.telemetry import Telemetry
from speciate.errors import ArchiveError, DamageError
from speciate.records import Individual, Past, Recipe, State

_TIDY_EVERY = 64  # steps
_AT_ONCE = 500  # individuals that one question may name


class Archive:
    """The archive of one campaign, to be read by anyone and written by one process at a time.

    Made by `create` or `open`. A reader sees the archive as it was when opened, until `refresh`.

    Attributes:
        folder: The campaign's folder.
        head: Hash of main.
        config: The campaign's resolved config.
        state: After the last step; None before the first.
        report: Of the last step, if it has one.
        weights: The weight store.
        telemetry: Wall times and hosts.
        drafts: Proposals that wait for people, and decisions; needs no lock, and no `refresh`.
    """

    def __init__(
        self, folder: Path, repository: Repository, lock: CampaignLock | None = None
    ) -> None:
        self.folder = folder
        self.weights = WeightStore(folder / "weights")
        self.telemetry = Telemetry(folder / "telemetry.jsonl")
        self._repository = repository
        self.drafts = Drafts(self._repository)
        self._lock = lock
        self._trees: dict[str, Object] = {}
        self.refresh()

    @classmethod
    def create(cls, folder: Path, config: Mapping[str, Any]) -> Self:
        """Start an archive and hold its lock.

        Args:
            folder: Empty, or not there yet.
            config: The resolved config, JSON values.

        Raises:
            ArchiveError: The folder holds something, cannot be written, or is in use.
        """
        data = manifest.pretty(dict(config), "the config")
        return cls.begin(folder, lambda new: first_commit(new, data))

    @classmethod
    def begin(cls, folder: Path, fill: Callable[[Path], object]) -> Self:
        """Start an archive with a repository that is made elsewhere, and hold its lock.

        Args:
            folder: Empty, or not there yet.
            fill: Makes the repository in the folder that it is given, which is not there yet.

        Raises:
            ArchiveError: The folder holds something, cannot be written, or is in use.
        """
        claim(folder)
        lock = CampaignLock.take(folder)
        try:
            put_repository(folder, fill)
            return cls(folder, Repository(folder / ".git"), lock)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def open(cls, folder: str | Path, *, writable: bool = False) -> Self:
        """Open an archive.

        Args:
            folder: The campaign's folder.
            writable: Take its lock, and clear what a killed process left.

        Raises:
            ArchiveError: The folder is not an archive; or another process runs a campaign in it.
            DamageError: Its last step cannot be read.
        """
        folder = Path(folder)
        repository = campaign_in(folder)
        if repository is None:
            start = f"`speciate run CONFIG --out {folder}`"
            raise ArchiveError(f"{folder} is not an archive; start a campaign with {start}")
        if not writable:
            return cls(folder, repository)
        lock = CampaignLock.take(folder)
        try:
            repository.clear_leftovers()
            WeightStore(folder / "weights").sweep()
            return cls(folder, repository, lock)
        except BaseException:
            lock.release()
            raise

    @staticmethod
    def is_archive(folder: Path) -> bool:
        """Whether the folder holds a campaign.

        Raises:
            DamageError: It did, but its main names no commit.
        """
        return campaign_in(folder) is not None

    def close(self) -> None:
        """Give the lock back; reading goes on."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def refresh(self) -> None:
        """Look again at what is recorded by now.

        Raises:
            DamageError: The last step cannot be read.
        """
        head = self._repository.head()
        if head is None:
            raise DamageError(f"{self.folder} has lost its {MAIN}; {manifest.FETCH}")
        self._see(head)

    def _see(self, head: str) -> None:
        """Look at what is recorded up to `head`."""
        where = f"commit {head[:ABBREVIATION]}"
        names = ("campaign.json", "state.json", "report.json")
        config, state, report = self._repository.read(f"{head}:{name}" for name in names)
        if config is None:
            raise DamageError(f"{where} lacks campaign.json; {manifest.FETCH}")
        self._config_file: Object = config[0]
        self.config = manifest.read_mapping(config[1], f"campaign.json of {where}")
        self.state = manifest.read_state(state[1], where) if state else None
        self.report = manifest.read_mapping(report[1], "report.json") if report else None
        self.head = head
        if "index" in self.__dict__:
            self.index.update(head)
        if "individuals" in self.__dict__:
            self.individuals.count = self.index.born(head)

    @cached_property
    def individuals(self) -> Individuals:
        """All ever born by id, in order of birth.

        Raises:
            DamageError: One is not what was recorded; also when it is asked for.
        """
        return Individuals(self._repository, self.index, self.index.born(self.head))

    def steps(self) -> list[Step]:
        """What each step amounts to, oldest first.

        Raises:
            DamageError: An individual or a step is not what was recorded.
        """
        return self.index.steps(self.head)

    @cached_property
    def index(self) -> Index:
        """What can be asked without reading the history; up to date when first asked for.

        Raises:
            DamageError: An individual or a step is not what was recorded.
        """
        return Index.open(self.folder, self._repository, self.head)

    def individual(self, id_: str) -> Individual:
        """One individual with its recipe and per-item scores.

        Raises:
            ArchiveError: No individual has this id.
            DamageError: It is not what was recorded.
        """
        try:
            return self.individuals[id_]
        except KeyError as error:
            raise self._unknown(id_) from error

    def recipes(self, ids: Sequence[str]) -> Iterator[Recipe]:
        """Recipes of individuals by full id, in this order; their scores are not read.

        Raises:
            DamageError: One is not what was recorded.
        """
        for few in batched(ids, _AT_ONCE):
            kept = self.index.kept(few)
            for birth in read_births(self._repository, [kept[id_].commit for id_ in few]):
                if isinstance(birth, DamageError):
                    raise birth
                yield birth.recipe

    def commit_of(self, id_: str) -> str:
        """Hash of an individual's commit.

        Raises:
            ArchiveError: No individual has this id.
        """
        commit = self.index.commit_of(id_, self.individuals.count)
        if commit is None:
            raise self._unknown(id_)
        return commit

    def resolve(self, text: str) -> str:
        """The id of the founder of this name, or of whose id or commit begins with `text`.

        Raises:
            ArchiveError: No individual is meant, or several.
        """
        if named := self.index.rows("name = ?", [text.strip()]):
            return named[0].id
        return resolve(text, self.index.begun_by)

    def commit_step(
        self, state: State, born: Sequence[Individual], report: Mapping[str, Any] | None = None
    ) -> str:
        """Record a step: all of it, or after a crash nothing.

        Args:
            state: After the step.
            born: New individuals, parents before their offspring, failed ones too.
            report: The campaign's last word, when this is its last step.

        Returns:
            Hash of the step's commit.

        Raises:
            ArchiveError: The archive is not open for writing, the step does not follow on the
                last, a parent or member is not recorded, or the disk refuses.
        """
        self._check_step(state)
        self.index.update(self.head)
        parents = {parent.id for one in born for parent in one.recipe.parents}
        before = self.index.kept({*parents, *state.members, *(one.id for one in born)})
        fresh: dict[str, Kept] = {}
        known = ChainMap(fresh, before)
        trees = self._trees_of({id_: before[id_] for id_ in state.members if id_ in before})
        for individual in born:
            fresh[individual.id] = write_individual(self._repository, individual, known)
        trees |= {id_: Object(one.tree, "tree") for id_, one in fresh.items() if one.tree}
        members = _members(state, trees)
        tree = self._repository.write(step_tree(self._config_file, state, members, report))
        figures = [[(id_, known[id_].fitness) for id_ in ids] for ids in (fresh, state.members)]
        message = summarize(state.step, "", *figures).message
        commits = [self.head, *(one.commit for one in fresh.values())]
        commit = self._repository.commit(tree, commits, message, state.step)
        self._repository.advance(commit, self.head)
        self._trees = members
        self._see(commit)
        if state.step % _TIDY_EVERY == 0:
            self._repository.tidy()
        return commit

    def fsck(self) -> list[str]:
        """What is wrong with the archive, one line each with a remedy; empty when it is whole."""
        return [*problems(self._repository, self.head), *self.drafts.problems()]

    @property
    def founder_paths(self) -> Mapping[str, Path]:
        """Where this machine has the founders' checkpoints, by founder's name.

        Raises:
            DamageError: `local.json` is not what speciate writes.
        """
        return read_local(self.folder / "local.json").founders

    def set_founder_paths(self, paths: Mapping[str, Path]) -> None:
        """Record where this machine has the founders' checkpoints; paths become absolute."""
        founders = {name: path.absolute() for name, path in paths.items()}
        cards: Mapping[str, Past] = {}
        with suppress(DamageError):
            cards = self.cards
        write_local(self.folder / "local.json", Local(founders=founders, cards=cards))

    @property
    def cards(self) -> Mapping[str, Past]:
        """What this machine knows of founders and of their forebears besides what is recorded.

        Raises:
            DamageError: `local.json` is not what speciate writes.
        """
        return read_local(self.folder / "local.json").cards

    def set_cards(self, cards: Mapping[str, Past]) -> None:
        """Record what this machine knows of founders and of their forebears, by name."""
        local = Local(founders=self.founder_paths, cards=cards)
        write_local(self.folder / "local.json", local)

    def _unknown(self, id_: str) -> ArchiveError:
        return ArchiveError(f"{self.folder} has no individual {id_}; give a full id")

    def _trees_of(self, kept: Mapping[str, Kept]) -> dict[str, Object]:
        """The trees of individuals' commits; those of the last step's members are at hand."""
        others = [id_ for id_ in kept if id_ not in self._trees]
        found = self._repository.read(f"{kept[id_].commit}^{{tree}}" for id_ in others)
        read = {id_: one[0] for id_, one in zip(others, found, strict=True) if one}
        return {id_: self._trees[id_] for id_ in kept if id_ in self._trees} | read

    def _check_step(self, state: State) -> None:
        if self._lock is None:
            raise ArchiveError(f"{self.folder} is open for reading; open it with writable=True")
        if self.state is not None and state.step < self.state.step:
            last = self.state.step
            raise ArchiveError(f"step {state.step} comes after step {last}; record them in order")


def _members(state: State, trees: Mapping[str, Object]) -> dict[str, Object]:
    """The members of a step with the trees of their commits."""
    for id_ in state.members:
        if id_ not in trees:
            what = f"member '{id_}' of step {state.step} was not born"
            raise ArchiveError(f"{what}; record it")
    return {id_: trees[id_] for id_ in state.members}
