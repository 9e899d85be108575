"""Scores measured before: a cache, of which spoilt files are measured again when needed."""

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from speciate.health.damage import Damage
from speciate.health.site import Site
from speciate.records import Score

_NAME = re.compile(r"([0-9a-f]{2})/\1[0-9a-f]{62}\.json")
_REMEDY = "--repair deletes it, it is measured again when needed"


def check(site: Site) -> Iterator[Damage]:
    """Whether each is a score, and lies where it is looked for."""
    folder = site.folder / "evaluations"
    for file in sorted(folder.rglob("*")):
        place = str(file.relative_to(folder))
        if file.is_dir() or file.name.startswith("."):
            continue
        if not _NAME.fullmatch(place):
            what = f"evaluations/{place} is not named like a score"
            yield Damage(what, "move it elsewhere")
        elif not _is_score(file):
            repair = partial(_delete, file, place)
            yield Damage(f"evaluations/{place} is no score", _REMEDY, repair)


def _is_score(file: Path) -> bool:
    try:
        score = Score.from_json(json.loads(file.read_bytes()))
        return bool(score.items) and all(isinstance(item, float | int) for item in score.items)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _delete(file: Path, place: str) -> str:
    file.unlink()
    return f"evaluations/{place} deleted"
