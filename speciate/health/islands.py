"""Who came from other islands: needed to go on with a campaign, and to replay it."""

from collections.abc import Iterator

from speciate.errors import DamageError
from speciate.health.damage import Damage
from speciate.health.site import Site
from speciate.islands.journal import FOLDER, Journal


def check(site: Site) -> Iterator[Damage]:
    """Whether each migration can be read."""
    journal = Journal(site.folder)
    for file in sorted((site.folder / FOLDER).glob("[0-9]*.json")):
        try:
            journal.get(int(file.stem), 1)
        except DamageError as exc:
            yield Damage.told(str(exc))
