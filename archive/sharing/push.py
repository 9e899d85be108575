"""An archive to a remote: its campaign under a name of its own, beside others."""

from dataclasses import dataclass

from speciate.archive.archive import Archive
from speciate.archive.drafts import PROPOSALS, REVIEWS
from speciate.archive.repository import Repository
from speciate.archive.sharing.names import beside, checked, default_name, main_of, root_of
from speciate.archive.sharing.wire import wire

_SIDES = {"proposals": PROPOSALS, "reviews": REVIEWS}


@dataclass(frozen=True)
class Pushed:
    """What became of a push.

    Attributes:
        name: Of the campaign in the remote.
        head: Its last step there now.
        refs: How many of its names are new there, or name something new.
    """

    name: str
    head: str
    refs: int


def push(archive: Archive, remote: str, name: str | None = None) -> Pushed:
    """Pushes a campaign as it was when opened, with proposals and reviews; never over another.

    Args:
        archive: May be written meanwhile.
        remote: See `address`.
        name: Of the campaign in the remote; made of its config and first commit if not given.

    Raises:
        ArchiveError: The remote cannot be used, or has another history under the name.
    """
    git = archive.folder / ".git"
    own = Repository(git)
    name = checked(name or default_name(archive.config, root_of(own, archive.head)))
    refs = {"refs/heads/main": archive.head}
    specs = [f"refs/heads/main:{main_of(name)}"]
    for kind, folder in _SIDES.items():
        if found := own.refs(folder):
            refs |= found
            specs.append(f"{folder}*:{beside(name, kind)}*")
    with wire(remote, git) as sender:
        sender.name(refs)
        lines = sender.push(specs).splitlines()
    moved = sum(line.startswith((" \t", "*\t")) for line in lines)
    return Pushed(name, archive.head, moved)
