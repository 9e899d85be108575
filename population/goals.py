"""Who stands before whom: by fitness or by Pareto fronts, and constraints before both."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from speciate.configs.constraints import Constraint
from speciate.population.constraints import Violation, violations
from speciate.population.selection import Ranked, ranked
from speciate.records import Individual

Known = Mapping[str, Individual]


@dataclass(frozen=True)
class Goals:
    """What a campaign asks of individuals besides fitness.

    Attributes:
        higher_is_better: Directions of the metrics, by task.
        constraints: Who breaks none stands before all who break one, and these stand by how much
            they break in sum (Deb, "An efficient constraint handling method for genetic
            algorithms", 2000).
        weights: Of the tasks in the fitness; 1 where nothing is said.
    """

    higher_is_better: Mapping[str, bool] = field(default_factory=dict)
    constraints: Sequence[Constraint] = ()
    weights: Mapping[str, float] = field(default_factory=dict)

    def violations(self, one: Individual, known: Known) -> list[Violation]:
        """What an individual breaks; `known` has its parents."""
        return violations(one, known, self.constraints, self.higher_is_better)

    def excess(self, one: Individual, known: Known) -> float:
        """By how much an individual breaks constraints in sum; 0 if it keeps to all."""
        if not self.constraints:
            return 0.0
        return sum((broken.amount for broken in self.violations(one, known)), 0.0)

    def ranked(
        self, names: Iterable[str], known: Known, objectives: Sequence[str] = ()
    ) -> list[Ranked]:
        """Those of `names` that did not fail, best first, ties by id.

        Each comes with its worth: the fitness, or, if it breaks a constraint, less than 0. With
        several objectives there is no such number, and the worth is the place, turned.

        Args:
            names: Of distinct individuals.
            known: These, and their parents.
            objectives: Tasks to rank by fronts of, and within a front by crowding distance.
        """
        pool = {name: known[name] for name in names if known[name].evaluation}
        excess = {name: self.excess(one, known) for name, one in pool.items()}
        if not objectives:
            worth = {n: -excess[n] if excess[n] else one.fitness for n, one in pool.items()}
            return ranked(list(worth.items()))
        from speciate.population.pareto import pareto  # Late: numpy, and few rank by fronts.

        order: list[str] = []
        for amount in sorted(set(excess.values())):
            alike = {n: self._point(pool[n], objectives) for n in pool if excess[n] == amount}
            order += [placed.id for placed in pareto(alike)]
        return [(name, -float(place)) for place, name in enumerate(order)]

    def _point(self, one: Individual, objectives: Sequence[str]) -> tuple[float, ...]:
        """Scores, turned so that higher is better."""
        scores = one.evaluation.scores if one.evaluation else {}
        return tuple(
            scores[task].value if self.higher_is_better[task] else -scores[task].value
            for task in objectives
        )
