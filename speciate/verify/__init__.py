"""Whether an archive's individuals still are what was recorded: rebuilt, digested, compared."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from pathlib import Path

from speciate.archive.archive import Archive
from speciate.archive.index.rows import Row
from speciate.configs import schema
from speciate.errors import DamageError
from speciate.nursery import settings_of
from speciate.records import FOUNDER, Recipe
from speciate.scratch import scratch_folder
from speciate.verify.hands import Crew, crew
from speciate.verify.order import Order
from speciate.verify.rebuild import Found, Work
from speciate.whereabouts import founder_problems, founders_of
from speciate.words import SHORT

Tell = Callable[[str], None]
Progress = Callable[[int, int], None]
_NAMED = 5
_AT_ONCE = 128


def verify(
    archive: Archive,
    ids: Sequence[str],
    tell: Tell,
    jobs: int | None = None,
    progress: Progress = lambda _, __: None,
    scratch: Path | None = None,
) -> list[str]:
    """Rebuilds individuals from the founders, and compares founders and stored weights too.

    Each ancestor is rebuilt once, and its weights go as soon as nobody needs them any more.

    Args:
        archive: Open; nothing in it is changed.
        ids: Individuals to rebuild; nothing is taken from the weight store for it.
        tell: Is told of each of them that was found right, in their order.
        jobs: Cores to use; all if not given. What is told and returned does not depend on it.
        progress: Told how many are done, ancestors too, and of how many.
        scratch: Folder to write weights below; the archive's own if not given.

    Returns:
        What is wrong, a line each; empty if all is right.

    Raises:
        BreedError: A process was killed.
        DiskError: There is no room.
    """
    try:
        family = family_of(archive, ids)
        found = list(founder_problems(archive))
    except DamageError as damage:
        return [str(damage)]
    if found:
        return found
    for one in (family[name] for name in ids):
        if one.operator == FOUNDER:
            tell(f"{one.id[:SHORT]} founder {one.name}: {str(one.digest)[:12]}")
    order = Order(ids, family)
    failed = [family[name] for name in ids if family[name].digest is None]
    found = [f"{one.id[:SHORT]} failed and has no weights: {one.error}" for one in failed]
    with scratch_folder(scratch or archive.folder, "verify") as folder:
        return found + list(_Rebuilding(archive, order, folder).run(ids, tell, jobs, progress))


def family_of(archive: Archive, ids: Sequence[str]) -> dict[str, Row]:
    """Individuals and all their ancestors, by id.

    Raises:
        DamageError: Something recorded is not what it was.
    """
    family: dict[str, Row] = {}
    if len(ids) == archive.index.count():
        return {row.id: row for row in archive.index.rows()}
    for name in ids:
        if name not in family:
            family |= {row.id: row for row in archive.index.ancestors(name)}
    return family


class _Rebuilding:
    """One verification under way."""

    def __init__(self, archive: Archive, order: Order, folder: Path) -> None:
        self._archive, self._order, self._folder = archive, order, folder
        self._settings: schema.Store = settings_of(archive)
        self._founders = _founder_folders(archive)
        self._found: dict[str, Found] = {}
        self._running: dict[Future[Found], Row] = {}
        self._recipes: dict[str, Recipe] = {}

    def run(
        self, wanted: Sequence[str], tell: Tell, jobs: int | None, progress: Progress
    ) -> Iterator[str]:
        """Rebuilds all, and tells of them in order, however they come in."""
        rows = self._order.rows
        told, asked = 0, set(wanted)
        with crew(jobs, len(rows)) as hands:
            progress(0, len(rows))
            while self._begin(hands):
                done, _ = wait(self._running, return_when=FIRST_COMPLETED)
                for one in done:
                    self._take(self._running.pop(one), one.result())
                progress(len(self._found) + len(self._order.blocked), len(rows))
                while told < len(rows) and self._is_settled(rows[told]):
                    yield from self._told(rows[told], asked, tell)
                    told += 1
        yield from self._blocked(asked)

    def _begin(self, hands: Crew) -> bool:
        """Begins as many as there are hands; whether any is under way."""
        while len(self._running) < hands.size and (row := self._order.take()):
            self._running[hands.submit(self._work(row, hands.threads))] = row
        return bool(self._running)

    def _work(self, row: Row, threads: int | None) -> Work:
        return Work(
            recipe=self._recipe(row),
            digest=str(row.digest),
            parents={p.id: self._founders.get(p.id, self._folder / p.id) for p in row.parents},
            out=self._folder / row.id,
            stored=self._archive.weights.path(str(row.digest)),
            settings=self._settings,
            threads=threads,
        )

    def _recipe(self, row: Row) -> Recipe:
        """Read with those of the next in order, since starting git takes as long as many reads."""
        if row.id not in self._recipes:
            rows = self._order.rows
            place = rows.index(row)
            few = [one.id for one in rows[place : place + _AT_ONCE]]
            self._recipes |= {one.id: one.recipe for one in self._archive.individuals.several(few)}
        return self._recipes.pop(row.id)

    def _take(self, row: Row, found: Found) -> None:
        self._found[row.id] = found
        note = self._order.rebuilt if found.rebuilt else self._order.failed
        for spent in note(row.id):
            with suppress(FileNotFoundError):
                shutil.rmtree(self._folder / spent)

    def _is_settled(self, row: Row) -> bool:
        return row.id in self._found or row.id in self._order.blocked

    def _told(self, row: Row, asked: set[str], tell: Tell) -> Iterator[str]:
        found = self._found.get(row.id, Found(False))
        yield from found.problems
        if row.id in asked and found.rebuilt and not found.problems:
            tell(f"{row.id[:SHORT]} rebuilt: {str(row.digest)[:12]}")

    def _blocked(self, asked: set[str]) -> Iterator[str]:
        """Who was not looked at, since an ancestor is not what it was."""
        order = self._order
        names = [r.id[:SHORT] for r in order.rows if r.id in order.blocked and r.id in asked]
        if names:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            verb = "descends" if len(names) == 1 else "descend"
            yield f"{', '.join(names[:_NAMED])}{more}: {verb} from what cannot be rebuilt"


def _founder_folders(archive: Archive) -> Mapping[str, Path]:
    paths = archive.founder_paths
    return {row.id: paths[str(row.name)] for row in founders_of(archive)}
