"""What the terminal UI is told whenever the archive has grown, and the thread that looks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event, Thread

from textual.message import Message

from speciate.archive.archive import Archive
from speciate.archive.index.rows import Row
from speciate.archive.steps import Step
from speciate.browse.forest import Link
from speciate.browse.source import Source, one_line
from speciate.configs.directions import higher_is_better

EVERY_S = 1.0
_PATIENCE = 5  # times as long, where there was trouble: a look may read the whole history


@dataclass(frozen=True)
class News:
    """An archive at one moment.

    Attributes:
        name: The campaign's.
        finished: Whether it has a report.
        count: How many individuals there are; their numbers are 1 to `count`.
        failed: How many of them have no fitness.
        champion: The fittest; None when nobody was scored.
        living: Numbers of the living, in their order.
        tasks: Whether more is better, by task.
        founders: Names by id.
        steps: Oldest first.
        links: Parents of all born since the last news.
        anew: Whether numbers have a new meaning, since the archive was rewritten.
    """

    name: str
    finished: bool
    count: int
    failed: int
    champion: Row | None
    living: Sequence[int]
    tasks: Mapping[str, bool]
    founders: Mapping[str, str]
    steps: Sequence[Step]
    links: Sequence[Link]
    anew: bool

    @property
    def step(self) -> int:
        """Steps done."""
        return self.steps[-1].step if self.steps else 0


class Grown(Message):
    """The archive has."""

    def __init__(self, news: News) -> None:
        super().__init__()
        self.news = news


class Trouble(Message):
    """The archive cannot be read, for a reason, or can again, and there is none."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class Follower(Thread):
    """Looks whether main has moved, brings the index up to date, and tells."""

    def __init__(
        self, source: Source, tell: Callable[[News], object], trouble: Callable[[str], object]
    ) -> None:
        """Takes whom to tell, in this thread: `trouble` gets one line, or "" when it is over."""
        super().__init__(name="follower", daemon=True)
        self._source, self._tell, self._trouble = source, tell, trouble
        self._stopped = Event()
        self._last: Row | None = None

    def stop(self) -> None:
        """Look no more; the thread may need a moment to end."""
        self._stopped.set()

    def run(self) -> None:
        """See `Follower`."""
        seen, troubled = None, False
        while not self._stopped.is_set():
            try:
                mark = self._source.mark()
                if mark != seen:
                    news = self._look()
                    seen = mark
                    self._tell(news)
                if troubled:
                    troubled = False
                    self._trouble("")
            except Exception as error:  # Whatever it is, it is told, and looked at again.
                seen, troubled = None, True
                self._trouble(one_line(error))
            self._stopped.wait(EVERY_S * (_PATIENCE if troubled else 1))

    def _look(self) -> News:
        self._source.refresh()
        with self._source.reading() as archive:
            known, index = self._last, archive.index
            anew = known is not None and not index.count(
                "number = ? AND id = ?", [known.number, known.id]
            )
            news = _news(archive, 0 if known is None or anew else known.number, anew)
            self._last = next(iter(index.at([news.count])), None) if news.count else None
        return news


def _news(archive: Archive, known: int, anew: bool) -> News:
    index = archive.index
    best = index.rows("fitness IS NOT NULL", order="fitness DESC, id", limit=1)
    named = index.rows("name IS NOT NULL")
    return News(
        name=str(archive.config.get("name", archive.folder.name)),
        finished=archive.report is not None,
        count=index.count(),
        failed=index.count("fitness IS NULL"),
        champion=best[0] if best else None,
        living=[row.number for row in index.living()],
        tasks=_directions(archive, list(index.tasks())),
        founders={row.id: row.name for row in named if row.name},
        steps=index.steps(),
        links=index.links(known),
        anew=anew,
    )


def _directions(archive: Archive, scored: Sequence[str]) -> dict[str, bool]:
    """Of the tasks that anybody has a score on, in the campaign's order."""
    named = {task["name"]: higher_is_better(task) for task in archive.config.get("tasks", ())}
    return {task: up for task, up in named.items() if task in scored} | {
        task: True for task in scored if task not in named
    }
