"""What agents answered: needed to go on with a campaign, and to replay it."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from speciate.counsel.journal import FOLDER, Journal
from speciate.errors import DamageError
from speciate.health.damage import Damage
from speciate.health.site import Site

_COPY = "restore it from a copy"


def check(site: Site) -> Iterator[Damage]:
    """Whether each entry can be read, and each conversation is the one of its digest."""
    if not (site.folder / FOLDER).is_dir():
        return
    journal = Journal.of(site.folder)
    for step in journal.steps():
        try:
            journal.get(step)
        except DamageError as exc:
            yield Damage.told(str(exc))
    for file in journal.talks():
        if hashlib.sha256(file.read_bytes()).hexdigest() != file.stem:
            where: Path = file.relative_to(site.folder)
            yield Damage(f"{where} is not the conversation of its name", _COPY)
