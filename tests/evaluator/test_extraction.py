"""Answers found in texts."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import TypeAdapter

from speciate.configs import schema
from speciate.errors import TaskError
from speciate.evaluator.tasks import extraction
from speciate.evaluator.tasks.extraction import NO_ANSWER, comparable, extractor, number


def task(**settings: object) -> schema.ExactMatch:
    found = TypeAdapter[schema.Task](schema.Task).validate_python(
        {"name": "t", "kind": "exact_match", "search": "t.jsonl", **settings}
    )
    assert isinstance(found, schema.ExactMatch)
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", "5"),
        ("5.0", "5"),
        ("5.00", "5"),
        ("$5", "5"),
        ("$5.00.", "5"),
        ("#### 1,234,567", "1234567"),
        ("costs €1,234.50 in all", "1234.5"),
        ("first 3, then 4", "4"),
        ("-7", "-7"),
        ("\u22127", "-7"),
        ("-$7", "-7"),
        ("$-7", "-7"),
        ("x=-7", "-7"),
        ("10-7", "7"),
        ("+7", "7"),
        ("007", "7"),
        (".5", "0.5"),
        ("it is...5", "5"),
        ("5%", "5"),
        ("-0.0", "0"),
        ("1,2", "2"),
        ("1,2345", "2345"),
        ("(12)", "12"),
        ("1" * 40 + ".10", "1" * 40 + ".1"),
        ("none", NO_ANSWER),
        ("", NO_ANSWER),
        ("$", NO_ANSWER),
    ],
)
def test_the_last_number(text: str, expected: str) -> None:
    assert number(text) == expected


@given(some.integers(-(10**30), 10**30), some.integers(0, 5))
def test_equal_numbers_are_written_alike(value: int, zeros: int) -> None:
    tail = "." + "0" * zeros if zeros else ""
    assert number(f"it makes {value:,}{tail} in all") == str(value)
    assert number(number(f"{value}")) == str(value)


@given(some.text())
def test_any_text_has_a_number_or_none(text: str) -> None:
    found = number(text)
    assert found == NO_ANSWER or re.fullmatch(r"-?[0-9]+(\.[0-9]*[1-9])?", found)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"regex": r"#### (-?[0-9.,]+)"}, "1"),
        ({"regex": r"#### (-?[0-9.,]+)", "match": "last"}, "22"),
        ({"regex": r"#### \S+", "match": "last"}, "#### 22"),
        ({"regex": r"(?:so|thus) (\w+)"}, NO_ANSWER),
        ({"regex": r"####( none)?"}, ""),  # as re.findall gives a group that took no part
    ],
)
def test_what_an_expression_finds(settings: dict[str, object], expected: str) -> None:
    extract = extractor(task(extract="regex", **settings))
    assert extract("a #### 1 b #### 22") == expected


def test_an_expression_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction, "SECONDS", 0.05)
    extract = extractor(task(extract="regex", regex=r"^(?:a|aa|a?)+$"))
    with pytest.raises(TaskError, match=r"task 't': regex takes more than 0\.05 s") as caught:
        extract("a" * 60 + "!")
    assert "\n" not in str(caught.value)


def test_what_is_compared() -> None:
    text = " It's, (A)! "
    assert comparable(text, task()) == "It's, (A)!"
    assert comparable(text, task(strip=False)) == text
    assert comparable(text, task(ignore_case=True)) == "it's, (a)!"
    assert comparable(text, task(ignore_case=True, ignore_punctuation=True)) == "its a"
