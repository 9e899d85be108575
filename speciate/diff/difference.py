"""All that differs between two individuals of an archive."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from speciate.archive.archive import Archive
from speciate.diff.ancestors import Common, nearest_common
from speciate.diff.recipes import Field, Parentage, fields, parentage, source_diff
from speciate.diff.scores import Duel, duels
from speciate.front import directions
from speciate.records import Individual

if TYPE_CHECKING:
    from speciate.diff.weights import Closeness


@dataclass(frozen=True)
class Difference:
    """From one individual to another; they need not be related.

    Attributes:
        before: The first.
        after: The second.
        fields: Of the recipes, where they differ.
        parents: All parents of both.
        source: Unified diff of evolved operators, if both have one.
        duels: The tasks that both have search scores on.
        common: Nearest common ancestors.
        weights: All together, then by parts; None if they were not looked at.
    """

    before: Individual
    after: Individual
    fields: Sequence[Field]
    parents: Sequence[Parentage]
    source: Sequence[str]
    duels: Sequence[Duel]
    common: Sequence[Common]
    weights: "Sequence[Closeness] | None"

    @property
    def same_weights(self) -> bool:
        """Whether the weights are the same to the last byte."""
        return self.before.digest is not None and self.before.digest == self.after.digest

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "before": _facts(self.before),
            "after": _facts(self.after),
            "same_weights": self.same_weights,
            "recipe": [asdict(one) for one in self.fields],
            "parents": [asdict(one) for one in self.parents],
            "source": list(self.source),
            "scores": [one.to_json() for one in self.duels],
            "common_ancestors": [asdict(one) for one in self.common],
            "weights": None if self.weights is None else [one.to_json() for one in self.weights],
        }


def difference(
    archive: Archive,
    before: str,
    after: str,
    task: str | None = None,
    weights: bool | None = None,
    jobs: int | None = None,
) -> Difference:
    """Compares two individuals.

    Args:
        archive: Of a campaign.
        before: The beginning of an id or commit, or a founder's name.
        after: Another, named in the same way.
        task: The only one to compare on.
        weights: Whether to read weights, and to rebuild those that are not stored; if not given
            they are read if all are stored.
        jobs: Threads; one a core if not given.

    Raises:
        ArchiveError: An individual is not known; or one failed, and what it lacks was asked for.
        DamageError: What was recorded or is rebuilt is damaged.
    """
    ours, theirs = (archive.individual(archive.resolve(text)) for text in (before, after))
    return Difference(
        ours,
        theirs,
        fields(ours.recipe, theirs.recipe),
        parentage(ours.recipe, theirs.recipe),
        source_diff(ours.recipe, theirs.recipe),
        duels(ours, theirs, directions(archive.config), task),
        nearest_common(archive.index, ours.id, theirs.id),
        _weights(archive, ours, theirs, weights, jobs),
    )


def _weights(
    archive: Archive, before: Individual, after: Individual, asked: bool | None, jobs: int | None
) -> "list[Closeness] | None":
    if asked is False or (asked is None and before.digest == after.digest):
        return None
    from speciate.diff.weights import closeness, readable  # Late: they need torch.

    if asked or readable(archive, before, after):
        return closeness(archive, before, after, jobs)
    return None


def _facts(one: Individual) -> dict[str, Any]:
    return {
        "id": one.id,
        "step": one.step,
        "operator": one.recipe.operator,
        "proposer": one.proposer,
        "reason": one.reason,
        "fitness": one.evaluation.fitness if one.evaluation else None,
        "error": one.error,
        "digest": one.digest,
    }
