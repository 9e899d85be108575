"""The file by which a process holds a campaign."""

from collections.abc import Iterator

from speciate.health.damage import Damage
from speciate.health.site import Site


def check(site: Site) -> Iterator[Damage]:
    """Whether a campaign could take it; by whom it is held does not matter."""
    lock = site.folder / "lock"
    if lock.is_symlink() or (lock.exists() and not lock.is_file()):
        yield Damage(f"{lock} is no plain file, so no campaign can hold it", "remove it")
