"""A report of an archive: read once, chosen, laid out, drawn and written."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speciate.archive.archive import Archive
from speciate.errors import UsageError
from speciate.files import write_whole
from speciate.kinship_cache import read_kinship
from speciate.progress import Progress
from speciate.report import labels, summary
from speciate.report.choice import choose, fronts
from speciate.report.data import Fronts, page_data
from speciate.report.figure import Figure
from speciate.report.figures.ancestry import ancestry
from speciate.report.figures.fitness import fitness
from speciate.report.figures.kinship import kinship
from speciate.report.figures.pareto import pareto
from speciate.report.figures.phylogeny import phylogeny
from speciate.report.figures.success import success
from speciate.report.figures.tasks import tasks
from speciate.report.page import MARK, render
from speciate.report.people import People, people
from speciate.report.recipes import told
from speciate.report.success import Success, successes
from speciate.report.tree import Tree, tree

BUDGET = 10_000
"""Individuals and groups that stay smooth to look at."""
Watch = Callable[[str], AbstractContextManager[Progress]]
"""Tells how far something is that may take long, given what it is."""


@dataclass(frozen=True)
class Written:
    """What was made.

    Attributes:
        path: Of the page.
        size: In bytes.
        individuals: Of the archive.
        shown: Of these, those drawn one by one.
        groups: That count the others.
        figures: Files with figures.
    """

    path: Path
    size: int
    individuals: int
    shown: int
    groups: int
    figures: tuple[Path, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "path": str(self.path),
            "bytes": self.size,
            "individuals": self.individuals,
            "shown": self.shown,
            "groups": self.groups,
            "figures": [str(path) for path in self.figures],
        }


@dataclass(frozen=True)
class _Findings:
    """What page and files show."""

    people: People
    tree: Tree
    fronts: Fronts
    operators: list[Success]
    agents: list[Success]
    figures: list[Figure] = field(default_factory=list)


def report(
    archive: Archive, out: Path, watch: Watch, budget: int = BUDGET, pictures: Path | None = None
) -> Written:
    """Writes a report of an archive as one HTML file, which replaces an older one.

    The same archive gives the same bytes.

    Args:
        archive: Of a campaign, finished or not.
        out: Of the page; see `check_out`.
        watch: Told of what may take long.
        budget: How many nodes the family tree has at most.
        pictures: A folder to write the figures to, as SVG and PNG.

    Raises:
        ArchiveError: Nobody has been scored yet.
    """
    with watch("reading individuals") as tell:
        everyone = people(archive, tell)
    found = _find(archive, everyone, budget)
    with watch("reading recipes") as tell:
        recipes = told(archive, everyone, found.tree.shown, tell)
    html = _page(archive, found, recipes).encode()
    write_whole(out, html)
    files: list[Path] = []
    if pictures:
        # Here, since it takes a while to import, and pages do without.
        from speciate.report.static import write_figures

        files = write_figures([phylogeny(everyone, found.tree), *found.figures], pictures)
    counts = len(everyone.ids), len(found.tree.shown), len(found.tree.groups)
    return Written(out, len(html), *counts, tuple(files))


def check_out(out: Path, force: bool) -> None:
    """Whether a report may be written there.

    Raises:
        UsageError: Its folder is missing, or something else stands there already.
    """
    if not out.parent.is_dir():
        raise UsageError(f"{out.parent} is not a folder; make it first, or choose another OUT")
    if out.is_dir():
        raise UsageError(f"{out} is a folder; give a file, such as {out / 'report.html'}")
    if out.exists() and not force and not _ours(out):
        raise UsageError(f"{out} is there already and no report of ours; use --force to replace it")


def _ours(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MARK)) == MARK.encode()


def _find(archive: Archive, everyone: People, budget: int) -> _Findings:
    chosen = choose(everyone, budget)
    found = _Findings(
        everyone,
        tree(everyone, chosen),
        fronts(everyone),
        successes(everyone, everyone.operators),
        successes(everyone, everyone.proposers),
    )
    found.figures.extend(_figures(archive, found, chosen.shown))
    return found


def _figures(archive: Archive, found: _Findings, shown: Sequence[int]) -> Iterator[Figure]:
    everyone = found.people
    yield fitness(everyone, archive.index.steps(archive.head), shown)
    if everyone.tasks:
        yield tasks(everyone)
    for pair, front in list(found.fronts.items())[:1]:  # The page shows the others if asked to.
        yield pareto(everyone, pair, front, shown)
    remembered = read_kinship(archive.folder)
    if akin := remembered and kinship(everyone, remembered):
        yield akin
    if found.operators:
        title = "Operators, compared with the best parent"
        yield success("operators", title, "operator", found.operators)
    if len(found.agents) > 1:
        title = "Agents and strategies, compared with the best parent"
        yield success("agents", title, "who proposed them", found.agents)
    yield ancestry(everyone)


def _page(archive: Archive, found: _Findings, recipes: list[str]) -> str:
    everyone = found.people
    final = summary.finished(archive)
    where = found.tree.shown.index(everyone.champion)
    return render(
        page_data(everyone, found.tree, found.figures, found.fronts, recipes),
        campaign=labels.name(str(archive.config.get("name", ""))) or "a campaign",
        facts=summary.facts(archive, everyone),
        lead=summary.lead(archive, everyone, final),
        shown=summary.shown(everyone, found.tree),
        recipe=recipes[where],
        champion=everyone.ids[everyone.champion],
        tests=summary.tests(final) if final else None,
        operators=summary.rows(found.operators),
        agents=summary.rows(found.agents),
        figures={figure.key: figure for figure in found.figures},
        about=summary.about(archive),
    )
