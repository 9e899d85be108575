"""Tasks of the harness can be raced where their fitness is a mean of values between 0 and 1."""

from pathlib import Path
from typing import Any

import pytest

from speciate.errors import TaskError
from speciate.evaluator import Engine
from speciate.evaluator.tasks import Partial, kind_of
from speciate.evaluator.tokenizer import Tokenizer

ORDER = [7, 0, 12, 3]


@pytest.mark.parametrize("task", ["choice", "share"])
def test_some_items_have_the_scores_that_they_have_among_all(
    task: str, folder: Path, zoo: Path, transformers: Engine, base: Tokenizer, read: Any
) -> None:
    transformers.load(zoo / "models" / "english")
    kind = read(folder, task=f"{task}.yaml").prepare(base, 512)
    full = kind.score(transformers)
    assert len(set(full.items)) > 1
    assert kind.score_items(transformers, ORDER) == full.of(ORDER)


def test_values_outside_are_refused(
    folder: Path, zoo: Path, transformers: Engine, base: Tokenizer, read: Any
) -> None:
    own = folder / "own.py"
    own.write_text(own.read_text().replace("/ len(expected)", "* 100"))
    transformers.load(zoo / "models" / "english")
    kind = read(folder, task="share.yaml").prepare(base, 512)
    with pytest.raises(TaskError, match=r"^task 't' cannot race: share of a document is \d+00,"):
        kind.score_items(transformers, range(20))


def test_where_less_is_better_nothing_is_raced(section: Any) -> None:
    assert issubclass(kind_of(section(task="x")), Partial)
    assert not issubclass(kind_of(section(task="x", higher_is_better=False)), Partial)
