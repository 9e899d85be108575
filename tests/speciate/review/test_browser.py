"""The page in a real browser, with nothing but a keyboard."""

import importlib.util
import shutil
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from speciate.archive.drafts import Decision
from speciate.review.serve import prepare

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
HOSTILE = "</pre><script>document.title = 'owned'</script><img src=x onerror=alert(1)>"
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: install Debian's package chromium"),
    pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="no playwright"),
]


@pytest.fixture
def tab(waiting: Any, become: Any) -> Iterator[Any]:
    """An open tab with the list; whatever the browser complains of is in its `complaints`."""
    from playwright.sync_api import sync_playwright

    server, listening, url = prepare(waiting.folder, 0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    with sync_playwright() as browsers:
        # Chromium's own sandbox does not work for root, nor in many containers.
        options = {"executable_path": CHROMIUM, "args": ["--no-sandbox"]}
        browser = browsers.chromium.launch(**options)
        page = browser.new_page(color_scheme="dark")
        page.complaints = []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("dialog", lambda dialog: page.complaints.append(dialog.message))
        page.goto(url)
        yield page
        browser.close()
    server.should_exit = True
    thread.join(30)
    listening.close()


def _tab_to(page: Any, text: str) -> None:
    """Presses Tab until what says `text` has the focus."""
    for _ in range(30):
        page.keyboard.press("Tab")
        if text in (page.evaluate("document.activeElement.innerText") or ""):
            return
    raise AssertionError(f"no way to {text} with a keyboard")


def test_a_proposal_is_rejected_with_the_keyboard_alone(waiting: Any, tab: Any) -> None:
    code = {"source": waiting.source + HOSTILE, "values": {}}
    waiting.put(7, waiting.recipe(operator="evolved", parameters=code), reason=HOSTILE)
    tab.reload()
    _tab_to(tab, "7")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("h1:has-text('Proposal 7')")
    assert HOSTILE in tab.inner_text("dd.words")
    assert HOSTILE in tab.inner_text("pre.diff")
    _tab_to(tab, "Reject")
    tab.keyboard.press("Enter")  # Without a reason the form is not even sent.
    assert tab.evaluate("document.activeElement.id") == "reason"
    assert waiting.archive.drafts.decision(7) is None
    tab.keyboard.type("it is hostile")
    _tab_to(tab, "Reject")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("h2:has-text('Decided')")
    decided = Decision(7, "reject", "it is hostile", "Ada <ada@example.org>")
    assert waiting.archive.drafts.decision(7) == decided
    assert tab.title() == "Review - small"
    assert tab.complaints == []


def test_a_recipe_is_edited_and_approved(waiting: Any, tab: Any) -> None:
    waiting.put(7, waiting.recipe())
    tab.goto(f"{tab.url}7")
    tab.click("summary")
    tab.fill("#recipe", tab.input_value("#recipe").replace("seed = 0", "seed = 11"))
    tab.click("text=Approve as edited")
    tab.wait_for_selector("h2:has-text('Decided')")
    assert waiting.archive.drafts.decision(7).recipe == waiting.recipe(seed=11)


def test_it_is_dark_for_who_wants_it_and_fits_a_phone(waiting: Any, tab: Any) -> None:
    waiting.put(7, waiting.recipe(operator="evolved", parameters={"source": "x = 1  # " * 40}))
    tab.set_viewport_size({"width": 360, "height": 700})
    tab.goto(f"{tab.url}7")
    color = "getComputedStyle(document.body).backgroundColor"
    assert tab.evaluate(color) == "rgb(20, 23, 27)"
    tab.emulate_media(color_scheme="light")
    assert tab.evaluate(color) == "rgb(255, 255, 255)"
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
