"""The first moment of an archive: a folder is claimed, and a whole repository appears in it."""

import shutil
from collections.abc import Callable
from pathlib import Path

from speciate.archive.repository import Repository
from speciate.errors import ArchiveError

_NEW = ".git.new"


def campaign_in(folder: Path) -> Repository | None:
    """The repository of a folder that holds a campaign.

    Raises:
        DamageError: It did, but its main names no commit.
    """
    if not (folder / ".git").is_dir():
        return None
    repository = Repository(folder / ".git")
    head = repository.head()
    is_there = head is not None and repository.read_one(f"{head}:campaign.json") is not None
    return repository if is_there else None


def claim(folder: Path) -> None:
    """Make sure of a folder that holds nothing but what a killed beginning left.

    Raises:
        ArchiveError: It holds something else, or cannot be written.
    """
    if campaign_in(folder) is not None:
        raise ArchiveError(f"{folder} holds a campaign already; resume it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = {path.name for path in folder.iterdir()} - {"lock", _NEW}
    except OSError as error:
        raise ArchiveError(f"cannot use {folder}: {error.strerror}; choose another") from error
    if found:
        raise ArchiveError(f"{folder} is not empty and not an archive; choose an empty folder")


def put_repository(folder: Path, fill: Callable[[Path], object]) -> None:
    """Put a repository in place, at once; `fill` makes it whole.

    Raises:
        ArchiveError: Another process was faster to the lock.
    """
    if (folder / ".git").exists():
        raise ArchiveError(f"{folder} holds a campaign already; resume it")
    new = folder / _NEW
    shutil.rmtree(new, ignore_errors=True)
    fill(new)
    new.rename(folder / ".git")


def first_commit(new: Path, config: bytes) -> None:
    """A repository with the first commit of main."""
    repository = Repository.create(new)
    tree = repository.write({"campaign.json": config})
    repository.advance(repository.commit(tree, (), "campaign\n", 0), None)
