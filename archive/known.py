"""All individuals of an archive as a mapping, none of which is read before it is asked for."""

from collections import OrderedDict
from collections.abc import ItemsView, Iterable, Iterator, Mapping, ValuesView

from speciate.archive.index.index import Index
from speciate.archive.individuals import read_individuals
from speciate.archive.repository import Repository
from speciate.errors import DamageError
from speciate.records import Individual

_HELD = 1_000_000  # numbers and letters that are kept at hand, some tens of megabytes
_EACH = 256  # what an individual weighs without its scores


class Individuals(Mapping[str, Individual]):
    """By id, in order of birth; a hundred thousand of them take no memory to speak of.

    To go through all of them, take `values` or `items`, which read in one pass.

    Attributes:
        count: How many there are: those born later do not show.
    """

    def __init__(self, repository: Repository, index: Index, count: int) -> None:
        self.count = count
        self._repository = repository
        self._index = index
        self._at_hand: OrderedDict[str, Individual] = OrderedDict()
        self._weight = 0

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
        if id_ in self._at_hand:
            self._at_hand.move_to_end(id_)
            return self._at_hand[id_]
        commit = self._index.commit_of(id_, self.count)
        if commit is None:
            raise KeyError(id_)
        [found] = _read(self._repository, [commit])
        self._hold(id_, found)
        return found

    def items(self) -> ItemsView[str, Individual]:
        """Ids and individuals."""
        return _Items(self)

    def values(self) -> ValuesView[Individual]:
        """The individuals."""
        return _Values(self)

    def all(self) -> Iterator[Individual]:
        """All, read in one pass.

        Raises:
            DamageError: One is not what was recorded.
        """
        return _read(self._repository, [commit for _, commit in self._index.places(self.count)])

    def several(self, ids: Iterable[str]) -> list[Individual]:
        """Some, in this order, read in one pass.

        Raises:
            KeyError: There is none of one of these ids.
            DamageError: One is not what was recorded.
        """
        places = [(id_, self._index.commit_of(id_, self.count)) for id_ in ids]
        if missing := [id_ for id_, commit in places if commit is None]:
            raise KeyError(missing[0])
        return list(_read(self._repository, [str(commit) for _, commit in places]))

    def _hold(self, id_: str, one: Individual) -> None:
        self._at_hand[id_] = one
        self._weight += _weight(one)
        while self._weight > _HELD and len(self._at_hand) > 1:
            _, dropped = self._at_hand.popitem(last=False)
            self._weight -= _weight(dropped)


class _Values(ValuesView[Individual]):
    _mapping: Individuals

    def __iter__(self) -> Iterator[Individual]:
        return self._mapping.all()


class _Items(ItemsView[str, Individual]):
    _mapping: Individuals

    def __iter__(self) -> Iterator[tuple[str, Individual]]:
        return zip(self._mapping, self._mapping.all(), strict=True)


def _read(repository: Repository, commits: list[str]) -> Iterator[Individual]:
    for one in read_individuals(repository, commits):
        if isinstance(one, DamageError):
            raise one
        yield one[1]


def _weight(one: Individual) -> int:
    scores = one.evaluation.scores.values() if one.evaluation else ()
    answers = sum(len(answer) for score in scores for answer in score.answers or ())
    return _EACH + answers + sum(len(score.items) for score in scores)
