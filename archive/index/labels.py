"""How people are shown individuals: by a founder's name, or by the first digits of an id."""

from collections.abc import Mapping

from speciate.archive.index.index import Index
from speciate.archive.message import ABBREVIATION


class Labels:
    """Names for the individuals of one index, as it is now."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self.founders: Mapping[str, str] = dict(
            index.ask("SELECT id, name FROM individuals WHERE name IS NOT NULL ORDER BY number")
        )
        """Names by id, in order of birth."""

    def __call__(self, id_: str) -> str:
        """A founder's name; of others, the short id."""
        return self.founders.get(id_) or self.short(id_)

    def short(self, id_: str) -> str:
        """So much of an id that nobody else's id or commit begins with it.

        At least `ABBREVIATION` digits, which is what git shows of a million objects.
        """
        for length in range(ABBREVIATION, len(id_)):
            if len(self._index.begun_by(id_[:length])) <= 1:
                return id_[:length]
        return id_
