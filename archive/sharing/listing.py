"""The files of a model that travel: named plainly, of known kinds, and listed with their sizes."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from pydantic import TypeAdapter, ValidationError

from speciate.errors import DamageError

LISTING = "files.json"
"""Beside the files of a model in a store: their names and sizes, for those that cannot look."""

_MOST_FILES = 2000
_MOST_BYTES = 2**41
# No programs and no pickles: nothing that a library would run.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.(?:safetensors|json|txt|model|jinja)")

Files: TypeAlias = Mapping[str, int]
"""Sizes in bytes by name."""

_FILES = TypeAdapter(dict[str, int])


def files_of(folder: Path) -> dict[str, int]:
    """The files of a model folder that travel; others, and links, stay behind."""
    found = sorted(path for path in folder.iterdir() if path.is_file() and not path.is_symlink())
    return {
        path.name: path.stat().st_size
        for path in found
        if _PLAIN.fullmatch(path.name) and path.name != LISTING
    }


def listing(files: Files) -> bytes:
    """What a `files.json` holds."""
    return f"{json.dumps(dict(files), indent=1, sort_keys=True)}\n".encode()


def read_listing(data: bytes, where: str) -> dict[str, int]:
    """The files that a stranger's `files.json` lists.

    Raises:
        DamageError: It is none, or lists what no model has.
    """
    try:
        files = _FILES.validate_json(data, strict=True)
    except ValidationError as error:
        raise DamageError(f"{where} is no list of files; use another store") from error
    wrong = [name for name in files if not _PLAIN.fullmatch(name) or name == LISTING]
    if wrong or len(files) > _MOST_FILES:
        what = f"the file {wrong[0][:100]!r}" if wrong else f"{len(files):,} files"
        raise DamageError(f"{where} lists {what}, which no model has; use another store")
    if min(files.values(), default=0) < 0 or sum(files.values()) > _MOST_BYTES:
        raise DamageError(f"{where} lists sizes that no model has; use another store")
    return files
