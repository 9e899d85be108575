"""What two marked individuals have in common, and what not."""

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.text import Text
from textual.worker import get_current_worker

from speciate.browse.apart import apart
from speciate.browse.source import TROUBLE, Source, one_line
from speciate.browse.texts import Scrolled


class Diff(Scrolled):
    """Recipes and scores of the last two that were marked."""

    def __init__(self, source: Source) -> None:
        super().__init__("diff", "mark two individuals with m, then press d")
        self._source = source
        self._pair: tuple[int, ...] = ()

    def told(self) -> str:
        """What this is."""
        return "the last two that were marked, on the search splits"

    def show(self, marks: Sequence[int], tasks: Mapping[str, bool]) -> None:
        """Compare the last two marked; `tasks` tells whether more is better."""
        pair = tuple(marks[-2:])
        if len(pair) == 2 and pair != self._pair:
            self._pair = pair
            self.put(Text("comparing ...", style="dim"))
            self._compare(*pair, tasks)
        elif len(pair) < 2:
            self._pair = ()
            more = "two individuals" if not pair else "another individual"
            self.put(Text(f"mark {more} with m in the tree or the table", style="dim"))

    @apart
    def _compare(self, first: int, second: int, tasks: Mapping[str, bool]) -> None:
        try:
            drawn = self._drawn(first, second, tasks)
        except (*TROUBLE, KeyError) as error:
            drawn = Text(one_line(error), style="red")
        if not get_current_worker().is_cancelled:
            self.app.call_from_thread(self.put, drawn)

    def _drawn(self, first: int, second: int, tasks: Mapping[str, bool]) -> RenderableType:
        from speciate.browse.recipes import recipes
        from speciate.browse.telling import read_whole
        from speciate.display_compare import comparison
        from speciate.flips import between

        with self._source.reading() as archive:
            pair = read_whole(archive, first), read_whole(archive, second)
        one, other = (whole.individual for whole in pair)
        known = {**pair[0].parents, **pair[1].parents, one.id: one, other.id: other}
        told = recipes(one, other, known)
        failed = [each for each in (one, other) if each.evaluation is None]
        if failed:
            return Group(told, Text(f"\n{failed[0].id[:10]} failed, so scores are not compared"))
        return Group(told, Text(), comparison(between(one, other, tasks), known))
