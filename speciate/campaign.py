"""The loop: ask, welcome, advise, breed, evaluate, tell, commit, send.

Only this module knows every stage.
"""

from collections.abc import Sequence

from speciate.archive.known import Joined
from speciate.keeping import let_go
from speciate.nursery import Known
from speciate.past import stated_past
from speciate.records import Individual, Proposal, State
from speciate.scoring import all_scored, in_litters, individual, send_pending
from speciate.stages import Stages


def evolve(stages: Stages) -> State:
    """Runs the campaign, or what is left of it, until its strategy ends or it is stopped early.

    Proposals are bred and scored side by side and finish in any order; the strategy is told of
    them in the order in which it made them. Each step is archived before the strategy is asked
    again. A candidate that cannot be bred or scored is recorded with its error and takes no part
    in selection.

    Raises:
        EvaluationError: A founder cannot be scored.
        DamageError: A rebuild did not give the recorded weights.
    """
    archive, strategy, counsel = stages.archive, stages.strategy, stages.counsel
    state = archive.state or _found(stages)
    while (asked := _asked(stages, state)) is not None:
        asked = stages.islands.welcome(state, asked, archive.individuals)
        state, advised = counsel.advise(state, asked, archive.individuals)
        state = state.asking(in_litters(advised, stages.config.engine.adapters or 1))
        born = _born(stages, state, strategy.due(state))
        known = Joined(archive.individuals, born)
        state = strategy.tell(state.told(len(born)), born, known)
        state = stages.stopping.told(counsel.learn(state, born, known), born, known)
        _commit(stages, state, born, known)
        stages.islands.send(state, known)
    return state


def _found(stages: Stages) -> State:
    """Step 0: the founders are scored, and become the roots of the family tree."""
    unscored = [
        Individual(one.recipe, one.digest, 0, "founder", past=stated_past(one.path))
        for one in stages.founders
    ]
    born = all_scored(stages, unscored, {one.id: one for one in unscored})
    known = {one.id: one for one in born}
    state = stages.stopping.begun(stages.strategy.start(born), known)
    _commit(stages, state, born, known)
    return state


def _asked(stages: Stages, state: State) -> tuple[Proposal, ...] | None:
    """What the strategy proposes; a campaign that stops early only waits for what is pending."""
    if stages.stopping.over(state):
        return () if state.pending else None
    return stages.strategy.ask(state, stages.archive.individuals)


def _born(stages: Stages, state: State, due: int) -> list[Individual]:
    """The oldest pending proposals as individuals, scored or failed; others are on their way."""
    pending = [
        Individual(one.recipe, None, state.step, one.proposer, one.reason, origin=one.origin)
        for one in state.pending
    ]
    known = Joined(stages.archive.individuals, pending)
    send_pending(stages, pending, state.pending, known)
    born = []
    for one, proposal in zip(pending[:due], state.pending, strict=False):
        born.append(individual(stages, one, proposal, known))
        stages.watch.candidate(len(born), due)
    return born


def _commit(stages: Stages, state: State, born: Sequence[Individual], known: Known) -> None:
    """Archives the step, and tells of it."""
    stages.archive.commit_step(state, born)
    let_go(stages, state, known)
    stages.watch.step(state, born, known)
