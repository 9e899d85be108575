"""Makes the zoo: `python -m speciate.configs.zoo.make --out DIR`, about five minutes on two cores.

Writes DIR/models, DIR/tasks and DIR/manifest.json. Nothing is downloaded: the texts are those of
the running Python, so another minor version gives another zoo.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from rich.progress import Progress

from speciate.configs.zoo import items, score, train
from speciate.configs.zoo.corpus import KINDS, load, missing

SEED = 0
BASE_STEPS, BASE_RATE = 500, 2e-3
EXPERT_STEPS, EXPERT_RATE = 200, 1e-3

# One founder is sharded, so that readers of the zoo meet both layouts.
SHARDED, SHARD = "tests", "1MB"

CARD = """---
license: apache-2.0
{line}---
# {name}

A byte-level Llama of 0.83 M parameters, {how}.
Part of the zoo of `speciate`; made by `speciate.configs.zoo.make` from texts that come with CPython
(© Python Software Foundation, PSF-2.0). A test object: it knows nothing.
"""


def make_base(out: Path, texts: items.Texts, tick: Callable[[], None]) -> None:
    """Trains the base on all kinds and saves it in `out / "base"`.

    Its learning rate does not decay: a base that has settled leaves its experts nothing to share,
    and their average is then no better than the base (measured: 2.37 bits against 2.33).
    """
    model = train.build_model(SEED)
    mixture = [texts[kind]["train"] for kind in KINDS]
    train.train(model, mixture, BASE_STEPS, BASE_RATE, SEED, tick, decay=False)
    how = f"trained for {BASE_STEPS} steps on {', '.join(KINDS)}"
    train.save(model, out / "base", CARD.format(line="", name="base", how=how))


def make_expert(
    base: Path, out: Path, kind: str, texts: items.Texts, tick: Callable[[], None]
) -> None:
    """Fine-tunes the saved `base` on one kind and saves the expert in `out / kind`."""
    model = train.load(base)
    seed = SEED + 1 + KINDS.index(kind)
    train.train(model, [texts[kind]["train"]], EXPERT_STEPS, EXPERT_RATE, seed, tick)
    how = f"the base fine-tuned for {EXPERT_STEPS} steps on {kind}"
    card = CARD.format(line="base_model: ../base\n", name=kind, how=how)
    train.save(model, out / kind, card, SHARD if kind == SHARDED else "1GB")


def make_tasks(out: Path, texts: items.Texts) -> dict[str, int]:
    """Writes all items; returns their counts by file name."""
    made = items.make(texts, "search", SEED) | items.make(texts, "test", SEED + 1)
    for name, found in made.items():
        items.write(found, out / f"{name}.jsonl")
    return {name: len(found) for name, found in made.items()}


def make_models(out: Path, texts: items.Texts) -> None:
    """Trains and saves all six models under a progress bar."""
    with Progress() as bar:
        for name in ("base", *KINDS):
            start, steps = time.monotonic(), BASE_STEPS if name == "base" else EXPERT_STEPS
            tick = partial(bar.advance, bar.add_task(name, total=steps))
            if name == "base":
                make_base(out, texts, tick)
            else:
                make_expert(out / "base", out, name, texts, tick)
            bar.console.print(f"{name}: {time.monotonic() - start:.0f} s")


def make(out: Path) -> None:
    """Makes the whole zoo in `out`.

    Raises:
        RuntimeError: this Python comes without some of the texts.
    """
    if lacking := missing():
        raise RuntimeError(f"this Python comes without the texts of: {', '.join(lacking)}")
    texts = load()
    counts = make_tasks(out / "tasks", texts)
    make_models(out / "models", texts)
    manifest = {
        "python": platform.python_version(),
        "seed": SEED,
        "items": counts,
        "characters": {
            kind: {part: len(text) for part, text in by.items()} for kind, by in texts.items()
        },
        "models": {
            name: score.measure(train.load(out / "models" / name), out / "tasks")
            for name in ("base", *KINDS)
        },
    }
    (out / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write the zoo into")
    make(parser.parse_args().out)
