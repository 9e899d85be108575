"""The git repository, its objects, and the individuals and steps in them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from speciate.archive.archive import Archive
from speciate.archive.check import problems
from speciate.archive.index.index import FILE as INDEX
from speciate.archive.manifest import FETCH
from speciate.archive.repository import MAIN
from speciate.errors import DamageError, SpeciateError
from speciate.files import write_whole
from speciate.health.damage import Damage
from speciate.health.refs import spoilt_refs
from speciate.health.site import Site

_HEAD = f"ref: {MAIN}\n".encode()


def head(site: Site) -> Iterator[Damage]:
    """What tells git that the folder is a repository, and which branch people see."""
    file = site.folder / ".git" / "HEAD"
    if not _is_head(file):

        def repair() -> str:
            write_whole(file, _HEAD)
            site.look_again()
            return f".git/HEAD names {MAIN} again"

        yield Damage(".git/HEAD does not name the campaign", "--repair writes it", repair)


def main(site: Site) -> Iterator[Damage]:
    """The branch, and the last step."""
    if not _is_head(site.folder / ".git" / "HEAD"):
        return  # git sees no branch without.
    there = False
    try:
        there = site.repository.head() is not None
        Archive.open(site.folder)
    except DamageError as exc:
        told = Damage.told(str(exc))
        yield told if there else Damage(told.what, _found_again(site))
    except SpeciateError:
        lost = Damage(f"{MAIN} is lost", _found_again(site))
        yield Damage("the last step lacks campaign.json", FETCH) if there else lost


def history(site: Site) -> Iterator[Damage]:
    """Objects of git, and every individual and step."""
    if site.archive is None:
        return
    known = spoilt_refs(site.folder)
    lines = problems(site.repository, site.archive.head)
    found = [line for line in lines if not any(ref in line for ref in known)]
    site.sound = not found
    yield from map(Damage.told, found)


def _is_head(file: Path) -> bool:
    return file.is_file() and file.read_bytes() == _HEAD


def _found_again(site: Site) -> str:
    """The index remembers which commit was the last."""
    last = _last_indexed(site.folder / INDEX)
    if last is None or site.repository.read_one(last) is None:
        return FETCH
    return f"`git -C {site.folder} update-ref {MAIN} {last}` puts the last known step back"


def _last_indexed(file: Path) -> str | None:
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as index:
            [(last,)] = index.execute("SELECT value FROM facts WHERE name = 'head'")
    except (sqlite3.Error, ValueError):
        return None
    return str(last)
