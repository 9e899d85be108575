"""Which weights stay on disk after a step; all others are rebuilt when they are needed."""

from functools import partial

from speciate.goals import goals_of
from speciate.lineage import champion
from speciate.nursery import Known, is_there, lineage
from speciate.population.goals import Goals
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
    names = kept_names(policy, state, known, goals_of(stages.archive.config))
    kept = dict(lineage(names, known, partial(is_there, store)))
    for job in stages.desk.outstanding:
        kept |= job.lineage
    digests = {one.digest for one in kept.values()}
    store.drop({one.digest for one in known.values() if one.digest} - digests)


def kept_names(policy: str, state: State, known: Known, goals: Goals) -> list[str]:
    """Whose weights a policy keeps after a step.

    The strategy's references are kept with the living: they are about to be needed.
    """
    if policy == "champions":
        return [champion(known, goals).id]
    return [*state.members, *state.references]
