"""The folder that is looked at."""

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from speciate.archive.archive import Archive
from speciate.archive.repository import Repository
from speciate.errors import SpeciateError
from speciate.files import is_locked

SIDE = "damaged"
"""Folder of a campaign to which repairs move what is spoilt, instead of deleting it."""


@dataclass
class Site:
    """A campaign's folder.

    Attributes:
        folder: Of the campaign.
        archive: In it; None if it cannot be opened.
        mine: Whether this process holds the campaign's lock.
        sound: Whether the whole history was seen to be what was recorded.
    """

    folder: Path
    archive: Archive | None
    mine: bool
    sound: bool = False

    @property
    def repository(self) -> Repository:
        """The archive's."""
        return Repository(self.folder / ".git")

    @property
    def idle(self) -> bool:
        """Whether no other process runs the campaign."""
        return self.mine or not is_locked(self.folder / "lock")

    def look_again(self) -> None:
        """Opens the archive, as it is by now."""
        self.archive = None
        with suppress(SpeciateError):
            self.archive = Archive.open(self.folder)

    def put_aside(self, path: Path) -> str:
        """Moves a file or folder to where spoilt things lie; says where."""
        place = _free(self.folder / SIDE / path.relative_to(self.folder))
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, place)
        return str(place.relative_to(self.folder))


def _free(place: Path) -> Path:
    """A path like this one that names nothing yet."""
    others = (place.with_name(f"{place.name}.{number}") for number in range(2, 1000))
    return next(one for one in (place, *others) if not one.exists())
