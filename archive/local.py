"""Facts of one machine, kept beside the archive and outside every hash."""

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from speciate.errors import DamageError
from speciate.files import write_whole
from speciate.records import Past


class Local(BaseModel):
    """What `local.json` holds.

    Attributes:
        founders: Absolute path of each founder's checkpoint by the founder's name.
        cards: What is known here of founders, and of models that they were made from, by name,
            besides what the archive records.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    founders: Mapping[str, Path] = {}
    cards: Mapping[str, Past] = Field(default={}, exclude_if=lambda cards: not cards)


def read_local(path: Path) -> Local:
    """The facts, empty when there is no file.

    Raises:
        DamageError: The file is not what speciate writes.
    """
    try:
        return Local.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Local()
    except ValidationError as error:
        what = error.errors()[0]["msg"]
        raise DamageError(f"{path} is damaged: {what}; correct it or delete it") from error


def write_local(path: Path, local: Local) -> None:
    """Put the facts in place of the old ones, at once: a reader sees either."""
    text = json.dumps(local.model_dump(mode="json"), indent=1, sort_keys=True)
    write_whole(path, f"{text}\n".encode())
