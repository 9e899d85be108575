"""Wall times and hosts: lines of JSON, of which a power cut may tear the last."""

import json
from collections.abc import Iterator
from functools import partial

from speciate.files import write_whole
from speciate.health.damage import Damage
from speciate.health.site import SIDE, Site

FILE = "telemetry.jsonl"


def check(site: Site) -> Iterator[Damage]:
    """Whether each line can be read."""
    file = site.folder / FILE
    lines = file.read_bytes().splitlines(keepends=True) if file.is_file() else []
    bad = [number for number, line in enumerate(lines, 1) if not _is_sound(line)]
    if not bad:
        return
    torn = bad == [len(lines)] and not lines[-1].endswith(b"\n")
    places = ", ".join(map(str, bad[:3])) + (f" and {len(bad) - 3} more" if len(bad) > 3 else "")
    what = "has a torn last line" if torn else f"cannot be read in line {places}"
    remedy = f"--repair moves such lines to {SIDE}/{FILE}"
    yield Damage(f"{FILE} {what}", remedy, partial(_cut, site, lines))


def _is_sound(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _cut(site: Site, lines: list[bytes]) -> str:
    """What is cut is kept first, so that a crash loses none of it."""
    cut = [line for line in lines if not _is_sound(line)]
    side = site.folder / SIDE / FILE
    before = side.read_bytes() if side.exists() else b""
    write_whole(side, before + b"".join(line.removesuffix(b"\n") + b"\n" for line in cut))
    write_whole(site.folder / FILE, b"".join(line for line in lines if _is_sound(line)))
    return f"{len(cut)} of {len(lines)} lines of {FILE} lie in {SIDE}/{FILE}"
