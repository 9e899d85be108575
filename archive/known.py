"""All individuals of an archive as a mapping, none of which is read before it is asked for."""

from collections import OrderedDict
from collections.abc import ItemsView, Iterable, Iterator, Mapping, Sequence, ValuesView
from threading import RLock

from speciate.archive.index.index import Index, batched
from speciate.archive.individuals import read_individuals
from speciate.archive.repository import Repository
from speciate.errors import DamageError
from speciate.records import Individual

_HELD = 1_000_000  # numbers and letters that are kept at hand, some tens of megabytes
_EACH = 256  # what an individual weighs without its scores
_AT_ONCE = 512  # individuals that are read in one pass


class Individuals(Mapping[str, Individual]):
    """By id, in order of birth; a hundred thousand of them take no memory to speak of.

    To go through all of them, take `values` or `items`, which read in few passes.

    Attributes:
        count: How many there are: those born later do not show.
    """

    def __init__(self, repository: Repository, index: Index, count: int) -> None:
        self.count = count
        self._repository = repository
        self._index = index
        self._at_hand: OrderedDict[str, Individual] = OrderedDict()
        self._weight = 0
        self._lock = RLock()

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[str]:
        return (id_ for id_, _ in self._index.places(self.count))

    def __contains__(self, id_: object) -> bool:
        return isinstance(id_, str) and self._index.commit_of(id_, self.count) is not None

    def __getitem__(self, id_: str) -> Individual:
        """An individual.

        Raises:
            KeyError: There is none of this id.
            DamageError: It is not what was recorded.
        """
        with self._lock:
            if id_ in self._at_hand:
                self._at_hand.move_to_end(id_)
                return self._at_hand[id_]
        commit = self._index.commit_of(id_, self.count)
        if commit is None:
            raise KeyError(id_)
        [found] = self._read([(id_, commit)])
        self._make_room()
        return found

    def items(self) -> ItemsView[str, Individual]:
        """Ids and individuals."""
        return _Items(self)

    def values(self) -> ValuesView[Individual]:
        """The individuals."""
        return _Values(self)

    def pairs(self) -> Iterator[tuple[str, Individual]]:
        """All with their ids.

        Raises:
            DamageError: One is not what was recorded.
        """
        for places in batched(self._index.places(self.count), _AT_ONCE):
            at_hand = {id_: self._at_hand.get(id_) for id_, _ in places}
            missing = self._read([place for place in places if not at_hand[place[0]]])
            for id_, one in at_hand.items():
                yield id_, one or next(missing)
            next(missing, None)  # only at its end does a pass tell of spoilt objects

    def several(self, ids: Iterable[str]) -> list[Individual]:
        """Some, in this order, read in one pass.

        Raises:
            KeyError: There is none of one of these ids.
            DamageError: One is not what was recorded.
        """
        places = [(id_, self._index.commit_of(id_, self.count)) for id_ in ids]
        if missing := [id_ for id_, commit in places if commit is None]:
            raise KeyError(missing[0])
        return list(self._read([(id_, str(commit)) for id_, commit in places]))

    def _read(self, places: Sequence[tuple[str, str]]) -> Iterator[Individual]:
        """Individuals by id and commit; kept at hand as far as there is room."""
        found = read_individuals(self._repository, [commit for _, commit in places])
        for (id_, _), one in zip(places, found, strict=True):
            if isinstance(one, DamageError):
                raise one
            with self._lock:
                if self._weight < _HELD and id_ not in self._at_hand:
                    self._at_hand[id_] = one[1]
                    self._weight += _weight(one[1])
            yield one[1]

    def _make_room(self) -> None:
        """Forget those that nobody asked for in the longest time."""
        with self._lock:
            while self._weight >= _HELD:
                _, dropped = self._at_hand.popitem(last=False)
                self._weight -= _weight(dropped)


class Joined(Mapping[str, Individual]):
    """Individuals of an archive and others, who come last unless they are archived by now."""

    def __init__(self, archived: Individuals, others: Iterable[Individual]) -> None:
        self._archived = archived
        self._others = {one.id: one for one in others}

    def __len__(self) -> int:
        return len(self._archived) + len(self._late())

    def __iter__(self) -> Iterator[str]:
        yield from self._archived
        yield from self._late()

    def __contains__(self, id_: object) -> bool:
        return id_ in self._others or id_ in self._archived

    def __getitem__(self, id_: str) -> Individual:
        return self._others[id_] if id_ in self._others else self._archived[id_]

    def items(self) -> ItemsView[str, Individual]:
        """Ids and individuals."""
        return _Items(self)

    def values(self) -> ValuesView[Individual]:
        """The individuals."""
        return _Values(self)

    def pairs(self) -> Iterator[tuple[str, Individual]]:
        """All with their ids."""
        late = self._late()
        for id_, one in self._archived.pairs():
            yield id_, self._others.get(id_, one)
        yield from late.items()

    def _late(self) -> Mapping[str, Individual]:
        return {id_: one for id_, one in self._others.items() if id_ not in self._archived}


class _Values(ValuesView[Individual]):
    _mapping: Individuals | Joined

    def __iter__(self) -> Iterator[Individual]:
        return (one for _, one in self._mapping.pairs())


class _Items(ItemsView[str, Individual]):
    _mapping: Individuals | Joined

    def __iter__(self) -> Iterator[tuple[str, Individual]]:
        return self._mapping.pairs()


def _weight(one: Individual) -> int:
    scores = one.evaluation.scores.values() if one.evaluation else ()
    answers = sum(len(answer) for score in scores for answer in score.answers or ())
    return _EACH + answers + sum(len(score.items) for score in scores)
