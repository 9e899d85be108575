"""Campaigns that are only run to be measured, and the curves that are left of them.

Each runs in a folder that is thrown away, with the transformers engine in this process. Scores on
the test split are looked up afterwards; what a strategy selects by are the search items alone.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from speciate.archive.archive import Archive
from speciate.configs.campaign import load
from speciate.evaluator.cache import EvaluationCache
from speciate.evaluator.evaluator import Evaluator, evaluation
from speciate.evaluator.start import start_engine
from speciate.evaluator.statistics import Gain, paired_gain
from speciate.evaluator.tokenizer import Tokenizer
from speciate.population.randomness import stream
from speciate.records import Evaluation, Individual
from speciate.session import run, splits
from speciate.toml_text import recipe_toml

ZOO = Path(__file__).parents[3] / "configs" / "zoo"
EXPERTS = ("library", "english", "headers", "unicode", "tests")
# Those who are not children: they cost the same in all campaigns.
GIVEN = ("founder", "baseline")
FILE = "campaign.toml"

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Ground:
    """Founders and items.

    Attributes:
        search: Lines of each task to draw search items from.
        test: Lines of each task to test on.
        drawn: Search items drawn of each task, others for every seed.
        tested: Test items taken of each task, the first ones.
        models: To breed from; their common base is `base`.
        kind: Of all tasks.
    """

    search: Mapping[str, Sequence[str]]
    test: Mapping[str, Sequence[str]]
    drawn: int
    tested: int
    base: Path = ZOO / "models" / "base"
    models: Sequence[Path] = tuple(ZOO / "models" / name for name in EXPERTS)
    kind: str = "likelihood"

    def write(self, folder: Path, strategy: Settings, seed: int, more: Settings) -> Path:
        """The campaign and its items as files; returns the campaign's."""
        for name, lines in self.search.items():
            shuffled = stream(seed, "bench", "items", name).shuffle(lines)
            chosen = shuffled[: self.drawn]
            (folder / f"{name}.search.jsonl").write_text("\n".join(chosen))
            (folder / f"{name}.test.jsonl").write_text("\n".join(self.test[name][: self.tested]))
        campaign = {
            "name": "bench",
            "seed": seed,
            "founders": {"base": str(self.base), "models": [str(one) for one in self.models]},
            "engine": {"type": "transformers"},
            "cluster": {"workers": 0},
            # All, so that whoever leads can be tested afterwards.
            "store": {"keep": "all", "dtype": "float32"},
            "strategy": strategy,
            "tasks": [
                {"name": name, "kind": self.kind}
                | {split: f"{name}.{split}.jsonl" for split in ("search", "test")}
                for name in self.search
            ],
        }
        (folder / FILE).write_text(recipe_toml({**campaign, **more}))
        return folder / FILE


@dataclass(frozen=True)
class Course:
    """One campaign: all children in the order in which they were proposed.

    Attributes:
        search: Fitness of each on the search items; None of who failed.
        test: Fitness on the test items of the best so far, after so many children.
        founder: The same of the best founder, by the search items.
        average: The same of the founders' plain average.
        paired: Bits per character that the last leader gains over the best founder, paired by
            test items: mean, and 95% interval over items.
    """

    search: Sequence[float | None]
    test: Mapping[int, float]
    founder: float
    average: float
    paired: Sequence[float] = ()

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {**self.__dict__, "test": {str(n): value for n, value in self.test.items()}}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Course":
        """The inverse."""
        return cls(**{**found, "test": {int(n): value for n, value in found["test"].items()}})


def share(lines: Sequence[str], seed: int, size: int) -> Sequence[str]:
    """A seed's own lines, or those of another seed too where there are not enough."""
    first = seed % max(1, len(lines) // size) * size
    return lines[first : first + size]


def leaders(
    children: Sequence[Individual], first: Individual, at: Sequence[int]
) -> list[Individual]:
    """The fittest of `first` and the first n children, for each n."""
    found, best = [first], first
    for child in children:
        if child.evaluation and child.fitness > best.fitness:
            best = child
        found.append(best)
    return [found[min(n, len(children))] for n in at]


def course(ground: Ground, strategy: Settings, seed: int, at: Sequence[int], **more: Any) -> Course:
    """Runs a campaign, and tests who led it after each number of children of `at`."""
    with finished(ground, strategy, seed, **more) as archive:
        return _course(archive, at)


@contextmanager
def finished(ground: Ground, strategy: Settings, seed: int, **more: Any) -> Iterator[Archive]:
    """Runs a campaign; its archive, and the files that `tested` reads, are thrown away after."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        # One test item is enough for the campaign's own report, which tests all founders.
        run(replace(ground, tested=1).write(folder, strategy, seed, more), folder / "out")
        ground.write(folder, strategy, seed, more)
        with Archive.open(folder / "out") as archive:
            yield archive


def bred(archive: Archive) -> tuple[Individual, list[Individual]]:
    """The best founder, and the children in the order of their proposals."""
    born = list(archive.individuals.values())
    founders = [one for one in born if one.proposer == "founder"]
    children = [one for one in born if one.proposer not in GIVEN]
    return max(founders, key=lambda one: one.fitness), children


def _course(archive: Archive, at: Sequence[int]) -> Course:
    best, children = bred(archive)
    children = children[: max(at)]
    led = leaders(children, best, at)
    average = archive.individuals[str((archive.report or {})["average"])]
    scored = tested(archive, [best, average, *led])
    fitness = [one.fitness for one in scored]
    gain = _paired(scored[-1], scored[0])
    return Course(
        [one.fitness if one.evaluation else None for one in children],
        dict(zip(at, fitness[2:], strict=True)),
        *fitness[:2],
        (gain.mean, gain.low, gain.high),
    )


def _paired(ours: Evaluation, theirs: Evaluation) -> Gain:
    """On the items of all tasks together."""
    rows = [[item for s in one.scores.values() for item in s.items] for one in (ours, theirs)]
    return paired_gain(*rows, higher_is_better=False)


def tested(archive: Archive, those: Sequence[Individual]) -> list[Evaluation]:
    """Scores of each on the test items, of a campaign that was just `finished`."""
    root = archive.folder.parent
    config = load(root / FILE)
    frame = Path(config.founders.base or config.founders.models[0])
    known = EvaluationCache(archive.folder / "evaluations")
    engine = start_engine(config.engine, frame)
    evaluator = Evaluator(engine, Tokenizer(frame), splits(config, "test", root), known)
    paths = archive.founder_paths
    found = []
    for one in those:
        weights = archive.weights.path(one.digest or "") or paths[one.recipe.parameters["name"]]
        scores = evaluator.score(one.digest or "", weights)
        found.append(evaluation(config.tasks, scores, ""))
    return found
