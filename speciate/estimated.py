"""How good estimates were and what they saved, by the telemetry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

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
    def error(self) -> list[float]:
        """Mean distance of estimate and fitness of the drawn, at each look."""
        far = [[abs(x - one["fitness"]) for x in one["estimates"]] for one in self.drawn]
        return [fmean(look) for look in zip(*far, strict=True)]

    @property
    def correlation(self) -> list[float | None]:
        """Spearman's, of estimate and fitness of the drawn, at each look; None if alike."""
        fitness = [one["fitness"] for one in self.drawn]
        looks = zip(*(one["estimates"] for one in self.drawn), strict=True)
        return [_spearman(estimates, fitness) for estimates in looks]

    @property
    def coverage(self) -> float | None:
        """Share of the drawn, at all looks, whose fitness was within the margin."""
        within = [
            one["fitness"] <= estimate + margin
            for one in self.drawn
            for estimate, margin in zip(one["estimates"], one["margins"], strict=True)
            if margin is not None
        ]
        return fmean(within) if within else None

    @property
    def missed(self) -> tuple[int, int]:
        """Of the drawn that reached their bar: how many would have been turned away, and all."""
        good = [one for one in self.drawn if one["fitness"] >= one["reach"]]
        return sum(map(_below, good)), len(good)

    def line(self) -> str:
        """For people."""
        count = len(self.candidates)
        words = [
            f"{count} estimated, {self.turned_away / count:.0%} turned away, "
            f"{self.saved:.0%} of items saved"
        ]
        if self.drawn and self.coverage is not None:
            missed, good = self.missed
            ranks = [rank for rank in self.correlation if rank is not None]
            rank = f", rank correlation {_span(ranks, 2)}" if ranks else ""
            words.append(
                f"{len(self.drawn)} of them scored in full to check: "
                f"off by {_span(self.error, 3)}{rank}, {self.coverage:.0%} within the margin, "
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


def _spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    if min(len(set(first)), len(set(second))) < 2:
        return None
    from scipy.stats import spearmanr  # Late: it takes longer than all of `status`.

    return float(spearmanr(first, second).statistic)


def _below(one: Facts) -> bool:
    """Whether any look would have turned a candidate away."""
    pairs = zip(one["estimates"], one["margins"], strict=True)
    return any(margin is not None and value + margin < one["reach"] for value, margin in pairs)


def _span(values: Sequence[float], digits: int) -> str:
    """From the first look to the last."""
    ends = [f"{value:.{digits}f}" for value in (values[0], values[-1])]
    return " to ".join(dict.fromkeys(ends))


def estimated(telemetry: Sequence[Facts]) -> Estimated | None:
    """What the telemetry tells of estimates; None if nothing."""
    # Once each, however often the campaign was started again.
    found = {one["estimated"]: one for one in telemetry if "estimated" in one}
    steps = [one for one in telemetry if "step" in one]
    saved, items = (sum(one.get(name, 0) for one in steps) for name in ("saved", "items"))
    return Estimated(list(found.values()), saved / max(saved + items, 1)) if found else None
