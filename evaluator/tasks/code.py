"""Code: what a model writes is run in a sandbox, and passes its tests or does not."""

import os
import platform
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

from pydantic import Field

from speciate.configs import schema
from speciate.configs.tasks import Code as Section
from speciate.errors import TaskError
from speciate.evaluator import Engine, Tokens
from speciate.evaluator.exam import Exam, examine
from speciate.evaluator.exam.script import Script
from speciate.evaluator.tasks.generation import answers
from speciate.evaluator.tasks.item import Item, render
from speciate.evaluator.tokenizer import Tokenizer
from speciate.records import Score
from speciate.sandbox import Limits, available

# A block of Markdown, or what there is of one when the answer ends within it.
_BLOCK = re.compile(
    r"^(?P<indent>[ \t]*)(?P<fence>`{3,})[ \t]*(?P<language>[^\s`]*)[^\n`]*\n"
    r"(?P<code>.*?)(?:^[ \t]*(?P=fence)`*[ \t]*$|\Z)",
    re.DOTALL | re.MULTILINE,
)
_PYTHON = ("python", "py", "python3", "")
# Wall time only ends what waits forever: a busy machine must not make code fail.
_WALL_FACTOR, _WALL_MORE_S = 4, 20.0


class CodeItem(Item):
    """A prompt, and the tests that its code must pass."""

    prompt: str = Field(min_length=1)
    tests: str = Field(min_length=1)
    entry_point: str | None = Field(None, pattern=r"^[^\W\d]\w*$")
    setup: str = ""

    def check(self, task: schema.Task) -> None:
        """Refuses tests that cannot be run, or would test nothing."""
        Script(self.tests, self.entry_point)


class Code:
    """Share of answers whose code passes: pass@1."""

    metric = "pass"
    higher_is_better = True
    item = CodeItem

    def __init__(self, task: Section, items: Sequence[CodeItem], tokenizer: Tokenizer) -> None:
        """Tokenises the prompts once for all models."""
        self._task, self._items, self._tokenizer = task, items, tokenizer
        encode = tokenizer.encode_rendered if task.chat else tokenizer.encode
        self._prompts = [encode(render(item.prompt, tokenizer, task.chat)) for item in items]
        self.lengths = [len(prompt) + task.max_tokens for prompt in self._prompts]
        self._limits = Limits(
            cpu_s=task.seconds,
            wall_s=_WALL_FACTOR * task.seconds + _WALL_MORE_S,
            memory_mb=task.memory,
        )
        # Models of one family often write the same.
        self._passed: dict[tuple[int, str], bool] = {}

    def score(self, engine: Engine) -> Score:
        """Of the engine's present model; an item's value is the mean of its repeats."""
        return self.score_items(engine, range(len(self._prompts)))

    def score_items(self, engine: Engine, items: Sequence[int]) -> Score:
        """See `Partial`."""
        repeats = answers(engine, self._prompts, self._task, self._tokenizer, items)
        written = [
            [
                (number, self._program(number, text))
                for number, text in zip(items, texts, strict=True)
            ]
            for texts in repeats
        ]
        self._examine(set(chain.from_iterable(written)))
        passed = zip(
            *([self._passed[one] for one in programs] for programs in written), strict=True
        )
        return Score(self.metric, tuple(sum(runs) / len(runs) for runs in passed))

    @property
    def probes(self) -> Sequence[Tokens]:
        """The prompts; see `Probing`."""
        return self._prompts

    def _program(self, number: int, text: str) -> str:
        item = self._items[number]
        code = found(text) if self._task.extract == "fenced" else text
        code = item.prompt + code if self._task.append else code
        return f"{item.setup}\n{code}" if item.setup else code

    def _examine(self, programs: set[tuple[int, str]]) -> None:
        """Runs what was not run before, as many at once as there are processors."""
        new = sorted(programs - self._passed.keys())
        pool = ThreadPoolExecutor(len(os.sched_getaffinity(0)))
        try:
            for key, passed in zip(new, pool.map(self._passes, new), strict=True):
                self._passed[key] = passed
        finally:
            pool.shutdown(cancel_futures=True)

    def _passes(self, program: tuple[int, str]) -> bool:
        number, code = program
        item = self._items[number]
        return examine(code, Exam(item.tests, item.entry_point), self._limits).passed

    @staticmethod
    def check_machine(task: Section) -> None:
        """Before anything is started: whether there is a sandbox.

        Raises:
            TaskError: There is none, and what to do.
        """
        if complaint := available():
            raise TaskError(f"task '{task.name}' runs code in a sandbox: {complaint}")

    @staticmethod
    def depends_on(task: Section) -> object:
        """What scores depend on besides settings and items: the language's version."""
        return [task.language, *platform.python_version_tuple()[:2]]

    @staticmethod
    def fitness(value: float) -> float:
        """The share."""
        return value


def found(text: str) -> str:
    """The first block in an answer that is named Python, or not named; all of it without one."""
    for block in _BLOCK.finditer(text):
        if block["language"].lower() in _PYTHON:
            # As in a list, where all lines of the block are indented.
            return re.sub(rf"^{block['indent']}", "", block["code"], flags=re.MULTILINE)
    return text
