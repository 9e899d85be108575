"""An archive from a remote: received apart, checked, and only then taken in."""

import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from speciate.archive.archive import Archive
from speciate.archive.drafts import PROPOSALS, REVIEWS, Drafts
from speciate.archive.individuals import Kept
from speciate.archive.repository import MAIN, Repository
from speciate.archive.sharing import names
from speciate.archive.sharing.limits import Limits
from speciate.archive.sharing.rewriting import WRONG, check_history
from speciate.archive.sharing.wire import WIRE, Wire, wire
from speciate.errors import ArchiveError, DamageError

_SOME = 10


@dataclass(frozen=True)
class Pulled:
    """What became of a pull.

    Attributes:
        name: Of the campaign in the remote.
        head: The archive's last step now.
        steps: How many steps are new here.
        ahead: Whether the archive has steps that the remote has not.
    """

    name: str
    head: str
    steps: int
    ahead: bool = False


def pull(
    folder: Path, remote: str, name: str | None = None, limits: Limits | None = None
) -> Pulled:
    """Makes an archive of a campaign in a remote, or brings one forward.

    Args:
        folder: An archive; or empty, or not there yet.
        remote: See `address`.
        name: Of the campaign in the remote; may be left out if there is one only, or the folder
            holds it already.
        limits: Of what is received.

    Raises:
        ArchiveError: The remote cannot be used, or what it has does not follow on the archive.
        DamageError: What it has is not what speciate writes. Nothing was changed.
    """
    git = folder / ".git"
    if not Archive.is_archive(folder):
        return _anew(folder, remote, name, limits)
    with Archive.open(folder, writable=True) as archive:
        for left in git.glob(f"{WIRE}*"):  # by a pull that was killed
            shutil.rmtree(left)
        with wire(remote, git, git, limits) as receiver:
            return _forward(archive, Repository(git), receiver, name)


def _anew(folder: Path, remote: str, name: str | None, limits: Limits | None) -> Pulled:
    made, chosen = not folder.exists(), []

    def fill(new: Path) -> None:
        own = Repository.create(new)
        with wire(remote, place=new, limits=limits) as receiver:
            chosen.append(_chosen(receiver, name, None))
            head = _received(receiver, chosen[0])
            _check(receiver, head, None, {})
            _take(receiver, own, head, None)

    try:
        with Archive.begin(folder, fill) as archive:
            return Pulled(chosen[0], archive.head, len(archive.index.steps()))
    except BaseException:
        _take_away(folder, made)
        raise


def _forward(archive: Archive, own: Repository, receiver: Wire, name: str | None) -> Pulled:
    root = names.root_of(own, archive.head)
    name = _chosen(receiver, name, names.default_name(archive.config, root))
    receiver.name({"refs/heads/have": archive.head})
    head = _received(receiver, name)
    ahead = receiver.all.descends(archive.head, head)
    if not ahead and not receiver.all.descends(head, archive.head):
        same = root == names.root_of(receiver.all, head)
        what = "went another way than" if same else "is another campaign than that of"
        raise ArchiveError(
            f"{receiver.remote}: {name} {what} {archive.folder}; pull it into another folder"
        )
    last = archive.head if ahead else head
    known = archive.index.kept([id_ for id_, _ in archive.index.places(archive.index.count())])
    steps = _check(receiver, last, archive.head, known)
    _take(receiver, own, last, archive.head)
    return Pulled(name, last, steps, ahead=last != head)


def _chosen(receiver: Wire, name: str | None, own: str | None) -> str:
    """The campaign that is meant: the one asked for, the archive's own, or the only one."""
    listed = receiver.listed(f"{names.CAMPAIGNS}*")
    found = sorted(filter(names.is_name, (ref.removeprefix(names.CAMPAIGNS) for ref in listed)))
    wanted = name or own or (found[0] if len(found) == 1 else None)
    if wanted in found:
        return str(wanted)
    what = f"has no campaign {wanted}" if wanted else "has several campaigns"
    if not found:
        raise ArchiveError(f"{receiver.remote} has no campaigns; `speciate push` puts them there")
    some = ", ".join(found[:_SOME]) + (" and others" if len(found) > _SOME else "")
    raise ArchiveError(f"{receiver.remote} {what}; give --campaign, one of {some}")


def _received(receiver: Wire, name: str) -> str:
    """Fetches a campaign with proposals and reviews; gives its last step."""
    sides = {"proposals": PROPOSALS, "reviews": REVIEWS}
    specs = [f"{names.beside(name, kind)}*:{folder}*" for kind, folder in sides.items()]
    receiver.fetch([f"{names.main_of(name)}:{MAIN}", *specs])
    head = receiver.all.head()
    if head is None:
        raise DamageError(f"{receiver.remote}: {name} names no commit; ask where it comes from")
    return head


def _check(receiver: Wire, head: str, since: str | None, known: Mapping[str, Kept]) -> int:
    """Checks what is new; gives the number of steps."""
    try:
        lines = receiver.all.steps(head, since)
        if since is not None and lines and lines[0][1][0] != since:
            raise DamageError(f"its main does not follow on {since[:10]} step by step")
        check_history(receiver.all, lines, known, since)
        if problems := Drafts(receiver.all).problems():
            raise DamageError(problems[0])
    except WRONG as error:
        raise DamageError(f"{receiver.remote}: holds what cannot be written: {error}") from error
    except DamageError as damage:
        raise DamageError(f"{receiver.remote}: {damage}") from damage
    return len(lines)


def _take(receiver: Wire, own: Repository, head: str, old: str | None) -> None:
    """Takes in what was checked, and names it; last of all the last step."""
    refs = {folder: receiver.all.refs(folder) for folder in (PROPOSALS, REVIEWS)}
    for folder, theirs in refs.items():
        mine = own.refs(folder)
        for ref, commit in theirs.items():
            if mine.get(ref, commit) != commit:
                raise ArchiveError(
                    f"{receiver.remote} has another {ref.removeprefix('refs/')} than the archive; "
                    "pull it into another folder"
                )
    own.take_packs(receiver.own.folder)
    for ref, commit in {**refs[PROPOSALS], **refs[REVIEWS]}.items():
        own.add_ref(ref, commit)
    if head != old:
        own.advance(head, old)


def _take_away(folder: Path, made: bool) -> None:
    """Removes what a pull that failed put into a folder that was empty."""
    if not (folder / ".git").exists():
        shutil.rmtree(folder / ".git.new", ignore_errors=True)
        (folder / "lock").unlink(missing_ok=True)
        if made:
            with suppress(OSError):
                folder.rmdir()
