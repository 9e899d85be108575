"""Who came from other islands, step by step.

A campaign with islands depends on this besides its seed: given the journal, it can be run again and
ends with the same hash.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from speciate.errors import DamageError
from speciate.files import write_whole
from speciate.records import Recipe

FOLDER = "islands"
"""Of a campaign: holds its journal of migrants."""


@dataclass(frozen=True)
class Ancestor:
    """Somebody in a migrant's line: the recipe, and the digest that rebuilding it gave."""

    recipe: Recipe
    digest: str


@dataclass(frozen=True)
class Arrival:
    """A migrant that was let in.

    Attributes:
        island: Where from.
        line: Those of its ancestors that were not known, parents first, and itself.
    """

    island: str
    line: tuple[Ancestor, ...]

    @property
    def recipe(self) -> Recipe:
        """Its own."""
        return self.line[-1].recipe

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """From JSON values."""
        line = (Ancestor(Recipe.from_json(one["recipe"]), one["digest"]) for one in data["line"])
        return cls(data["island"], tuple(line))


class Journal:
    """A folder with a file a migration; lies beside the archive."""

    def __init__(self, campaign: Path, replayed: Path | None = None) -> None:
        """Reads and writes the journal of a campaign, or that of one that is replayed."""
        self._folder = campaign / FOLDER
        self._replayed = replayed / FOLDER if replayed else None

    def get(self, step: int, every: int) -> Sequence[Arrival] | None:
        """Who came before the proposals of a step were carried out.

        Args:
            step: The steps that are done.
            every: After how many of them there is a migration.

        Returns:
            None if it is time to look who has come.

        Raises:
            DamageError: The journal is not what speciate writes.
        """
        name = f"{step:06}.json"
        if (self._folder / name).exists():
            return _read(self._folder / name)
        if self._replayed is not None:
            if not (self._replayed / name).exists():
                return ()
            found = _read(self._replayed / name)
            self.put(step, found)
            return found
        last = max((int(file.stem) for file in self._folder.glob("*.json")), default=0)
        return () if step // every == last // every else None

    def put(self, step: int, arrivals: Sequence[Arrival]) -> None:
        """Keeps who came."""
        data = json.dumps([asdict(one) for one in arrivals], sort_keys=True, indent=1)
        write_whole(self._folder / f"{step:06}.json", f"{data}\n".encode())


def _read(file: Path) -> tuple[Arrival, ...]:
    try:
        return tuple(Arrival.from_json(one) for one in json.loads(file.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamageError(f"{file} is damaged ({error}); restore it from a copy") from error
