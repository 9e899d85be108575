"""Items for campaigns on the zoo: more of its held-out texts than ship with it.

Search items are drawn anew for every seed, and test items are other ones for every seed too: an
interval over seeds is one over items as well.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from arena import EXPERTS, Ground, share
from batch import Run

from speciate.configs.zoo import corpus, items

# The most of a task, by split; English is short of test items.
ITEMS = {"search": 600, "test": 1200}

Pool = Mapping[str, Mapping[str, list[str]]]


def _lines(texts: items.Texts, kind: str, part: str) -> list[str]:
    rng = np.random.default_rng([EXPERTS.index(kind), part == "test"])
    made = items.text_items(texts[kind][part], ITEMS[part], items.elsewhere(texts, part), rng)
    return [json.dumps(item) for item in made]


def pool() -> Pool:
    """Lines by split and task; none occurs in another split, or in what models are trained on."""
    texts = corpus.load()
    return {part: {kind: _lines(texts, kind, part) for kind in EXPERTS} for part in ITEMS}


def pooled(out: Path) -> Path:
    """The file of them, made if it is not there."""
    run = Run("items", pool, ())
    run.done(out)
    return out / f"{run.name}.json"


def ground(path: Path, seed: int, drawn: int, tested: int) -> Ground:
    """Of the zoo's models.

    Args:
        path: The file of all items.
        drawn: Search items drawn of each task.
        tested: Test items of each task: the seed's own, or those of others where seeds are many.
    """
    lines: Any = json.loads(path.read_text())
    test = {kind: share(found, seed, tested) for kind, found in lines["test"].items()}
    return Ground(lines["search"], test, drawn, tested)
