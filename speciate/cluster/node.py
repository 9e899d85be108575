"""What a worker finds on its node: the campaign's folder, or else copies of the founders."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from speciate.errors import DamageError
from speciate.population.folders import weights_in
from speciate.population.founders import Founder
from speciate.worker import Setup

# A file of a founder, by founder and name, piece by piece.
Fetch = Callable[[str, str], Iterator[bytes]]


def sees(setup: Setup, mark: Path) -> bool:
    """Whether this node has the very folders that the campaign was started with."""
    return mark.exists() and all(founder.path.is_dir() for founder in setup.founders)


def settled(
    setup: Setup, node: Path, worker: int, files: Mapping[str, list[str]], fetch: Fetch
) -> Setup:
    """The setup with copies of the founders, once a node, and a folder for this worker alone.

    Args:
        setup: As the campaign has it.
        node: Folder of the campaign on this node, made by `node_folder`.
        worker: Number of the worker.
        files: Names of the founders' files, by founder.
        fetch: Brings one.

    Raises:
        DamageError: A founder's copy is not what the campaign was started with.
    """
    founders = [
        replace(one, path=_founder(one, node, files[one.name], fetch)) for one in setup.founders
    ]
    own = node / f"worker-{worker}-{os.getpid()}"
    own.mkdir(parents=True)
    return replace(setup, founders=founders, folder=own)


def node_folder(mark: str) -> Path:
    """Where a campaign may write on a node that does not see its folder; only for this user."""
    folder = Path(tempfile.gettempdir()) / f"speciate-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise DamageError(f"{folder} belongs to somebody else; remove it from this node")
    node = folder / mark
    node.mkdir(mode=0o700, exist_ok=True)
    return node


def _founder(founder: Founder, node: Path, names: list[str], fetch: Fetch) -> Path:
    place = node / founder.name
    with _locked(node / f"{founder.name}.lock"):
        if place.is_dir():
            return place
        new = node / f".{founder.name}.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        for name in names:
            with (new / name).open("wb") as file:
                for piece in fetch(founder.name, name):
                    file.write(piece)
        digest = weights_in(new).digest()
        if digest != founder.digest:
            raise DamageError(
                f"founder '{founder.name}' has weights {digest[:12]} on a node, not "
                f"{founder.digest[:12]}; it was changed while it was sent, run again"
            )
        new.rename(place)
    return place


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One worker of a node at a time; the lock ends with its process."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
