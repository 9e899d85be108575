"""The page: one file, the same each time, that obeys no text of an archive."""

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from speciate.report.page import MARK, embedded

Page = Callable[..., Path]


class _Attributes(HTMLParser):
    """What a browser would see of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.names: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.names |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]


def _data(html: str) -> Any:
    [text] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)
    return json.loads(text)


def _without_scripts(html: str) -> str:
    return re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.S)


def test_only_its_own_scripts_run_and_nothing_is_loaded(grown: Path, page: Page) -> None:
    html = page(grown).read_text()
    assert html.startswith(MARK)
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.replace("&#39;", "'").split(";"))
    scripts = re.findall(r"<script>(.*?)</script>", html, re.S)
    digests = [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in scripts]
    assert len(scripts) == 2
    assert rules == {
        "default-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "img-src": "data: blob:",
        "style-src": "'unsafe-inline'",
        "script-src": " ".join(f"'sha256-{digest}'" for digest in digests),
    }
    assert html.index("Content-Security-Policy") < html.index("<style")
    found = _Attributes()
    found.feed(html)
    assert found.tags["script"] == 3
    assert not found.names & {"src", "srcset", "action", "onerror", "onload", "onclick"}
    assert all(link.startswith(("#", "data:")) for link in found.links)


def test_texts_of_an_archive_are_shown_and_never_obeyed(grown: Path, page: Page) -> None:
    html = page(grown).read_text()
    outside = _without_scripts(html)
    assert "<img" not in outside
    assert "<b>" not in outside
    assert "<i>" not in outside
    assert html.count("<script") == html.count("</script>") == 3
    assert all(sign.isprintable() or sign == "\n" for sign in outside)
    assert r"grown &lt;/script&gt;&lt;script&gt;alert(1)" in outside
    data = _data(html)
    words = "".join([*data["people"]["words"], *(task["axis"] for task in data["tasks"])])
    assert r"<b>\x1b\u202e\u2028" in words
    assert all(sign.isprintable() or sign == "\n" for sign in words)


@pytest.mark.parametrize("text", ["</script>", "<!--", "]]>", "&lt;", "\u2028", 'a"b\\'])
def test_embedded_values_come_back_and_end_nothing(text: str) -> None:
    made = embedded({text: [text]})
    assert not set("<>&\u2028") & set(made)
    assert json.loads(made) == {text: [text]}


def test_what_is_left_out_is_counted_and_can_be_found(grown: Path, page: Page) -> None:
    html = page(grown, 100).read_text()
    data = _data(html)
    shown, left_out = len(data["people"]["id"]), sum(group["count"] for group in data["groups"])
    assert shown + left_out == 122
    assert len(data["tree"]["parent"]) == shown + len(data["groups"]) <= 100
    assert f"{shown} of 122 individuals are shown" in html
    assert f"The other {left_out} are counted in {len(data['groups'])} groups" in html
    hidden = data["hidden"]
    assert len(hidden["ids"]) == left_out * hidden["digits"]
    assert len(hidden["group"]) == left_out


def test_a_running_campaign_has_no_test_table(grown: Path, page: Page) -> None:
    html = page(grown).read_text()
    assert "there are no test scores yet" in html
    assert "The champion so far is" in html


def test_a_finished_one_shows_its_gains(ended: Path, page: Page) -> None:
    html = page(ended).read_text()
    assert "The champion is" in html
    assert "+0.2500" in html  # 8 of 8 items against 6 of 8 of the best founder.
    assert "+0.6250" in html  # And against 3 of the average.
    assert '<tr class="strong"><th scope="row">champion</th><td>1.0000</td></tr>' in html
    assert _data(html)["average"] is not None
