"""The page in a real browser, with every text in it hostile."""

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: install Debian's package chromium"),
    pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="no playwright"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as browsers:
        # Chromium's own sandbox does not work for root, nor in many containers.
        made = browsers.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def open_page(browser: Any, page: Any) -> Iterator[Any]:
    """Opens a report; whatever the browser complains of or asks for is in `complaints`."""
    contexts = []

    def show(folder: Path, budget: int = 10_000, **context: Any) -> Any:
        contexts.append(browser.new_context(**context))
        tab = contexts[-1].new_page()
        tab.complaints = []
        tab.on("console", lambda message: tab.complaints.append(message.text))
        tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
        tab.on("dialog", lambda dialog: tab.complaints.append(dialog.message))
        tab.on("request", lambda request: tab.complaints.append(request.url))
        tab.goto(page(folder, budget).as_uri())
        tab.wait_for_selector("html[data-ready=yes]")
        assert tab.complaints.pop(0).startswith("file:")
        return tab

    yield show
    for context in contexts:
        context.close()


def _selected(tab: Any) -> str:
    return str(tab.inner_text("#details h3"))


def _clicked(tab: Any) -> set[str]:
    """Whom clicks from left to right, all over the tree, select, until they are a few."""
    box = tab.locator("#tree").bounding_box()
    found: set[str] = set()
    for x in range(30, int(box["width"]), 80):
        for y in range(20, int(box["height"]), 40):
            tab.mouse.click(box["x"] + x, box["y"] + y)
            found.add(_selected(tab))
        if len(found) > 3 and any(name.endswith("others") for name in found):
            break
    return found


def _saved(tab: Any, figure: str, kind: str) -> bytes:
    with tab.expect_download() as download:
        tab.click(f"#figure-{figure} [data-save={kind}]")
    return Path(download.value.path()).read_bytes()


def test_the_tree_is_searched_walked_and_clicked(open_page: Any, grown: Path) -> None:
    tab = open_page(grown, 100)
    champion = _selected(tab)
    tab.fill("#search", "MATHS")
    tab.press("#search", "Enter")
    assert _selected(tab) == "maths"
    tab.click("#details .kin button >> nth=0")
    assert _selected(tab) != "maths"
    tab.focus("#tree")
    tab.keyboard.press("Home")
    assert _selected(tab) == champion
    tab.keyboard.press("ArrowLeft")
    parent = _selected(tab)
    assert parent != champion
    tab.keyboard.press("ArrowRight")
    assert _selected(tab) != parent
    tab.keyboard.press("0")
    found = _clicked(tab)
    assert len(found) > 3
    assert any(name.endswith("others") for name in found)
    assert tab.complaints == []


def test_one_that_is_not_shown_is_found_in_its_group(open_page: Any, grown: Path) -> None:
    tab = open_page(grown, 100)
    hidden = tab.evaluate("JSON.parse(document.getElementById('data').textContent).hidden.ids")
    tab.fill("#search", hidden[:10])
    assert f"{hidden[:10]}, among" in tab.inner_text("#results")
    tab.press("#search", "Enter")
    assert _selected(tab).endswith("others")
    tab.fill("#search", "nobody")
    assert "nobody of that id or name" in tab.inner_text("#results")
    assert tab.complaints == []


def test_colours_themes_and_pairs_of_tasks_change(open_page: Any, grown: Path) -> None:
    tab = open_page(grown, color_scheme="dark")
    color = "getComputedStyle(document.body).backgroundColor"
    assert tab.evaluate(color) == "rgb(20, 23, 27)"
    tab.click("#theme")
    assert tab.evaluate(color) == "rgb(255, 255, 255)"
    drawn = {"operator": tab.evaluate("document.getElementById('tree').toDataURL()")}
    assert "linear" in tab.inner_text("#legend")
    for way in ("proposer", "generation", "fitness", "t1"):
        tab.select_option("#by", way)
        tab.wait_for_timeout(50)
        drawn[way] = tab.evaluate("document.getElementById('tree').toDataURL()")
    assert len(set(drawn.values())) == len(drawn)
    assert "0.875" in tab.inner_text("#legend")  # Of the second task.
    axis = tab.text_content("#figure-pareto .xtitle")
    tab.select_option("#task-x", "1")
    assert tab.input_value("#task-y") == "0"
    assert tab.text_content("#figure-pareto .ytitle") == axis
    assert tab.complaints == []


def test_figures_are_saved(open_page: Any, grown: Path) -> None:
    tab = open_page(grown)
    for figure in ("phylogeny", "fitness", "tasks", "pareto", "operators", "agents", "ancestry"):
        drawn = _saved(tab, figure, "svg")
        assert drawn.startswith(b"<svg")
        assert b"<script" not in drawn
        assert b"<img" not in drawn
    for figure in ("phylogeny", "tasks"):
        assert _saved(tab, figure, "png").startswith(b"\x89PNG")
    assert [said for said in tab.complaints if not said.startswith(("blob:", "data:"))] == []


def test_a_dot_in_a_figure_leads_to_the_tree(open_page: Any, ended: Path) -> None:
    tab = open_page(ended)
    founder = tab.locator("#figure-ancestry .scatterlayer .point").first
    founder.scroll_into_view_if_needed()
    box = founder.bounding_box()
    tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tab.wait_for_selector("#figure-ancestry .hoverlayer .hovertext")
    tab.mouse.down()
    tab.mouse.up()
    tab.wait_for_selector("#details h3:text-is('maths')")
    assert tab.complaints == []


def test_it_fits_a_phone_and_paper(open_page: Any, ended: Path) -> None:
    tab = open_page(ended, viewport={"width": 360, "height": 700})
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    assert len(tab.pdf(format="A4")) > 10_000
    assert tab.complaints == []
