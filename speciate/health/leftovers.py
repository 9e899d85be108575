"""What killed processes left behind, as long as nobody runs the campaign."""

import re
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from speciate.archive.store import WeightStore
from speciate.health.damage import Damage
from speciate.health.site import Site
from speciate.scratch import leftover_scratch

_HALF_WRITTEN = re.compile(r"\..+-[0-9a-f]{32}")
"""Names of `speciate.files.write_whole`."""


def leftovers(site: Site) -> list[Path]:
    """Files and folders that nobody needs; none while another process may be writing them."""
    if not site.idle:
        return []
    folders = (site.folder, *(site.folder / name for name in ("evaluations", "agents", "islands")))
    half = [path for folder in folders for path in _half_written(folder, folder != site.folder)]
    begun = [path for path in (site.folder / ".git.new",) if path.exists()]
    stored = WeightStore(site.folder / "weights").leftovers()
    found = [*begun, *leftover_scratch(site.folder), *half, *stored, *site.repository.leftovers()]
    return sorted(set(found))


def check(site: Site) -> Iterator[Damage]:
    """Each of them."""
    for path in leftovers(site):
        where = path.relative_to(site.folder)
        yield Damage(
            f"{where} is a leftover of a killed process",
            "--repair deletes it",
            partial(_delete, path, str(where)),
        )


def sweep(path: Path) -> None:
    """Deletes a leftover."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _delete(path: Path, where: str) -> str:
    sweep(path)
    return f"{where} deleted"


def _half_written(folder: Path, below: bool) -> Iterator[Path]:
    files = folder.rglob(".*") if below else folder.glob(".*")
    return (path for path in files if _HALF_WRITTEN.fullmatch(path.name) and path.is_file())
