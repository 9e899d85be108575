"""Names of commits beside main: proposals, what people decided of them, and others."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from speciate.archive.drafts import PROPOSALS, REVIEWS
from speciate.archive.message import one_line
from speciate.archive.repository import MAIN
from speciate.health.damage import Damage
from speciate.health.site import Site

OURS = (MAIN, PROPOSALS, REVIEWS)
PEOPLES = ("refs/heads/", "refs/tags/", "refs/remotes/", "refs/notes/", "refs/stash")
_NAMES_SOMETHING = re.compile(rb"([0-9a-f]{40}|ref: refs/[^\s]+)\n?")


def spoilt(site: Site) -> Iterator[Damage]:
    """Files of refs that name nothing, as a power cut can leave them."""
    for ref, file in spoilt_refs(site.folder).items():
        again = "propose" if ref.startswith(PROPOSALS) else "decide"
        what = f"{one_line(ref)} names nothing"
        remedy = f"--repair puts it aside; then {again} again" if ref.startswith(OURS) else ""
        yield Damage(what, remedy or "--repair puts it aside", partial(_put_aside, site, file))


def drafts(site: Site) -> Iterator[Damage]:
    """Proposals and decisions that are not what was recorded."""
    if site.archive is not None and not spoilt_refs(site.folder):
        yield from map(Damage.told, site.archive.drafts.problems())


def strange(site: Site) -> Iterator[Damage]:
    """Refs that neither speciate nor people's git makes: they keep objects of somebody else."""
    readable = site.archive is not None and not spoilt_refs(site.folder)
    for ref in site.repository.refs("refs/") if readable else ():
        if not ref.startswith(OURS + PEOPLES):
            name = one_line(ref)
            remedy = f"`git -C {site.folder} update-ref -d {name}` removes it"
            yield Damage(f"{name} is no ref of speciate", remedy)


def spoilt_refs(folder: Path) -> dict[str, Path]:
    """Refs but main whose files name nothing: git reads no others either until they are gone."""
    git = folder / ".git"
    return {
        str(file.relative_to(git)): file
        for file in sorted((git / "refs").rglob("*"))
        if file.is_file()
        and file.suffix != ".lock"
        and file != git / MAIN
        and not _NAMES_SOMETHING.fullmatch(file.read_bytes()[:1024])
    }


def _put_aside(site: Site, file: Path) -> str:
    return f"{one_line(file.name)} lies in {site.put_aside(file)}"
