"""The bar tells the rank."""

from speciate.display.shades import Shades


def test_bars_tell_ranks() -> None:
    shades = Shades.of([0.0, None, 0.9, 0.91, 0.92, 0.91])
    said = [shades.drawn(value).plain[0] for value in (0.0, 0.9, 0.91, 0.92)]
    assert said == ["▁", "▃", "▅", "█"]
    colors = [shades.drawn(value).style for value in (0.0, 0.9, 0.91, 0.92)]
    assert len(set(colors)) == 4


def test_one_alone_is_the_best() -> None:
    assert Shades.of([0.5]).drawn(0.5).plain == "█ 0.5000"
    assert Shades.of([0.5]).drawn(0.5, ascii_only=True).plain == "0.5000"
    assert Shades.of([None]).drawn(None).plain.strip() == "failed"
