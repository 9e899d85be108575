"""Which weights stay on disk after a step; all others are rebuilt when they are needed."""

from functools import partial

from speciate.archive.archive import Archive
from speciate.champion import champion_of
from speciate.nursery import Known, is_there, lineage
from speciate.records import State
from speciate.stages import Stages


def let_go(stages: Stages, state: State, known: Known) -> None:
    """Deletes the weights that neither the store's policy nor a job still to be done needs.

    Of those to be kept who were bred into an engine, and never written, the ancestors are kept that
    they can be made of at once. Weights of nobody known are left alone: a worker is making them.
    """
    policy = stages.config.store.keep
    if policy == "all":
        return
    store = stages.archive.weights
    names = kept_names(policy, state, stages.archive)
    kept = dict(lineage(names, known, partial(is_there, store)))
    for job in stages.desk.outstanding:
        kept |= job.lineage
    needed = {one.digest for one in kept.values()}
    store.drop(stages.archive.index.digests(store.digests()) - needed)


def kept_names(policy: str, state: State, archive: Archive) -> list[str]:
    """Whose weights a policy keeps after a step.

    The strategy's references are kept with the living: they are about to be needed.
    """
    if policy == "champions":
        return [champion_of(archive).id]
    return [*state.members, *state.references]
