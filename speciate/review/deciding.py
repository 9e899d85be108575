"""Approving, rejecting and editing: what the command line and the page have in common."""

from collections.abc import Callable, Sequence

from speciate.archive.archive import Archive
from speciate.archive.drafts import DONE, Decision, Verdict
from speciate.errors import ConfigError, UsageError
from speciate.records import Recipe
from speciate.review.checking import check, check_written
from speciate.review.sheet import kin
from speciate.words import SHORT


def decide(
    archive: Archive, numbers: Sequence[int], verdict: Verdict, reason: str = ""
) -> list[Decision]:
    """Approves or rejects proposals: all that can be known before is checked of all, then recorded.

    Raises:
        ArchiveError: There is no such proposal, it was decided already, or git knows no identity.
        UsageError: A rejection has no reason, or what is approved cannot be bred.
    """
    if verdict == "reject" and not reason.strip():
        raise UsageError("a rejection needs a reason; say why, for agents learn from it")
    archive.drafts.reviewer()
    wanted = list(dict.fromkeys(numbers))
    for number in wanted:
        archive.drafts.check_open(number)
        if verdict == "approve":
            _check(archive, number, archive.drafts.get(number).recipe, check)
    return [archive.drafts.decide(Decision(number, verdict, reason, "")) for number in wanted]


def edit(archive: Archive, number: int, recipe: Recipe, reason: str = "") -> Decision:
    """Approves another recipe than the one that was put forward.

    Raises:
        ArchiveError: As `decide`.
        ConfigError: The recipe is the one put forward, or cannot be carried out.
        SandboxError: It has code, and there is no sandbox on this machine to try it in.
    """
    archive.drafts.reviewer()
    archive.drafts.check_open(number)
    if recipe.id == archive.drafts.get(number).recipe.id:
        raise ConfigError(f"proposal {number}: nothing was changed; use approve, or edit it")
    _check(archive, number, recipe, check_written)
    return archive.drafts.decide(Decision(number, "approve", reason, "", recipe))


def told(decision: Decision, archive: Archive) -> str:
    """A decision in one line, with what becomes of parents that died."""
    recipe = decision.recipe or archive.drafts.get(decision.number).recipe
    done = DONE[decision.verdict] + (", edited," if decision.recipe else "")
    said = f"{decision.number} {done} by {decision.reviewer}: {recipe.operator} {recipe.id[:SHORT]}"
    dead = [parent.name for parent in kin(recipe, archive) if parent.fate == "died"]
    if decision.verdict == "reject" or not dead:
        return said
    return f"{said}; weights of {', '.join(dead)}, no longer alive, are rebuilt when needed"


def _check(archive: Archive, number: int, recipe: Recipe, suits: Callable[[Recipe], None]) -> None:
    """Whether a recipe can be bred now."""
    where = f"proposal {number}"
    if recipe.id in archive.individuals:
        raise UsageError(f"{where}: {recipe.id[:SHORT]} was bred already; reject or edit it")
    for parent in kin(recipe, archive):
        if parent.fate in ("unknown", "failed"):
            what = "is not in the archive" if parent.fate == "unknown" else "failed: no weights"
            raise UsageError(f"{where}: parent {parent.name} {what}; reject it, or edit the parent")
    try:
        suits(recipe)
    except ConfigError as exc:
        raise ConfigError(f"{where}: {exc}; nothing is recorded") from exc
