"""A kind of task whose worker can be made to die, hang or run out of memory while it scores.

What is to happen lies as a file in the folder that MISBEHAVE names, and happens once: whoever takes
the file away does it.
"""

import os
import resource
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from speciate.evaluator.tasks.item import Item
from speciate.records import Score


class Text(Item):
    """One text."""

    text: str


class Misbehaving:
    """Mean probability of the tokens of each text."""

    metric, higher_is_better, item = "probability", True, Text

    def __init__(self, task: Any, items: Sequence[Text], tokenizer: Any) -> None:
        self._tokens = [tokenizer.encode(item.text) for item in items]
        self.lengths = [len(tokens) for tokens in self._tokens]

    def score(self, engine: Any) -> Score:
        found = engine.logprobs(self._tokens)
        values = tuple(float(np.exp(one).mean()) for one in found)
        if "MISBEHAVE" in os.environ:
            _act(Path(os.environ["MISBEHAVE"]), repr(values))
        return Score("probability", values)

    @staticmethod
    def fitness(value: float) -> float:
        return value


def _act(folder: Path, values: str) -> None:
    scored = folder / "scored"
    with scored.open("a") as file:
        file.write(f"{values}\n")
    if len(scored.read_text().splitlines()) < 6:
        return  # The founders, and some of the first offspring.
    if _takes(folder / "curse"):
        (folder / "cursed").write_text(values)
    if (folder / "cursed").exists() and (folder / "cursed").read_text() == values:
        _die()
    if _takes(folder / "die"):
        _die()
    if _takes(folder / "hang"):
        time.sleep(10_000)
    if _takes(folder / "swell"):
        resource.setrlimit(resource.RLIMIT_AS, (1 << 34, 1 << 34))
        bytearray(1 << 35)
    if _takes(folder / "wait"):
        (folder / "waiting").touch()
        while not (folder / "go").exists():
            time.sleep(0.05)


def _takes(mark: Path) -> bool:
    try:
        mark.unlink()
    except FileNotFoundError:
        return False
    return True


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
