"""What can be wrong with a campaign's folder, and what can be done: one check a function."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from speciate.archive.archive import Archive
from speciate.archive.lock import CampaignLock
from speciate.errors import DamageError
from speciate.health import (
    agents,
    evaluations,
    index,
    islands,
    leftovers,
    local,
    lock,
    refs,
    repository,
    telemetry,
    weights,
)
from speciate.health.damage import Damage as Damage
from speciate.health.site import Site

Tell = Callable[[str], None]

CHECKS: Mapping[str, Callable[[Site], Iterator[Damage]]] = {
    "lock": lock.check,
    "HEAD": repository.head,
    "main": repository.main,
    "history": repository.history,
    "spoilt refs": refs.spoilt,
    "proposals and decisions": refs.drafts,
    "strange refs": refs.strange,
    "index": index.check,
    "local.json": local.check,
    "founders": local.founders,
    "weights": weights.check,
    "strange weights": weights.strange,
    "evaluations": evaluations.check,
    "agents": agents.check,
    "islands": islands.check,
    "telemetry": telemetry.check,
    "leftovers": leftovers.check,
}
"""In this order: who repairs the first can look at what follows."""


def examine(folder: Path, begin: Tell = lambda _: None) -> list[Damage]:
    """All that is wrong; nothing is changed.

    Args:
        folder: Of a campaign, which may be running.
        begin: Told the name of each check before it is made.

    Raises:
        ArchiveError: The folder holds no campaign.
    """
    site = _site(folder, mine=False)
    found = (damage for name in CHECKS for damage in _found(site, name, begin))
    return list({damage.line: damage for damage in found}.values())


def repair(folder: Path, begin: Tell = lambda _: None) -> tuple[list[str], list[Damage]]:
    """Repairs what can be; the history is never touched.

    Args:
        folder: Of a campaign that nobody runs; its lock is held meanwhile.
        begin: Told the name of each check before it is made.

    Returns:
        What was done, a line each, and what is left to people.

    Raises:
        ArchiveError: The folder holds no campaign, or another process runs it.
    """
    _site(folder, mine=False)
    held = CampaignLock.take(folder)
    try:
        site = _site(folder, mine=True)
        done: list[str] = []
        left: dict[str, Damage] = {}
        for name in CHECKS:
            for damage in _found(site, name, begin):
                if damage.repair is None:
                    left[damage.line] = damage
                else:
                    done.append(damage.repair())
        return done, list(left.values())
    finally:
        held.release()


def _found(site: Site, name: str, begin: Tell) -> list[Damage]:
    begin(name)
    try:
        return list(CHECKS[name](site))
    except DamageError as damage:
        return [Damage.told(str(damage))]


def _site(folder: Path, mine: bool) -> Site:
    """The folder, though its archive may not be opened; refused if it never held a campaign."""
    site = Site(folder, None, mine)
    site.look_again()
    traces = ("local.json", "telemetry.jsonl", "lock")
    if not any((folder / name).exists() for name in traces) or not (folder / ".git").is_dir():
        Archive.open(folder)  # Says that it is none.
    return site
