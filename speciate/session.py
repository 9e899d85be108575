"""From a campaign file to a finished archive: everything is checked first, then started."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any

from speciate.adapters import fitted
from speciate.archive.archive import Archive
from speciate.archive.index.compare import remove as remove_index
from speciate.archive.telemetry import Telemetry
from speciate.campaign import evolve
from speciate.configs import schema
from speciate.configs.campaign import load
from speciate.counsel.engage import check_agents, check_prompts, engaged
from speciate.counsel.journal import FOLDER as AGENTS
from speciate.counsel.offers import suited
from speciate.depth import check_kind, measured
from speciate.desk import Desk
from speciate.employ import employed, joined
from speciate.errors import ArchiveError, TaskError
from speciate.evaluator.evaluator import Answers
from speciate.evaluator.split import load_split
from speciate.evaluator.tokenizer import Tokenizer
from speciate.evaluator.trial import check_partial
from speciate.finish import finish
from speciate.fits import Fits
from speciate.goals import goals_of
from speciate.islands.engage import at_sea, by_itself, check_islands
from speciate.islands.journal import FOLDER as ISLANDS
from speciate.kinship import relatives
from speciate.nursery import drop_damaged
from speciate.population.founders import Founder, breeding, check_unchanged, load_founders
from speciate.population.goals import Goals
from speciate.population.strategies import NEED_KIN, STRATEGIES, Strategy
from speciate.stages import Stages
from speciate.stop import stoppable
from speciate.stopping import Stopping
from speciate.track import check, tracked
from speciate.validation import parted
from speciate.watch import Recorder, View
from speciate.words import ended_early
from speciate.worker import Job, Outcome, Setup, Splits, Start
from speciate.workers import Workers

_STOPPING = "stopping when what is in flight is done; Ctrl-C again stops at once"

ViewFor = Callable[[Strategy], View]


def run(
    path: str | Path,
    out: str | Path,
    assignments: Sequence[str] = (),
    view_for: ViewFor | None = None,
    start: Start | None = None,
    address: str | None = None,
    replay: str | Path | None = None,
) -> None:
    """Runs the campaign of a TOML file in a folder, or goes on with it.

    Args:
        path: The campaign file.
        out: The campaign's folder: empty, not there yet, or holding this very campaign.
        assignments: Overrides such as "strategy.generations=4".
        view_for: Makes what shows progress; nothing is told without it.
        start: Starts an engine in this process, instead of on the cluster that the campaign asks
            for; called once, or not at all if the campaign is finished.
        address: Of a Ray cluster to run on, as host:port; this machine alone if not given.
        replay: Folder of a campaign whose agents' answers are taken instead of asking anybody.

    Raises:
        UsageError: Config, cluster, founders, tasks, folder or a package that is asked for cannot
            be used; nothing is written.
        DamageError: Weights are not what the archive recorded.
        KeyboardInterrupt: Somebody pressed Ctrl-C; all up to the last step is archived.
    """
    path, out = Path(path), Path(out)
    config = load(path, assignments)
    check(config.track)
    replayed = Path(replay) if replay else None
    check_agents(config, replayed)
    check_islands(config, path.parent, replayed)
    with joined(address, config) if address else nullcontext():
        _run(path, out, config, view_for, start, address, replayed)


def _run(
    path: Path,
    out: Path,
    config: schema.Campaign,
    view_for: ViewFor | None,
    start: Start | None,
    address: str | None,
    replay: Path | None,
) -> None:
    # Tasks first: what is wrong with them shows in a moment, founders take long to read.
    search = splits(config, "search", path.parent)
    test = splits(config, "test", path.parent)
    search, validation = parted(config, search)
    check_partial(config, search)
    check_kind(config, path.parent)
    founders = load_founders(config.founders, path.parent)
    config = by_itself(suited(measured(fitted(config, founders), founders)))
    check_apart(search, test)
    with _opened(out, _resolved(config, search, validation, test)) as archive:
        if archive.report is None:
            setup = Setup(config, founders, out.absolute(), search, test, validation)
            _prepare(archive, setup)
            workers_asked = 1 if start else config.cluster.workers or 1
            archive.telemetry.append({"started": os.getpid(), "workers": workers_asked})
            with employed(setup, archive.telemetry.append, start, address) as workers:
                _complete(archive, setup, workers, view_for, path.parent, replay)


def _prepare(archive: Archive, setup: Setup) -> None:
    """Makes sure that founders and stored weights are what was recorded, and prompts are known."""
    _check_founders(archive, setup.founders)
    check_prompts(archive, setup.config)
    archive.set_founder_paths({founder.name: founder.path for founder in setup.founders})
    archive.weights.sweep()
    for digest in drop_damaged(archive.weights):
        archive.telemetry.append({"damaged": digest})


def _complete(
    archive: Archive,
    setup: Setup,
    workers: Workers,
    view_for: ViewFor | None,
    root: Path,
    replay: Path | None,
) -> None:
    """Does what is left of the campaign."""
    goals = goals_of(archive.config)
    strategy = _strategy(archive, setup, goals)
    shown = view_for(strategy) if view_for else None
    with (
        tracked(setup.config, archive, goals.higher_is_better, strategy.steps, shown) as view,
        stoppable(partial(_note, view, _STOPPING)) as stop,
    ):
        desk = Desk(workers, stop, partial(_arrived, archive.telemetry))
        stages = Stages(
            config=setup.config,
            founders=setup.founders,
            strategy=strategy,
            counsel=engaged(archive, setup.config, goals, replay, partial(_note, view), desk.heed),
            desk=desk,
            archive=archive,
            watch=Recorder(archive.telemetry, desk.work, setup.config.cluster.workers or 1, view),
            fits=Fits(setup.config) if setup.config.estimate else None,
            islands=at_sea(archive, setup, root, replay, partial(_note, view)),
            stopping=Stopping(setup.config.early_stopping, goals),
        )
        state = evolve(stages)
        tokenizer, limit = Tokenizer(setup.frame), workers.hello.limit
        answers = [Answers(tokenizer, splits, limit) for splits in (setup.search, setup.test)]
        finish(stages, answers[0], answers[1], state)
        if stopped := (archive.report or {}).get("stopped"):
            _note(view, ended_early(stopped))


def _strategy(archive: Archive, setup: Setup, goals: Goals) -> Strategy:
    config, founders = setup.config, setup.founders
    base = next((founder.recipe.id for founder in founders if founder.is_base), None)
    models = breeding(founders, config.founders)
    type_ = config.strategy.type
    more = {"kin": relatives(archive, config, founders)} if type_ in NEED_KIN else {}
    return STRATEGIES[type_](config.strategy, config.seed, base, models, goals, **more)


def _note(view: View | None, text: str) -> None:
    if view:
        view.note(text)


def _arrived(telemetry: Telemetry, job: Job, outcomes: Sequence[Outcome]) -> None:
    """Writes down how long candidates took, or why one failed, with what is not archived."""
    together = {"together": len(job.litter)} if len(job.litter) > 1 else {}
    for one, outcome in zip(job.litter, outcomes, strict=True):
        facts: dict[str, Any] = {"scored": one.id, "split": job.split}
        if outcome.error is not None:
            facts = {"failed": one.id, "cause": outcome.cause}
        seconds = round(outcome.work.seconds, 3)
        telemetry.append(facts | together | {"worker": outcome.worker, "work_seconds": seconds})


def splits(config: schema.Campaign, split: str, root: Path) -> Splits:
    """The split of every task that has it; a search split is scored also without weight."""
    return {
        task.name: load_split(task, root / path)
        for task in config.tasks
        if (path := getattr(task, split)) is not None
    }


def _resolved(
    config: schema.Campaign, search: Splits, validation: Splits, test: Splits
) -> dict[str, Any]:
    """The campaign as archived: names instead of paths, and digests of what they stand for."""
    resolved = config.model_dump(mode="json", exclude={"cluster", "track"})
    if config.islands:
        del resolved["islands"]["remote"]
    founders = resolved["founders"]
    founders["base"] = schema.founder_name(founders["base"]) if founders["base"] else None
    founders["models"] = [schema.founder_name(path) for path in founders["models"]]
    for task in resolved["tasks"]:
        # Those of lm-eval are names of splits, and its definition is a path.
        for key in ("search", "test", "task", "include"):
            if task.get(key):
                task[key] = Path(task[key]).name
    parts = {"search": search, "validation": validation, "test": test}
    digests = {
        part: {name: split.digest for name, split in found.items()}
        for part, found in parts.items()
        if found
    }
    return {**resolved, "digests": digests}


def check_apart(search: Splits, test: Splits) -> None:
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
    for name in (".git", "lock", "local.json", "telemetry.jsonl", "weights", AGENTS, ISLANDS):
        path = out / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    remove_index(out)
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
    recorded = {str(row.name): str(row.digest) for row in archive.index.founders()}
    if recorded:
        check_unchanged(founders, recorded)
