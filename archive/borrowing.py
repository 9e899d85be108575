"""A weight store of one's own that also finds what is in another one."""

from pathlib import Path

from speciate.archive.store import WeightStore


class BorrowingStore(WeightStore):
    """Reads from two stores and writes to its own: the other may belong to a running campaign."""

    def __init__(self, folder: Path, lender: WeightStore) -> None:
        super().__init__(folder)
        self._lender = lender

    def path(self, digest: str) -> Path | None:
        """See `WeightStore.path`; a model may be in either."""
        return super().path(digest) or self._lender.path(digest)
