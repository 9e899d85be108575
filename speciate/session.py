"""From a campaign file to a finished archive: everything is checked first, then started."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from speciate.archive.archive import Archive
from speciate.campaign import Stages, evolve
from speciate.configs import schema
from speciate.configs.campaign import load
from speciate.errors import ArchiveError, TaskError
from speciate.evaluator import Engine
from speciate.evaluator.cache import EvaluationCache
from speciate.evaluator.evaluator import Evaluator
from speciate.evaluator.metered import MeteredEngine
from speciate.evaluator.split import Split, load_split
from speciate.evaluator.start import start_engine
from speciate.evaluator.tokenizer import Tokenizer
from speciate.finish import finish
from speciate.nursery import Nursery
from speciate.population.founders import Founder, breeding, check_unchanged, load_founders
from speciate.population.strategies import STRATEGIES, Strategy
from speciate.records import FOUNDER
from speciate.watch import Recorder, View

Splits = Mapping[str, Split]
ViewFor = Callable[[Strategy], View]


def run(
    path: str | Path,
    out: str | Path,
    assignments: Sequence[str] = (),
    view_for: ViewFor | None = None,
    start: Callable[[schema.Engine, Path], Engine] = start_engine,
) -> None:
    """Runs the campaign of a TOML file in a folder, or goes on with it.

    Args:
        path: The campaign file.
        out: The campaign's folder: empty, not there yet, or holding this very campaign.
        assignments: Overrides such as "strategy.generations=4".
        view_for: Makes what shows progress; nothing is told without it.
        start: Starts an engine; called once, or not at all if the campaign is finished.

    Raises:
        UsageError: Config, founders, tasks or folder cannot be used; nothing is written.
        DamageError: Weights are not what the archive recorded.
    """
    path, out = Path(path), Path(out)
    config = load(path, assignments)
    founders = load_founders(config.founders, path.parent)
    search = _splits(config, "search", path.parent)
    test = _splits(config, "test", path.parent)
    _check_apart(search, test)
    with _opened(out, _resolved(config, search, test)) as archive:
        if archive.report is None:
            _complete(archive, config, founders, search, test, view_for, start)


def _complete(
    archive: Archive,
    config: schema.Campaign,
    founders: Sequence[Founder],
    search: Splits,
    test: Splits,
    view_for: ViewFor | None,
    start: Callable[[schema.Engine, Path], Engine],
) -> None:
    """Does what is left of the campaign."""
    _check_founders(archive, founders)
    archive.set_founder_paths({founder.name: founder.path for founder in founders})
    archive.weights.sweep()
    base = next((founder.recipe.id for founder in founders if founder.is_base), None)
    strategy = STRATEGIES[config.strategy.type](
        config.strategy, config.seed, base, breeding(founders, config.founders)
    )
    paths = {founder.recipe.id: founder.path for founder in founders}
    nursery = Nursery(paths, archive.weights, config.store)
    for digest in nursery.drop_damaged():
        archive.telemetry.append({"damaged": digest})
    frame = founders[0].path
    tokenizer = Tokenizer(frame)
    cache = EvaluationCache(archive.folder / "evaluations")
    began = time.monotonic()
    engine = MeteredEngine(start(config.engine, frame))
    took = round(time.monotonic() - began, 3)
    archive.telemetry.append({"engine": engine.fingerprint, "start_seconds": took})
    try:
        stages = Stages(
            config=config,
            founders=founders,
            strategy=strategy,
            nursery=nursery,
            search=Evaluator(engine, tokenizer, search, cache),
            archive=archive,
            watch=Recorder(
                archive.telemetry, engine.work, view_for(strategy) if view_for else None
            ),
        )
        testing = Evaluator(engine, tokenizer, test, cache)
        finish(stages, testing, evolve(stages))
    finally:
        engine.close()


def _splits(config: schema.Campaign, split: str, root: Path) -> dict[str, Split]:
    """The split of every task that has it; a search split is scored also without weight."""
    return {
        task.name: load_split(task, root / path)
        for task in config.tasks
        if (path := getattr(task, split)) is not None
    }


def _resolved(config: schema.Campaign, search: Splits, test: Splits) -> dict[str, Any]:
    """The campaign as archived: names instead of paths, and digests of what they stand for."""
    resolved = config.model_dump(mode="json")
    founders = resolved["founders"]
    founders["base"] = schema.founder_name(founders["base"]) if founders["base"] else None
    founders["models"] = [schema.founder_name(path) for path in founders["models"]]
    for task in resolved["tasks"]:
        for split in ("search", "test"):
            task[split] = Path(task[split]).name if task[split] else None
    digests = {
        "search": {name: split.digest for name, split in search.items()},
        "test": {name: split.digest for name, split in test.items()},
    }
    return {**resolved, "digests": digests}


def _check_apart(search: Splits, test: Splits) -> None:
    """Refuses items that are searched with and tested on: no gain on them is held out."""
    seen = {item: name for name, split in search.items() for item in split.items}
    for name, split in test.items():
        for number, item in enumerate(split.items):
            if item in seen:
                raise TaskError(
                    f"{split.places[number]}: this test item of '{name}' is a search item of "
                    f"'{seen[item]}' too; remove it from one of the files"
                )


@contextmanager
def _opened(out: Path, resolved: Mapping[str, Any]) -> Iterator[Archive]:
    """The archive, locked; one that ends before anything was scored is taken away again."""
    if Archive.is_archive(out):
        with Archive.open(out, writable=True) as archive:
            _check_same(archive.config, resolved, out)
            yield archive
        return
    fresh = [folder for folder in (out, *out.parents) if not folder.exists()]
    with Archive.create(out, resolved) as archive:
        try:
            yield archive
        except BaseException:
            # Founders' scores may have cost hours: who has some may go on from them.
            if archive.state is None and not (out / "evaluations").exists():
                _take_away(out, fresh)
            raise


def _take_away(out: Path, fresh: Sequence[Path]) -> None:
    """Removes what a campaign puts into its folder, and the folders made for it, inner first."""
    for name in (".git", "lock", "local.json", "telemetry.jsonl", "weights"):
        path = out / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    with suppress(OSError):
        for folder in fresh:
            folder.rmdir()


def _check_same(archived: Mapping[str, Any], given: Mapping[str, Any], out: Path) -> None:
    """Refuses to go on with other settings: the archive could no longer be rebuilt from them."""
    before, now = _flat(archived), _flat(given)
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            raise ArchiveError(
                f"{out} was begun with {key} = {before.get(key)!r}, now it is {now.get(key)!r}; "
                "give the same campaign to go on, or another --out to begin a new one"
            )


def _flat(value: object, prefix: str = "") -> dict[str, object]:
    if isinstance(value, Mapping):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = {str(index): part for index, part in enumerate(value)}.items()
    else:
        return {prefix: value}
    return {
        key: leaf
        for name, part in pairs
        for key, leaf in _flat(part, f"{prefix}.{name}" if prefix else str(name)).items()
    }


def _check_founders(archive: Archive, founders: Sequence[Founder]) -> None:
    recorded = {
        str(one.recipe.parameters["name"]): str(one.digest)
        for one in archive.individuals.values()
        if one.recipe.operator == FOUNDER
    }
    if recorded:
        check_unchanged(founders, recorded)
