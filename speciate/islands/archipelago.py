"""A campaign among islands: sends members to the others, and lets theirs compete with its own.

What others send, and when, is no function of the campaign. So whoever is let in is put down in a
journal first; all else here is a function of the state, of what is known and of that journal.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from speciate.archive.archive import Archive
from speciate.archive.sharing.migrants import Migrant, publish, receive
from speciate.configs.islands import Islands
from speciate.counsel.slots import Slots
from speciate.errors import RefusedError, SpeciateError
from speciate.islands import Known
from speciate.islands.border import Border
from speciate.islands.journal import Arrival, Journal
from speciate.population import migration
from speciate.population.migration import PROPOSER
from speciate.population.randomness import Stream, stream
from speciate.records import Individual, Proposal, State
from speciate.review.visible import visible
from speciate.words import SHORT

ANCESTOR = "an ancestor of a migrant; not scored here"
"""The error of those that are recorded for the sake of their offspring."""


@dataclass(frozen=True)
class Sea:
    """What lies between islands.

    Attributes:
        remote: The repository, as git is given it; None if a campaign is replayed.
        journal: Of who came.
        border: Who lets them in.
        note: Tells people what happens.
    """

    remote: str | None
    journal: Journal
    border: Border
    note: Callable[[str], None]


class Archipelago:
    """Implements `Islands`."""

    def __init__(self, config: Islands, seed: int, archive: Archive, sea: Sea) -> None:
        """Takes the section of the campaign, its seed and its archive, open for writing."""
        self._config, self._seed, self._archive, self._sea = config, seed, archive, sea

    def welcome(
        self, state: State, asked: Sequence[Proposal], known: Known
    ) -> tuple[Proposal, ...]:
        """See `Islands.welcome`."""
        slots = Slots(asked)
        if not slots.free:
            return tuple(asked)
        arrivals = self._sea.journal.get(state.step, self._config.every)
        if arrivals is None:
            coming = {one.recipe.id for one in (*asked, *state.pending)}
            arrivals = self._arrivals(state, known, coming, len(slots.free))
            self._sea.journal.put(state.step, arrivals)
        proposals = list(asked)
        for index, one in zip(slots.free, arrivals, strict=False):
            proposer, reason = f"{PROPOSER}{self._config.name}", f"a migrant from {one.island}"
            self._settle(state, one, proposer)
            proposals[index] = replace(
                proposals[index], recipe=one.recipe, proposer=proposer, reason=reason
            )
        return tuple(proposals)

    def send(self, state: State, known: Known) -> None:
        """See `Islands.send`. What goes wrong with the remote is told, and ends nothing."""
        if self._sea.remote is None or state.step % self._config.every:
            return
        members = [known[id_] for id_ in state.members if known[id_].evaluation]
        chosen = migration.emigrants(self._config, members, self._stream(state, "emigrants"))
        try:
            publish(self._archive, self._sea.remote, self._config.name, chosen)
        except SpeciateError as error:
            self._tell(f"nobody was sent: {error}")

    def _arrivals(
        self, state: State, known: Known, coming: set[str], room: int
    ) -> tuple[Arrival, ...]:
        """Those that come now and are let in; nobody twice, and none that is on its way here."""
        found: dict[str, Arrival] = {}
        for migrant in self._migrants(state):
            ids = {one.id for one in migrant.line}
            if len(found) == min(room, self._config.immigrants):
                break
            if migrant.id in known or ids & (coming | found.keys()):
                continue
            try:
                found[migrant.id] = self._sea.border.passed(migrant, known)
            except RefusedError as error:
                name = f"migrant {migrant.id[:SHORT]} from {migrant.island}"
                self._tell(f"{name} was refused: {error}")
        return tuple(found.values())

    def _migrants(self, state: State) -> list[Migrant]:
        """Whoever waits at the islands that it is the turn of: the first of each, then the next."""
        if self._sea.remote is None:
            return []
        waiting: list[list[Migrant]] = []
        for island in migration.sources(self._config, self._stream(state, "sources")):
            try:
                waiting.append(receive(self._sea.remote, island))
            except SpeciateError as error:
                self._tell(f"nobody was taken from {island}: {error}")
        most = max(map(len, waiting), default=0)
        return [line[place] for place in range(most) for line in waiting if place < len(line)]

    def _settle(self, state: State, arrival: Arrival, proposer: str) -> None:
        """Records the ancestors of a migrant, of which its own recipe names some."""
        known, reason = self._archive.individuals, f"an ancestor of a migrant from {arrival.island}"
        settlers = [
            Individual(one.recipe, one.digest, state.step, proposer, reason, error=ANCESTOR)
            for one in arrival.line[:-1]
            if one.recipe.id not in known
        ]
        if settlers:
            self._archive.commit_step(state, settlers)

    def _stream(self, state: State, what: str) -> Stream:
        return stream(self._seed, "islands", str(state.step), what)

    def _tell(self, text: str) -> None:
        line = visible(text)
        self._archive.telemetry.append({"islands": line})
        self._sea.note(f"islands: {line}")
