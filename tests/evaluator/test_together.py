"""Several models that are asked together: few calls, and the scores that each has alone."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from speciate.configs import schema
from speciate.errors import EvaluationError
from speciate.evaluator import Engine
from speciate.evaluator.cache import EvaluationCache
from speciate.evaluator.evaluator import Evaluator
from speciate.evaluator.split import Split
from speciate.evaluator.together import together
from speciate.evaluator.tokenizer import Tokenizer
from speciate.evaluator.trial import Trial

KINDS = ("library", "english", "headers")
CHOICES = [{"prompt": "def f(", "choices": ["self", " qqq"], "answer": 0}]
ASKED = {
    "likelihood": ([{"text": "import os"}, {"text": "The cat"}], {}),
    "perplexity": ([{"text": "import os and the cat"}], {"window": 8}),
    "multiple_choice": (CHOICES * 2, {}),
    "exact_match": ([{"prompt": "import ", "answer": "os"}], {"max_tokens": 3}),
    "sampled": (
        [{"prompt": "import ", "answer": "os"}],
        {"max_tokens": 3, "temperature": 1.0, "repeats": 4, "kind": "exact_match"},
    ),
}


class Counted:
    """An engine, with the calls that it gets.

    Attributes:
        calls: Models that were asked in each.
        most: How many it can be asked of at once.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.fingerprint, self.limit, self.starts = engine.fingerprint, engine.limit, engine.starts
        self.load_adapters = engine.load_adapters
        self.calls: list[list[int]] = []
        self.most = 8

    def logprobs(self, sequences: Any, models: Sequence[int] = ()) -> Any:
        return self._counted(models) or self._engine.logprobs(sequences, models)

    def generate(self, prompts: Any, settings: Any, models: Sequence[int] = ()) -> Any:
        return self._counted(models) or self._engine.generate(prompts, settings, models)

    def _counted(self, models: Sequence[int]) -> None:
        self.calls.append(sorted(set(models)))
        if len(self.calls[-1]) > self.most:
            raise EvaluationError("too many at once")


@pytest.fixture
def engine(transformers: Engine, zoo: Path, adapters: Path) -> Counted:
    transformers.load(zoo / "models" / "base")
    transformers.load_adapters([adapters / kind for kind in KINDS])
    return Counted(transformers)


@pytest.mark.parametrize("kind", ASKED)
def test_one_call_for_all_gives_what_one_call_each_gives(
    kind: str, engine: Counted, adapters: Path, split: Callable[..., Split], base: Tokenizer
) -> None:
    items, settings = ASKED[kind]
    made = split(items, **{"kind": kind, **settings}).prepare(base, 512)
    found = together(engine, range(3), lambda one, _: made.score(one))  # type: ignore[arg-type]
    assert engine.calls == [[0, 1, 2]]
    for number, name in enumerate(KINDS):
        engine.load_adapters([adapters / name])
        assert found[number] == made.score(engine)


def test_who_asks_more_is_asked_with_those_who_do(engine: Counted) -> None:
    def asks(one: Engine, number: int) -> list[float]:
        found = [one.logprobs([[1, 2 + place]])[0][0] for place in range(number + 1)]
        if number == 1:
            raise EvaluationError("of this one alone")
        return [float(value) for value in found]

    found = together(engine, range(3), asks)  # type: ignore[arg-type]
    assert engine.calls == [[0, 1, 2], [1, 2], [2]]
    assert isinstance(found[1], EvaluationError)
    assert [len(found[number]) for number in (0, 2)] == [1, 3]  # type: ignore[arg-type]


class TestEvaluator:
    @pytest.fixture
    def scored(
        self, engine: Counted, adapters: Path, split: Callable[..., Split], tmp_path: Path,
        base: Tokenizer,
    ) -> Callable[..., Any]:  # fmt: skip
        """Scores adapters together, and says how often the engine was asked."""
        splits = {"t": split(*ASKED["likelihood"][:1], kind="likelihood")}

        def score(*names: str, trial: Any = None, screens: Any = None) -> Any:
            cache = EvaluationCache(tmp_path / "evaluations")
            evaluator = Evaluator(engine, base, splits, cache, None, screens)  # type: ignore[arg-type]
            engine.calls.clear()

            def load(numbers: Sequence[int]) -> None:
                engine.load_adapters([adapters / names[number] for number in numbers])

            found = evaluator.score_all([name * 5 for name in names], load, trial)
            return found, list(engine.calls)

        return score

    def test_scores_are_remembered_with_who_was_asked_together(
        self, scored: Callable[..., Any]
    ) -> None:
        first, calls = scored(*KINDS)
        assert calls == [[0, 1, 2]]
        assert scored(*KINDS) == (first, [])
        # Another litter is asked anew, whatever is known of its members.
        assert scored(*KINDS[::-1]) == (first[::-1], [[0, 1, 2]])
        assert scored(*KINDS[:2])[1] == [[0, 1]]
        assert scored(KINDS[0])[1] == [[]]

    def test_what_fails_together_is_done_one_by_one(
        self, scored: Callable[..., Any], engine: Counted
    ) -> None:
        expected, _ = scored(*KINDS)
        engine.most = 1
        found, calls = scored(*KINDS[1:])
        assert calls == [[0, 1], [], []]
        assert found == expected[1:]

    def test_who_is_screened_away_leaves_the_others(self, scored: Callable[..., Any]) -> None:
        expected, _ = scored(*KINDS)
        bounds = {}
        for name in KINDS:
            screens = schema.Screens(bits_per_token=0.01, items=2)
            [error], _ = scored(name, trial=Trial(), screens=screens)
            bounds[name] = float(str(error).split()[1])
        worst = max(KINDS, key=lambda name: bounds[name])
        screens = schema.Screens(bits_per_token=bounds[worst] - 0.001, repetition=None, items=2)
        found, calls = scored(*KINDS, trial=Trial(), screens=screens)
        place = KINDS.index(worst)
        left = [number for number in range(3) if number != place]
        assert calls == [[0, 1, 2], left]
        assert "screen: " in str(found[place])
        assert [found[number] for number in left] == [expected[number] for number in left]
