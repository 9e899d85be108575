"""Founders of many sources, and a task that none of them was trained for.

The founders are the zoo's five experts, and eleven more that are made of the zoo's base in the same
way, of other parts of what comes with CPython. The task is prose about a program, IDLE: search
items are cut from its notes (what is to do, how to extend it, old changes), test items from its
list of changes.
"""

import json
import sysconfig
from collections.abc import Sequence
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
}
FOUNDERS = (*EXPERTS, *SOURCES)
NOTES = "idlelib/*.txt"
# Each seed draws its own 200 of those to search by.
COUNTS = {"search": 600, "test": 400}


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
    seed = make.SEED + 1 + FOUNDERS.index(name)
    train.train(model, [text], make.EXPERT_STEPS, make.EXPERT_RATE, seed, lambda: None)
    how = f"the base fine-tuned for {make.EXPERT_STEPS} steps on {name}"
    train.save(model, folder / name, make.CARD.format(line="", name=name, how=how))
    return len(text)


def path_of(name: str, folder: Path) -> Path:
    """Where a founder lies, of which `folder` holds those that the zoo has not."""
    return ZOO / "models" / name if name in EXPERTS else folder / name


def notes() -> dict[str, str]:
    """The longest document to test on, the others to search by."""
    texts = {name: corpus.clean(text) for name, text in read(NOTES).items()}
    longest = texts.pop(max(texts, key=lambda name: len(texts[name])))
    return {"search": "\n".join(texts.values()), "test": longest}


def make_items() -> dict[str, Sequence[str]]:
    """Lines of either split; no item occurs in the other split or in what a founder has read."""
    texts = {"notes": notes()}
    trained = items.elsewhere(corpus.load(), "") + "\0".join(map(source, SOURCES))
    made = {}
    for part, count in COUNTS.items():
        others = "\0".join([trained, items.elsewhere(texts, part)])
        found = items.text_items(texts["notes"][part], count, others, np.random.default_rng(0))
        made[part] = [json.dumps(one) for one in found]
    return made
