"""Sections of tasks: what makes no sense is refused in one line."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from speciate.configs import schema
from speciate.configs.load import explain

TASK = TypeAdapter[schema.Task](schema.Task)


def task(kind: str, **settings: Any) -> schema.Task:
    return TASK.validate_python({"name": "t", "kind": kind, "search": "t.jsonl", **settings})


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        ("exact_match", {"repeats": 2}, "task 't' repeats 2 times at temperature 0"),
        ("exact_match", {"temperature": -1}, "temperature: input should be greater than or equal"),
        ("exact_match", {"temperature": float("nan")}, "temperature: "),
        ("exact_match", {"temperature": 1e-9}, "temperature: 1e-09 is too low to sample at"),
        ("exact_match", {"top_p": 0}, "top_p: input should be greater than 0"),
        ("exact_match", {"repeats": 0}, "repeats: "),
        ("exact_match", {"extract": "numbr"}, "unknown value 'numbr'; did you mean 'number'?"),
        ("exact_match", {"extract": "regex"}, 'needs both of extract = "regex" and regex'),
        ("exact_match", {"regex": "a"}, 'needs both of extract = "regex" and regex'),
        ("exact_match", {"extract": "regex", "regex": "(a"}, "is not a regular expression (miss"),
        ("exact_match", {"extract": "regex", "regex": "(a)(b)"}, "has 2 groups; write all but one"),
        ("exact_match", {"tempreture": 1}, "unknown key 'tempreture'; did you mean 'temperature'?"),
        ("code", {"extract": "fence"}, "unknown value 'fence'; did you mean 'fenced'?"),
        ("code", {"language": "c"}, "language: "),
        ("code", {"seconds": 0}, "seconds: input should be greater than or equal to 1"),
        ("code", {"memory": 32}, "memory: input should be greater than or equal to 64"),
        ("perplexity", {"unit": "words"}, "unknown value 'words'; did you mean 'word'?"),
        ("perplexity", {"window": 1}, "window: "),
        ("perplexity", {"chat": True}, "documents are no chats"),
        ("plugin", {}, "entry_point: field required"),
        ("plugin", {"entry_point": "a b"}, "entry_point: string should match pattern"),
        ("plugin", {"entry_point": "a:B", "options": {"x": float("inf")}}, "options: out of range"),
        ("perplexty", {}, "unknown value 'perplexty'; did you mean 'perplexity'?"),
    ],
)
def test_what_makes_no_sense_is_refused(kind: str, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        task(kind, **settings)
    line = explain(caught.value)
    assert said in line
    assert "\n" not in line


def test_what_makes_sense_is_taken() -> None:
    found = task("exact_match", temperature=0.5, repeats=3, extract="regex", regex=r"is (\d+)")
    assert isinstance(found, schema.ExactMatch)
    assert (found.repeats, found.match, found.top_p, found.seed) == (3, "first", 1.0, 0)
    assert task("plugin", entry_point="pkg.mod:Class", options={"a": [1, {"b": "c"}]})


def test_a_task_survives_being_archived() -> None:
    for one in (
        task("exact_match", temperature=0.5, repeats=3),
        task("perplexity", unit="byte"),
        task("plugin", entry_point="name", options={"a": {"b": 1.5}}),
    ):
        assert TASK.validate_python(one.model_dump(mode="json")) == one
