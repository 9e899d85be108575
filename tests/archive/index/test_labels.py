"""Names that people are shown: as short as they can be, and never those of two."""

from typing import Any

from speciate.archive.index.labels import Labels

IDS = ["ab" * 20, "ab" * 19 + "00", "c" * 40]
COMMITS = ["cccccccccccc" + "0" * 28, "1" * 40, "2" * 40]


class Scripted:
    """As much of an index as labels ask."""

    def ask(self, _: str) -> list[tuple[Any, ...]]:
        return [("c" * 40, "base")]

    def begun_by(self, prefix: str) -> list[tuple[str, str]]:
        pairs = zip(IDS, COMMITS, strict=True)
        return [pair for pair in pairs if any(one.startswith(prefix) for one in pair)]


def test_names_grow_until_they_are_one_individuals() -> None:
    labels = Labels(Scripted())  # type: ignore[arg-type]
    assert labels("c" * 40) == "base"
    assert labels.short("c" * 40) == "c" * 13, "a commit begins with 12 of them"
    assert labels(IDS[0]) == "ab" * 19 + "a"
    assert labels(IDS[1]) == "ab" * 19 + "0"
    assert labels("d" * 40) == "d" * 10
