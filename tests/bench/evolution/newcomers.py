"""Founders of many sources, and two tasks that none of them was trained for.

The founders are the zoo's five experts, and eleven more for each task that are made of the zoo's
base in the same way, of other parts of what comes with CPython. `notes` is prose about a program,
IDLE: search items are cut from its notes (what is to do, how to extend it, old changes), test items
from its list of changes. `decimals` is test cases of decimal arithmetic, in a language of their
own: search and test items are cut from different files.
"""

import json
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from arena import EXPERTS, ZOO

from speciate.configs.zoo import corpus, items, make, train

STDLIB = Path(sysconfig.get_path("stdlib"))
BASE = ZOO / "models" / "base"
SOURCES = {
    "asyncio": ("asyncio/*.py",),
    "asyncio_tests": ("test/test_asyncio/*.py",),
    "decimal_tests": ("test/decimaltestdata/*.decTest",),
    "email": ("email/**/*.py",),
    "encodings": ("encodings/*.py",),
    "import_tests": ("test/test_importlib/**/*.py",),
    "markup": ("html/*.py", "json/*.py", "xml/**/*.py"),
    "processes": ("concurrent/**/*.py", "multiprocessing/**/*.py"),
    "tkinter": ("tkinter/*.py",),
    "unittest": ("unittest/*.py",),
    "web": ("http/*.py", "urllib/*.py", "xmlrpc/*.py"),
    "foreign": ("ctypes/**/*.py",),
}


@dataclass(frozen=True)
class Task:
    """What is adapted to.

    Attributes:
        pattern: Of the files that it is cut from.
        without: The source that takes no part in it.
        counts: Items of either split; each seed draws its own of those to search by.
    """

    pattern: str
    without: str
    counts: Mapping[str, int]


TASKS = {
    "notes": Task("idlelib/*.txt", "foreign", {"search": 600, "test": 400}),
    "decimals": Task(
        "test/decimaltestdata/*.decTest", "decimal_tests", {"search": 600, "test": 2000}
    ),
}


def read(pattern: str) -> dict[str, str]:
    """Texts of the standard library by their paths.

    Raises:
        RuntimeError: There are none.
    """
    paths = sorted(STDLIB.glob(pattern))
    if not paths:
        raise RuntimeError(f"this Python comes without {pattern}: the bench needs another one")
    return {
        path.relative_to(STDLIB).as_posix(): path.read_text(encoding="utf-8", errors="ignore")
        for path in paths
    }


def source(name: str) -> str:
    """What a founder is trained on."""
    sections = {path: text for one in SOURCES[name] for path, text in read(one).items()}
    return corpus.split(sections)["train"]


def make_founder(name: str, folder: Path) -> int:
    """Fine-tunes the base as `make.make_expert` does; returns how much text there was."""
    text, model = source(name), train.load(BASE)
    seed = make.SEED + 1 + len(EXPERTS) + list(SOURCES).index(name)
    train.train(model, [text], make.EXPERT_STEPS, make.EXPERT_RATE, seed, lambda: None)
    how = f"the base fine-tuned for {make.EXPERT_STEPS} steps on {name}"
    train.save(model, folder / name, make.CARD.format(line="", name=name, how=how))
    return len(text)


def founders(task: str) -> Sequence[str]:
    """All of a task."""
    return [name for name in (*EXPERTS, *SOURCES) if name != TASKS[task].without]


def path_of(name: str, folder: Path) -> Path:
    """Where a founder lies, of which `folder` holds those that the zoo has not."""
    return ZOO / "models" / name if name in EXPERTS else folder / name


def documents(task: str) -> dict[str, str]:
    """Search and test text: of few documents, the longest is to test on."""
    sections = read(TASKS[task].pattern)
    if task != "notes":
        return corpus.split(sections)
    texts = {name: corpus.clean(text) for name, text in sections.items()}
    longest = texts.pop(max(texts, key=lambda name: len(texts[name])))
    return {"search": "\n".join(texts.values()), "test": longest}


def make_items(task: str) -> dict[str, Sequence[str]]:
    """Lines of either split; no item occurs in the other split or in what a founder has read."""
    texts = {task: documents(task)}
    sources = [source(name) for name in founders(task) if name in SOURCES]
    trained = "\0".join([items.elsewhere(corpus.load(), ""), *sources])
    made = {}
    for part, count in TASKS[task].counts.items():
        others = "\0".join([trained, items.elsewhere(texts, part)])
        found = items.text_items(texts[task][part], count, others, np.random.default_rng(0))
        made[part] = [json.dumps(one) for one in found]
    return made
