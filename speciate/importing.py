"""Telling an archive where this machine has its founders, and what these were made from."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from speciate.archive.archive import Archive
from speciate.configs.section import nearest
from speciate.errors import ModelError, SpeciateError, UsageError
from speciate.past import Forebear, described, pasts_of, stated_past
from speciate.population.folders import weights_in
from speciate.whereabouts import founders_of

_HUB_FOLDER = re.compile(r"models--([^/]+?)--([^/]+)")
_WEIGHTS = ("*.safetensors", "*.bin")


@dataclass(frozen=True)
class Imported:
    """What is known after an import.

    Attributes:
        founders: With their pasts, in the order in which they were recorded.
        places: Where each lies on this machine, as far as it was told.
        news: What was learned, a line each.
    """

    founders: Sequence[Forebear]
    places: Mapping[str, Path]
    news: Sequence[str]


def import_founders(archive: Archive, places: Sequence[str]) -> Imported:
    """Looks at folders of models, and remembers which founders they are.

    Args:
        archive: Open; of its folder, only the facts of this machine change.
        places: "NAME=FOLDER" of a founder, or of a model that a founder's card names; or the folder
            of a model, or one that holds folders of models.

    Raises:
        UsageError: A name or a folder means nothing.
        ModelError: A folder named for a founder has other weights.
    """
    one = _Import(archive)
    for place in places:
        name, equals, folder = place.partition("=")
        if equals and not Path(place).exists():
            one.named(name, Path(folder))
        else:
            one.searched(Path(place))
    one.keep()
    return Imported(pasts_of(archive, founders_of(archive)), archive.founder_paths, one.news)


class _Import:
    """One import under way."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        rows = founders_of(archive)
        self._digests = {str(row.name): str(row.digest) for row in rows}
        self._recorded = {
            str(one.recipe.parameters["name"]): one.past
            for one in archive.individuals.several([row.id for row in rows])
        }
        self._paths, self._cards = dict(archive.founder_paths), dict(archive.cards)
        self.news: list[str] = []

    def named(self, name: str, folder: Path) -> None:
        """Takes a founder, or a model that is only named so far, from a folder."""
        if name not in self._digests and name not in self._named_models():
            known = [*self._digests, *self._named_models()]
            raise UsageError(f"{name}: no founder, and no card names it; {nearest(name, known)}")
        if not folder.is_dir():
            raise UsageError(f"{name}={folder}: no such folder; give the folder of a model")
        if name not in self._digests:
            self._learn(name, folder)
            return
        found = weights_in(folder).digest()
        if found != self._digests[name]:
            raise ModelError(
                f"{folder} has weights {found[:12]}, those of founder '{name}' are "
                f"{self._digests[name][:12]}; give the folder that the campaign began with"
            )
        self._found(name, folder)

    def searched(self, folder: Path) -> None:
        """Takes whatever is known by its digest, or by the name that the hub's cache has for it."""
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder; give NAME=FOLDER or a folder of models")
        before = len(self.news)
        owners = {digest: name for name, digest in self._digests.items()}
        for model in _models_in(folder):
            try:
                founder = owners.get(weights_in(model).digest())
            except SpeciateError:
                continue
            name = _hub_name(model)
            if founder is not None:
                self._found(founder, model)
            elif name in self._named_models():
                self._learn(name, model)
        if len(self.news) == before:
            self.news.append(f"{folder}: no founder, and no model that a founder was made from")

    def keep(self) -> None:
        """Writes down what was found."""
        self._archive.set_founder_paths(self._paths)
        self._archive.set_cards(self._cards)

    def _found(self, name: str, folder: Path) -> None:
        self._paths[name] = folder.absolute()
        self.news.append(f"founder '{name}' is {folder}")
        if self._recorded[name] is None:
            self._learn(name, folder)

    def _learn(self, name: str, folder: Path) -> None:
        """What a model's card says, which no history of this archive records."""
        past = stated_past(folder)
        if past is None:
            self.news.append(f"{folder} says nothing of licence and origin")
        elif self._cards.get(name) != past:
            self._cards[name] = past
            self.news.append(f"{name}: {described(past)}")

    def _named_models(self) -> set[str]:
        pasts = [*self._recorded.values(), *self._cards.values()]
        return {model for past in pasts if past for model in past.models}


def _models_in(folder: Path) -> Iterator[Path]:
    """The folder if it is a model's, else those below it that are; not very deep."""
    if any(True for pattern in _WEIGHTS for _ in folder.glob(pattern)):
        yield folder
        return
    for below in ("*", "*/*", "models--*/snapshots/*"):
        for path in sorted(folder.glob(below)):
            if path.is_dir() and any(path.glob("*.safetensors")):
                yield path


def _hub_name(folder: Path) -> str:
    """What the hub's cache calls it, or "" if it does not lie there."""
    found = (_HUB_FOLDER.fullmatch(part) for part in reversed(folder.absolute().parts))
    return next((f"{match[1]}/{match[2]}" for match in found if match), "")
