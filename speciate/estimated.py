"""How good estimates were and what they saved, by the telemetry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import spearmanr

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Estimated:
    """All candidates that were estimated.

    Attributes:
        candidates: What is told of each.
        saved: Share of the items that need not be asked in the whole campaign, for any reason.
    """

    candidates: Sequence[Facts]
    saved: float

    @property
    def turned_away(self) -> int:
        """How many were not scored in full because of their estimate."""
        return sum(one["turned_away"] for one in self.candidates)

    @property
    def drawn(self) -> list[Facts]:
        """Those that were scored in full whatever their estimate: they tell how good it is."""
        return [one for one in self.candidates if one["drawn"] and "fitness" in one]

    @property
    def error(self) -> float | None:
        """Mean distance of estimate and fitness, of the drawn."""
        distances = [abs(one["fitness"] - one["estimate"]) for one in self.drawn]
        return float(np.mean(distances)) if distances else None

    @property
    def correlation(self) -> float | None:
        """Spearman's, of estimate and fitness of the drawn; None if they are equal or too few."""
        pairs = [(one["estimate"], one["fitness"]) for one in self.drawn]
        if len(pairs) < 3 or any(len(set(side)) == 1 for side in zip(*pairs, strict=True)):
            return None
        return float(spearmanr(*zip(*pairs, strict=True)).statistic)

    @property
    def coverage(self) -> float | None:
        """Share of the drawn whose fitness was not above the estimate by more than the margin."""
        told = [one for one in self.drawn if one["margin"] is not None]
        within = [one["fitness"] <= one["estimate"] + one["margin"] for one in told]
        return float(np.mean(within)) if within else None

    @property
    def missed(self) -> tuple[int, int]:
        """Of the drawn that reached their bar: how many would have been turned away, and all."""
        good = [one for one in self.drawn if one["fitness"] >= one["reach"]]
        told = [one for one in good if one["margin"] is not None]
        return sum(one["estimate"] + one["margin"] < one["reach"] for one in told), len(good)

    def line(self) -> str:
        """For people."""
        count = len(self.candidates)
        words = [
            f"{count} estimated, {self.turned_away / count:.0%} turned away, "
            f"{self.saved:.0%} of items saved"
        ]
        if self.error is not None and self.coverage is not None:
            rank = f", rank correlation {self.correlation:.2f}" if self.correlation else ""
            missed, good = self.missed
            words.append(
                f"{len(self.drawn)} of them scored in full to check: "
                f"off by {self.error:.3f}{rank}, {self.coverage:.0%} within the margin, "
                f"{missed} of {good} good ones missed"
            )
        return "; ".join(words)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        missed, good = self.missed
        return {
            "candidates": len(self.candidates),
            "turned_away": self.turned_away,
            "saved": self.saved,
            "drawn": len(self.drawn),
            "error": self.error,
            "correlation": self.correlation,
            "coverage": self.coverage,
            "good": good,
            "missed": missed,
        }


def estimated(telemetry: Sequence[Facts]) -> Estimated | None:
    """What the telemetry tells of estimates; None if nothing."""
    # Once each, however often the campaign was started again.
    found = {one["estimated"]: one for one in telemetry if "estimated" in one}
    steps = [one for one in telemetry if "step" in one]
    saved, items = (sum(one.get(name, 0) for one in steps) for name in ("saved", "items"))
    return Estimated(list(found.values()), saved / max(saved + items, 1)) if found else None
