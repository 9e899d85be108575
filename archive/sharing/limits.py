"""How much a stranger's repository may make us store and read."""

from dataclasses import dataclass
from typing import Self

from speciate.archive.repository import Repository
from speciate.errors import ArchiveError

MIB, GIB = 2**20, 2**30
_KINDS = ("blob", "tree", "commit")


@dataclass(frozen=True)
class Limits:
    """Of one transfer.

    Attributes:
        transfer: Bytes that may come over the wire.
        memory: Bytes that git may use to unpack them.
        objects: How many there may be.
        largest: Bytes of one object.
        total: Bytes of all objects together.
        refs: How many names there may be for them.
    """

    transfer: int = 4 * GIB
    memory: int = 6 * GIB
    objects: int = 20_000_000
    largest: int = 64 * MIB
    total: int = 64 * GIB
    refs: int = 100_000

    @classmethod
    def of(cls, gib: float) -> Self:
        """Limits for a transfer of so many GiB."""
        return cls(transfer=int(gib * GIB), total=int(16 * gib * GIB))


def check_size(repository: Repository, limits: Limits, remote: str) -> None:
    """Looks at sizes alone, before anything is read.

    Args:
        repository: Where objects were received, and none but these.
        limits: That they must keep to.
        remote: Where they came from.

    Raises:
        ArchiveError: There are too many, one is too large, or all together are.
    """
    count = total = 0
    for kind, size in repository.sizes():
        count, total = count + 1, total + size
        if kind not in _KINDS:
            raise _refused(remote, f"a {kind}, which no archive has")
        if size > limits.largest:
            raise _refused(remote, f"a {kind} of {size / MIB:,.0f} MiB")
        if count > limits.objects:
            raise _refused(remote, f"more than {limits.objects:,} objects")
        if total > limits.total:
            raise _refused(remote, f"more than {limits.total / GIB:,.1f} GiB when unpacked")


def _refused(remote: str, what: str) -> ArchiveError:
    return ArchiveError(f"{remote} holds {what}; nothing was taken, ask where it comes from")
