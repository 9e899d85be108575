import pytest

from speciate.archive.names import BegunBy, resolve
from speciate.errors import ArchiveError

COMMITS = {"ab12" + "0" * 36: "77" * 20, "ab34" + "0" * 36: "88" * 20, "c" * 40: "ab12f" + "9" * 35}


def _among(commits: dict[str, str]) -> BegunBy:
    return lambda prefix: [
        (id_, commit)
        for id_, commit in commits.items()
        if id_.startswith(prefix) or commit.startswith(prefix)
    ]


@pytest.mark.parametrize(("text", "found"), [("ab3", 1), ("c", 2), ("88", 1), (" AB120 ", 0)])
def test_a_unique_beginning_is_enough(text: str, found: int) -> None:
    assert resolve(text, _among(COMMITS)) == list(COMMITS)[found]


def test_an_ambiguous_beginning_lists_the_candidates() -> None:
    with pytest.raises(ArchiveError, match="'ab1' may be ab12000000, cccccccccc; give more digits"):
        resolve("ab1", _among(COMMITS))


def test_candidates_are_shown_with_digits_enough() -> None:
    with pytest.raises(ArchiveError, match=r"may be 0{39}0, 0{39}1; give"):
        resolve("0", _among({"0" * 40: "1" * 40, "0" * 39 + "1": "2" * 40}))


def test_many_candidates_are_counted() -> None:
    with pytest.raises(ArchiveError, match="and 4 more"):
        resolve("0", _among({f"0{number}" * 20: "f" * 40 for number in range(9)}))


def test_an_unknown_name_is_told_the_nearest() -> None:
    with pytest.raises(ArchiveError, match="no individual begins with 'ab39'; nearest: ab34000000"):
        resolve("ab39", _among(COMMITS))


@pytest.mark.parametrize("text", ["", "zebra", "(["])
def test_what_is_like_nothing_is_told_where_to_look(text: str) -> None:
    with pytest.raises(ArchiveError, match="`speciate log` lists them"):
        resolve(text, _among(COMMITS))
