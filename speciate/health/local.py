"""What is known of this machine: where the founders lie, and whether they are what they were."""

from collections.abc import Iterator

from speciate.archive.local import read_local
from speciate.errors import DamageError
from speciate.health.damage import Damage
from speciate.health.site import Site
from speciate.whereabouts import founder_problems

FILE = "local.json"


def check(site: Site) -> Iterator[Damage]:
    """Whether the file can be read."""
    try:
        read_local(site.folder / FILE)
    except DamageError as exc:
        again = f"`speciate import {site.folder} FOLDER` finds the founders again"

        def repair() -> str:
            return f"{FILE} lies in {site.put_aside(site.folder / FILE)}; {again}"

        what = str(exc).rpartition("; ")[0]
        yield Damage(what, f"--repair puts it aside; then {again}", repair)


def founders(site: Site) -> Iterator[Damage]:
    """Whether the founders are on this machine, and have the recorded weights."""
    if site.archive is not None and not any(check(site)):
        yield from map(Damage.told, founder_problems(site.archive))
