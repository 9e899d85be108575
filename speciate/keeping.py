"""Which weights stay on disk after a step; all others are rebuilt when they are needed."""

from speciate.goals import goals_of
from speciate.lineage import champion
from speciate.nursery import Known
from speciate.population.goals import Goals
from speciate.records import State
from speciate.stages import Stages


def let_go(stages: Stages, state: State, known: Known) -> None:
    """Deletes the weights that neither the store's policy nor a job still to be done needs.

    Weights of nobody known are left alone: they belong to candidates that are being scored.
    """
    policy = stages.config.store.keep
    if policy == "all":
        return
    kept = set(kept_digests(policy, state, known, goals_of(stages.archive.config)))
    for job in stages.desk.outstanding:
        kept.update(one.digest for one in job.lineage.values() if one.digest)
    stages.archive.weights.drop({one.digest for one in known.values() if one.digest} - kept)


def kept_digests(policy: str, state: State, known: Known, goals: Goals) -> frozenset[str]:
    """Digests of the weights that a policy keeps after a step.

    The strategy's references are kept with the living: they are about to be needed.
    """
    names = [*state.members, *state.references]
    if policy == "champions":
        names = [champion(known, goals).id]
    return frozenset(digest for name in names if (digest := known[name].digest))
