"""Finding the answer in what a model wrote, and what of it is compared."""

import string
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import regex  # type: ignore[import-untyped]

from speciate.configs import schema
from speciate.errors import TaskError

# What stands for the answer in a text that has none; never right.
NO_ANSWER = "[invalid]"
# An expression that takes longer at one answer would, for all one can tell, never end.
SECONDS = 10.0

_NUMBER = regex.compile(
    r"(?P<minus>(?<!\w)[-\u2212])?[$€£¥]?(?P<inner>(?<=[$€£¥])[-\u2212])?"
    r"(?P<digits>(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?|(?<![0-9.])\.[0-9]+)"
)
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)

Extractor = Callable[[str], str]


def extractor(task: schema.ExactMatch) -> Extractor:
    """How the answer of a task is found in a text; `NO_ANSWER` where there is none."""
    if task.extract == "number":
        return number
    if task.regex is not None:
        return _matching(regex.compile(task.regex), task)
    return lambda text: text


def number(text: str) -> str:
    """The last number of a text, written the same for equal numbers.

    Thousands are separated by commas, decimals by a point; a currency sign may stand before the
    number, and a minus before or behind that sign. A minus behind a letter or digit is a hyphen
    or a difference.
    """
    numbers = list(_NUMBER.finditer(text))
    if not numbers:
        return NO_ANSWER
    found = numbers[-1]
    plain = f"{Decimal(found['digits'].replace(',', '')):f}"
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    negative = found["minus"] or found["inner"]
    return f"-{plain}" if negative and plain != "0" else plain


def comparable(text: str, task: schema.ExactMatch) -> str:
    """What of an answer is compared."""
    text = text.strip() if task.strip else text
    text = text.lower() if task.ignore_case else text
    return text.translate(_NO_PUNCTUATION) if task.ignore_punctuation else text


def _matching(pattern: Any, task: schema.ExactMatch) -> Extractor:  # noqa: ANN401
    def extract(text: str) -> str:
        try:
            found = list(pattern.finditer(text, timeout=SECONDS))
        except TimeoutError:
            # Not a wrong answer: a score may not depend on how fast a machine is.
            raise TaskError(
                f"task '{task.name}': regex takes more than {SECONDS:g} s at one answer; "
                "write it without repeats inside repeats"
            ) from None
        if not found:
            return NO_ANSWER
        chosen = found[0 if task.match == "first" else -1]
        return chosen[pattern.groups] or ""

    return extract
