"""Tasks of the harness: the same scores as by its own model of the same weights."""

import math
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from speciate.configs.directions import higher_is_better
from speciate.errors import TaskError
from speciate.evaluator import Engine
from speciate.evaluator.tasks import kind_of
from speciate.evaluator.tokenizer import Tokenizer

harness: Any = pytest.importorskip("lm_eval")
manager: Any = pytest.importorskip("lm_eval.tasks").TaskManager(include_defaults=False)


def theirs(folder: Path, task: str, **settings: Any) -> tuple[Any, Any]:
    """What the harness makes of a task: its results, and those of each document."""
    found = harness.simple_evaluate(
        tasks=[str(folder / task)], task_manager=manager, bootstrap_iters=0, limit=20, **settings
    )
    (results,), (samples,) = found["results"].values(), found["samples"].values()
    return results, samples


@pytest.mark.parametrize(
    ("task", "metric", "settings", "unit"),
    [
        ("choice", "acc", {}, "acc"),
        ("choice", "acc_norm", {"num_fewshot": 2}, "acc_norm"),
        ("greedy", "acc", {}, "acc"),
        ("greedy", "perplexity", {"higher_is_better": False}, "log2 perplexity"),
        ("write", "exact_match", {"filter": "vowel"}, "exact_match"),
        (
            "write",
            "exact_match",
            {"filter": "last", "generation": {"max_gen_toks": 6}},
            "exact_match",
        ),
        ("share", "share", {"num_fewshot": 1}, "share"),
        ("roll", "bits_per_byte", {"higher_is_better": False, "max_length": 32}, "bits/byte"),
        ("roll", "word_perplexity", {"higher_is_better": False}, "bits/word"),
    ],
)
def test_scores_are_those_of_the_harness(
    task: str,
    metric: str,
    settings: dict[str, Any],
    unit: str,
    folder: Path,
    zoo: Path,
    transformers: Engine,
    base: Tokenizer,
    monkeypatch: Any,
    capfd: Any,
    read: Any,
) -> None:
    model = zoo / "models" / "library"
    transformers.load(model)
    capfd.readouterr()
    kind = read(folder, task=f"{task}.yaml", metric=metric, **settings).prepare(base, 512)
    score = kind.score(transformers)
    assert capfd.readouterr() == ("", "")
    monkeypatch.chdir(folder)  # Where the harness looks for data.
    results, _ = theirs(
        folder,
        f"{task}.yaml",
        model="hf",
        model_args={
            "pretrained": str(model),
            "dtype": "float32",
            "max_length": settings.get("max_length"),
        },
        device="cpu",
        batch_size=1,
        num_fewshot=settings.get("num_fewshot"),
        gen_kwargs=settings.get("generation"),
    )
    expected = results[f"{metric},{settings.get('filter', 'none')}"]
    expected = math.log2(expected) if metric.endswith("perplexity") else expected
    counted = metric in ("acc", "acc_norm", "exact_match")
    assert score.value == pytest.approx(expected, rel=0, abs=0 if counted else 2e-6)
    assert (score.metric, len(score.items)) == (unit, 20)
    assert 0 < kind.fitness(score.value) < 1


def test_the_harness_itself_can_run_our_engine(
    folder: Path, zoo: Path, transformers: Engine, base: Tokenizer, monkeypatch: Any, read: Any
) -> None:
    from speciate.evaluator.harness import EngineLM

    transformers.load(zoo / "models" / "english")
    score = read(folder, task="share.yaml").prepare(base, 512).score(transformers)
    monkeypatch.chdir(folder)
    _, samples = theirs(folder, "share.yaml", model=EngineLM(base, transformers))
    assert score.items == pytest.approx([one["share"] for one in samples], abs=1e-6)


def test_some_of_the_items_score_as_among_all(
    folder: Path, zoo: Path, transformers: Engine, base: Tokenizer, read: Any
) -> None:
    transformers.load(zoo / "models" / "english")
    split = read(folder, task="share.yaml", search="test[5:25]", num_fewshot=3)
    split = pickle.loads(pickle.dumps(split))  # As it goes to workers.
    some = replace(split, items=split.items[4:7], places=split.places[4:7])
    whole, part = (one.prepare(base, 512).score(transformers) for one in (split, some))
    assert part.items == whole.items[4:7]
    assert split.places[4] == f"{folder}/share.yaml: test[5:25] 9"


def test_sampled_answers_are_drawn_by_seed(
    folder: Path, zoo: Path, transformers: Engine, base: Tokenizer, read: Any
) -> None:
    transformers.load(zoo / "models" / "english")
    drawn = {"generation": {"do_sample": True, "temperature": 2.0, "max_gen_toks": 8}}
    first, again, other = (
        read(folder, task="share.yaml", seed=seed, **drawn).prepare(base, 512).score(transformers)
        for seed in (1, 1, 2)
    )
    assert first == again != other


def test_prompts_may_be_chats(
    folder: Path, transformers: Engine, base: Tokenizer, read: Any
) -> None:
    chat = read(folder, task="write.yaml", chat=True).prepare(base, 512)
    plain = read(folder, task="write.yaml").prepare(base, 512)
    assert all(longer > short for longer, short in zip(chat.lengths, plain.lengths, strict=True))
    with (folder / "write.yaml").open("a") as file:
        file.write("gen_prefix: It is\n")
    with pytest.raises(TaskError, match=r"^task 't': the task begins answers .* chat = false"):
        read(folder, task="write.yaml", chat=True).prepare(base, 512)


def test_the_direction_is_the_sections(section: Any) -> None:
    for better in (True, False):
        task = section(task="gsm8k", higher_is_better=better)
        assert kind_of(task).higher_is_better == better
        assert higher_is_better(task.model_dump(mode="json")) == better
    assert kind_of(section(task="x", higher_is_better=False)).fitness(2.0) == 0.25
