"""Task kinds on a scripted engine whose answers are known."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import TypeAdapter

from speciate.configs import schema
from speciate.errors import EvaluationError, TaskError
from speciate.evaluator import Sampling, Tokens
from speciate.evaluator.split import load_split
from speciate.evaluator.tasks import Answering
from speciate.evaluator.tokenizer import Tokenizer
from speciate.records import Score


class Scripted:
    """Gives each token log-probability -(token id) / 100, and answers with a fixed text."""

    fingerprint, limit, starts = "scripted", 100, 1

    def __init__(self, answer: Sequence[int] = ()) -> None:
        self.answer = list(answer)
        self.prompts: list[list[int]] = []

    def load(self, model: Path) -> None: ...

    def logprobs(self, sequences: Sequence[Tokens]) -> list[NDArray[np.float64]]:
        return [-np.asarray(tokens[1:], np.float64) / 100 for tokens in sequences]

    def generate(self, prompts: Sequence[Tokens], settings: Sampling) -> list[list[int]]:
        self.prompts = [list(prompt) for prompt in prompts]
        return [self.answer[: settings.max_tokens] for _ in prompts]

    def close(self) -> None: ...


@pytest.fixture(scope="module")
def tokenizer(zoo: Path) -> Tokenizer:
    return Tokenizer(zoo / "models" / "base")


def task(**settings: object) -> schema.Task:
    found: schema.Task = TypeAdapter(schema.Task).validate_python(
        {"name": "t", "search": "t.jsonl", **settings}
    )
    return found


def score(
    folder: Path, tokenizer: Tokenizer, items: list[object], engine: Scripted, **settings: object
) -> Score:
    path = folder / "t.jsonl"
    path.write_text("\n".join(json.dumps(item) for item in items))
    return load_split(task(**settings), path).prepare(tokenizer, engine.limit).score(engine)


def total(tokenizer: Tokenizer, text: str) -> float:
    """What the scripted engine gives a text, in nats."""
    return -sum(tokenizer.encode_rendered(text)) / 100


def test_likelihood_is_bits_per_character(tmp_path: Path, tokenizer: Tokenizer) -> None:
    found = score(
        tmp_path,
        tokenizer,
        [{"text": "abc"}, {"prompt": "ab", "text": "c"}],
        Scripted(),
        kind="likelihood",
    )
    whole, last = total(tokenizer, "abc"), total(tokenizer, "c")
    assert found.metric == "bits/char"
    assert found.items == pytest.approx((-whole / math.log(2) / 3, -last / math.log(2)), abs=1e-6)


def test_likelihood_refuses_what_is_not_finite(tmp_path: Path, tokenizer: Tokenizer) -> None:
    class Broken(Scripted):
        def logprobs(self, sequences: Sequence[Tokens]) -> list[NDArray[np.float64]]:
            return [np.full(len(tokens) - 1, np.nan) for tokens in sequences]

    with pytest.raises(EvaluationError, match="finite"):
        score(tmp_path, tokenizer, [{"text": "a"}], Broken(), kind="likelihood")


def test_choice_takes_the_most_likely(tmp_path: Path, tokenizer: Tokenizer) -> None:
    # Under the scripted engine low letters are likelier, and short texts likelier than long ones.
    items: list[object] = [
        {"prompt": "x", "choices": ["b", "a"], "answer": 1},
        {"prompt": "x", "choices": ["b", "a"], "answer": 0},
        {"prompt": "x", "choices": ["b", "aa"], "answer": 1},
    ]
    plain = score(tmp_path, tokenizer, items, Scripted(), kind="multiple_choice")
    assert plain.items == (1.0, 0.0, 0.0)
    assert plain.answers == ("1", "1", "0")
    by_length = score(
        tmp_path, tokenizer, items, Scripted(), kind="multiple_choice", normalize="characters"
    )
    assert by_length.answers == ("1", "1", "1")
    by_tokens = score(
        tmp_path, tokenizer, items, Scripted(), kind="multiple_choice", normalize="tokens"
    )
    assert by_tokens.answers == ("1", "1", "1")


def test_exact_match_cuts_and_strips(tmp_path: Path, tokenizer: Tokenizer) -> None:
    answer = tokenizer.encode_rendered(" 42\nrest")
    items: list[object] = [{"prompt": "q", "answer": "42"}, {"prompt": "q", "answer": ["a", "b"]}]
    settings = {"kind": "exact_match", "stop": ["\n"], "max_tokens": 10}
    found = score(tmp_path, tokenizer, items, Scripted(answer), **settings)
    assert found.items == (1.0, 0.0)
    assert found.answers == ("42", "42")
    strict = score(tmp_path, tokenizer, items, Scripted(answer), **settings, strip=False)
    assert strict.items == (0.0, 0.0)


def test_chat_template_is_used_where_the_task_says_so(tmp_path: Path, tokenizer: Tokenizer) -> None:
    engine = Scripted()
    items: list[object] = [{"prompt": "hello", "answer": "x"}]
    score(tmp_path, tokenizer, items, engine, kind="exact_match")
    assert engine.prompts == [tokenizer.encode("hello")]
    score(tmp_path, tokenizer, items, engine, kind="exact_match", chat=True)
    rendered = tokenizer.chat([{"role": "user", "content": "hello"}])
    assert "hello" in rendered != "hello"
    assert engine.prompts == [tokenizer.encode_rendered(rendered)]


def test_a_rendered_chat_has_its_special_tokens_once(tokenizer: Tokenizer) -> None:
    rendered = tokenizer.chat([{"role": "user", "content": "hello"}])
    tokens, start = tokenizer.encode_pair(rendered, "yes", rendered=True)
    assert tokens == [*tokenizer.encode_rendered(rendered), *tokenizer.encode_rendered("yes")]
    assert start == len(tokens) - 3


def test_pairs_are_whole_texts_cut_in_two(tokenizer: Tokenizer) -> None:
    tokens, start = tokenizer.encode_pair("ab ", "cd")
    assert tokens == tokenizer.encode("ab cd")
    assert tokenizer.decode(tokens[start:]) == " cd"
    tokens, start = tokenizer.encode_pair("", "cd")
    assert (tokenizer.decode(tokens[start:]), start) == ("cd", 1)


def test_votes_know_what_is_right(tmp_path: Path, tokenizer: Tokenizer) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"prompt": "x", "choices": ["b", "a"], "answer": 1}')
    kind = load_split(task(kind="multiple_choice"), path).prepare(tokenizer, 100)
    assert isinstance(kind, Answering)
    assert kind.right(0, "1")
    assert not kind.right(0, "0")
    path.write_text('{"text": "x"}')
    assert not isinstance(
        load_split(task(kind="likelihood"), path).prepare(tokenizer, 100), Answering
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "no items"),
        ('{"text": "a"}\n{"text": }', r"t\.jsonl:2: not a likelihood item"),
        ('{"text": "a"}\n\n{"txt": "a"}', r"t\.jsonl:3: .*text"),
        ('{"text": ""}', r"t\.jsonl:1: .*text"),
    ],
)
def test_bad_files_are_named_with_their_line(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(content)
    with pytest.raises(TaskError, match=said):
        load_split(task(kind="likelihood"), path)


def test_lines_end_only_where_json_lines_do(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"text": "one\u2028two\x85"}\r\n{"text": "three"}\n', encoding="utf-8")
    split = load_split(task(kind="likelihood"), path)
    assert split.places == (f"{path}:1", f"{path}:2")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="nothing"):
        load_split(task(kind="likelihood"), tmp_path / "nothing.jsonl")


def test_an_item_too_long_for_the_engine_is_named(tmp_path: Path, tokenizer: Tokenizer) -> None:
    items: list[object] = [{"text": "a"}, {"text": "a" * 200}]
    with pytest.raises(TaskError, match=r"t\.jsonl:2: task 't' needs 201 tokens here"):
        score(tmp_path, tokenizer, items, Scripted(), kind="likelihood")


def test_digest_changes_with_items_and_settings_only(tmp_path: Path) -> None:
    path, other = tmp_path / "t.jsonl", tmp_path / "u.jsonl"
    line = '{"prompt": "x", "answer": "y"}'
    path.write_text(line)
    other.write_text(line + "\n\n")
    first = load_split(task(kind="exact_match"), path).digest
    assert load_split(task(kind="exact_match", name="u", weight=3), other).digest == first
    assert load_split(task(kind="exact_match", max_tokens=5), path).digest != first
    other.write_text(line.replace("y", "z"))
    assert load_split(task(kind="exact_match"), other).digest != first
