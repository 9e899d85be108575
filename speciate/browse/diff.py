"""What two marked individuals have in common, and what not."""

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text
from textual.worker import get_current_worker

from speciate.browse.apart import apart
from speciate.browse.source import TROUBLE, Source, one_line
from speciate.browse.texts import Scrolled


class Diff(Scrolled):
    """What `speciate diff` tells of the last two that were marked, without their weights."""

    def __init__(self, source: Source) -> None:
        super().__init__("diff", "mark two individuals with m, then press d")
        self._source = source
        self._pair: tuple[int, ...] = ()

    def told(self) -> str:
        """What this is."""
        return "the last two that were marked, on the search splits"

    def show(self, marks: Sequence[int]) -> None:
        """Compare the last two marked."""
        pair = tuple(marks[-2:])
        if len(pair) == 2 and pair != self._pair:
            self._pair = pair
            self.put(Text("comparing ...", style="dim"))
            self._compare(*pair)
        elif len(pair) < 2:
            self._pair = ()
            more = "two individuals" if not pair else "another individual"
            self.put(Text(f"mark {more} with m in the tree or the table", style="dim"))

    @apart
    def _compare(self, first: int, second: int) -> None:
        try:
            drawn = self._drawn(first, second)
        except (*TROUBLE, KeyError) as error:
            drawn = Text(one_line(error), style="red")
        if not get_current_worker().is_cancelled:
            self.app.call_from_thread(self.put, drawn)

    def _drawn(self, first: int, second: int) -> RenderableType:
        from speciate.archive.archive import Archive
        from speciate.diff.difference import difference
        from speciate.display import diff as display

        # One of its own: it takes seconds, in which the rows of the lists are wanted.
        archive = Archive.open(self._source.folder)
        one, other = archive.index.at([first, second])
        found = difference(archive, one.id, other.id, weights=False)
        return display.difference(found, archive.individuals)
