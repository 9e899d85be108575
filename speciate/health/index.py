"""The index: derived from the history, and believed as long as it is there."""

from collections.abc import Iterator

from speciate.archive.archive import Archive
from speciate.archive.index import compare
from speciate.health.damage import Damage
from speciate.health.site import Site


def check(site: Site) -> Iterator[Damage]:
    """Whether it says what the history says, as far as that can be told."""
    if site.archive is None or not site.sound:
        return
    problem = compare.problem(site.folder, site.repository, site.archive.head)
    if problem is not None:

        def repair() -> str:
            compare.remove(site.folder)
            site.look_again()
            count = Archive.open(site.folder).index.count()
            return f"the index was made anew, with {count} individuals"

        yield Damage(f"the index {problem}", "--repair makes it anew", repair)
