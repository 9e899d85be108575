"""What a judge is asked about an answer, and what its verdicts are worth.

Answers come from models under selection, which will find whatever makes a judge generous. So an
answer stands in a block whose ends hold a code that is made of the answer itself: to write it, a
model would have to know the hash of its own text.
"""

from collections.abc import Sequence
from importlib.resources import files
from string import Template
from typing import Any, Literal, Protocol

from pydantic import Field, create_model

from speciate.configs.section import Section
from speciate.configs.tasks.judge import Judge
from speciate.evaluator.tasks.item import Item
from speciate.records import digest_of

Block = tuple[str, str]


class JudgeItem(Item):
    """A prompt, with a reference answer and a rubric of its own, if it has some."""

    prompt: str = Field(min_length=1)
    reference: str | None = None
    rubric: str | None = None

    def check(self, task: Any) -> None:  # noqa: ANN401
        """Refuses items without what the mode needs."""
        if task.mode == "pairwise" and self.reference is None:
            raise ValueError("reference: pairs need one to compare the answer with")
        if task.mode == "rubric" and not (self.rubric or task.rubric or "").strip():
            raise ValueError("rubric: give the item one, or the task one for all items")


class Grade(Section):
    """The verdict on one answer; the reason comes first, so that the grade may follow from it."""

    reason: str
    grade: int


class Preference(Section):
    """The verdict on two answers."""

    reason: str
    better: Literal["A", "B", "tie"]


class Mode(Protocol):
    """A way to judge.

    Attributes:
        metric: Unit of the values.
        verdict: What the judge replies.
    """

    metric: str
    verdict: type[Section]

    def prompts(self, item: JudgeItem, answer: str) -> tuple[str, ...]:
        """What the judge is asked about an answer; each asks for one verdict."""

    def value(self, verdicts: Sequence[Any]) -> float:
        """Of an answer, in [0, 1]."""


class Rubric:
    """One grade from 1 to the number of levels, as a share of the way up."""

    metric = "grade"

    def __init__(self, task: Judge) -> None:
        """Takes rubric and levels."""
        self._task = task
        self.verdict: type[Section] = create_model(
            "Grade", __base__=Grade, grade=(int, Field(ge=1, le=task.levels))
        )

    def prompts(self, item: JudgeItem, answer: str) -> tuple[str, ...]:
        """See `Mode.prompts`."""
        blocks, words = _known(item, self._task), ""
        if item.reference is not None:
            blocks.append(("REFERENCE ANSWER", item.reference))
            words = " The block REFERENCE ANSWER shows a good answer to compare with."
        blocks.append(("ANSWER", answer))
        levels = str(self._task.levels)
        return (filled("rubric", blocks, levels=levels, reference=words),)

    def value(self, verdicts: Sequence[Grade]) -> float:
        """See `Mode.value`."""
        return (verdicts[0].grade - 1) / (self._task.levels - 1)


class Pairwise:
    """The answer against the reference, in both orders, since judges prefer a place.

    1 if the answer wins in both, 0 if it loses in both, and else 0.5 (Zheng et al., "Judging
    LLM-as-a-judge with MT-bench and Chatbot Arena", 2023).
    """

    metric = "wins"

    def __init__(self, task: Judge) -> None:
        """Takes the rubric, if there is one."""
        self._task = task
        self.verdict: type[Section] = Preference

    def prompts(self, item: JudgeItem, answer: str) -> tuple[str, ...]:
        """See `Mode.prompts`; the answer is A, and then B."""
        known = _known(item, self._task)
        criteria = " by the block RUBRIC" if len(known) > 1 else ""
        orders = ((answer, item.reference or ""), (item.reference or "", answer))
        return tuple(
            filled("pairwise", [*known, ("ANSWER A", a), ("ANSWER B", b)], criteria=criteria)
            for a, b in orders
        )

    def value(self, verdicts: Sequence[Preference]) -> float:
        """See `Mode.value`."""
        first, second = (verdict.better for verdict in verdicts)
        if (first, second) == ("A", "B"):
            return 1.0
        return 0.0 if (first, second) == ("B", "A") else 0.5


MODES: dict[str, type[Rubric] | type[Pairwise]] = {"rubric": Rubric, "pairwise": Pairwise}


def template(name: str) -> str:
    """The text of a prompt, with places to fill in."""
    return (files("speciate.evaluator.tasks") / "prompts" / f"{name}.txt").read_text("utf-8")


def filled(name: str, blocks: Sequence[Block], **words: str) -> str:
    """A prompt that holds texts of others, each in a block that it cannot end."""
    code = _code(blocks)
    parts = [f"{title} [{code}]\n{text}\nEND {title} [{code}]" for title, text in blocks]
    return Template(template(name)).substitute(code=code, blocks="\n\n".join(parts), **words)


def _code(blocks: Sequence[Block]) -> str:
    """16 hexadecimal digits that are in none of the texts, and the same each time."""
    code = digest_of(blocks)[:16]
    while any(code in text for _, text in blocks):
        code = digest_of([code, blocks])[:16]
    return code


def _known(item: JudgeItem, task: Judge) -> list[Block]:
    """What stands before the answer."""
    rubric = item.rubric or task.rubric
    return [("QUESTION", item.prompt), *([("RUBRIC", rubric)] if rubric else [])]
