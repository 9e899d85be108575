"""The page over real HTTP: who may see it, who may decide, and what a hostile text does."""

import http.client
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from speciate.archive.drafts import Decision
from speciate.review.serve import prepare

ADA = "Ada <ada@example.org>"
HOSTILE = "</pre></textarea><script>alert(1)</script><img src=x onerror=alert(2)>\x1b[2J\u202e"
Become = Callable[[str], None]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str


@dataclass(frozen=True)
class Page:
    """The served page of a campaign."""

    host: str
    token: str

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """What the server answers to this very request."""
        connection = http.client.HTTPConnection(self.host, timeout=60)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, {"Host": self.host, **named})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        given = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, given, text)

    def get(self, path: str = "", **headers: str) -> Answer:
        return self.ask("GET", f"/{self.token}/{path}", **headers)

    def post(self, number: int, form: dict[str, str], **headers: str) -> Answer:
        kind = {"Content_Type": "application/x-www-form-urlencoded"}
        body = urlencode({"token": self.token} | form).encode()
        return self.ask("POST", f"/{self.token}/{number}", body, **kind | headers)


@pytest.fixture
def page(waiting: Any, become: Become) -> Iterator[Page]:
    server, listening, url = prepare(waiting.folder, 0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    parts = urlsplit(url)
    yield Page(parts.netloc, parts.path.strip("/"))
    server.should_exit = True
    thread.join(30)
    listening.close()


def test_it_lists_shows_and_decides(waiting: Any, page: Page) -> None:
    waiting.put(7, waiting.recipe())
    waiting.put(8, waiting.recipe(seed=10))
    listed = page.get()
    assert listed.status == 200
    assert re.findall(r'<a href="(\d+)">', listed.text) == ["7", "8"]
    assert "You decide as Ada &lt;ada@example.org&gt;" in listed.text
    shown = page.get("7").text
    assert "the halves complement each other" in shown
    assert "Next: proposal 8" in shown
    done = page.post(8, {"action": "reject", "reason": "seen\r\nbefore"})
    assert (done.status, done.headers["location"]) == (303, "./")
    assert waiting.archive.drafts.decision(8) == Decision(8, "reject", "seen\nbefore", ADA)
    assert page.post(7, {"action": "approve", "reason": ""}).status == 303
    listed = page.get().text
    assert "Nothing waits" in listed
    assert "rejected by Ada &lt;ada@example.org&gt;: seen" in listed
    assert "<form" not in page.get("7").text


def test_what_the_form_says_of_the_recipe_is_recorded(waiting: Any, page: Page) -> None:
    waiting.put(7, waiting.recipe())
    shown = page.get("7").text
    recipe = re.search(r'class="code">\n(.*?)</textarea>', shown, re.DOTALL)
    assert recipe
    edited = recipe[1].replace("&#34;", '"').replace("seed = 0", "seed = 11")
    form = {"action": "edit", "reason": "", "recipe": edited.replace("\n", "\r\n")}
    broken = page.post(7, form | {"recipe": edited.replace("linear", "linaer"), "reason": "mine"})
    assert broken.status == 400
    assert "unknown operator &#39;linaer&#39;; did you mean &#39;linear&#39;" in broken.text
    assert "operator = &#34;linaer&#34;" in broken.text
    assert ">mine</textarea>" in broken.text
    assert waiting.archive.drafts.decision(7) is None
    assert page.post(7, form).status == 303
    assert waiting.archive.drafts.decision(7).recipe == waiting.recipe(seed=11)


def test_without_the_token_nothing_is_told_and_nothing_decided(waiting: Any, page: Page) -> None:
    waiting.put(7, waiting.recipe())
    form = urlencode({"token": page.token, "action": "approve"}).encode()
    for path in ("/", "/x/", "/x/7", f"/{page.token[:-1]}/", f"/{page.token}x/7", "/%C3%A4/"):
        for method, body in (("GET", None), ("POST", form)):
            answer = page.ask(method, path, body)
            assert answer.status in (404, 405)
            assert len(answer.text) < 30
            assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    for token in ("", "x", page.token[:-1], "ä"):
        assert page.post(7, {"token": token, "action": "approve"}).status == 404
    assert waiting.archive.drafts.decision(7) is None


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_only_a_posted_form_decides(waiting: Any, page: Page, method: str) -> None:
    waiting.put(7, waiting.recipe())
    form = urlencode({"token": page.token, "action": "approve"})
    answer = page.ask(method, f"/{page.token}/7?{form}", form.encode())
    assert answer.status == (200 if method in ("GET", "HEAD") else 405)
    assert waiting.archive.drafts.decision(7) is None


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_other_names_for_this_machine_are_refused(waiting: Any, page: Page, host: str) -> None:
    waiting.put(7, waiting.recipe())
    assert page.get(Host=host).status == 400
    assert page.post(7, {"action": "approve"}, Host=host).status == 400
    assert waiting.archive.drafts.decision(7) is None


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://{host}", ""])
def test_forms_of_other_sites_are_refused(waiting: Any, page: Page, origin: str) -> None:
    waiting.put(7, waiting.recipe())
    given = origin.format(host=page.host)
    assert page.post(7, {"action": "approve"}, Origin=given).status == 403
    assert waiting.archive.drafts.decision(7) is None
    assert page.post(7, {"action": "approve"}, Origin=f"http://{page.host}").status == 303


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({}, 400),
        ({"action": "Approve"}, 400),
        ({"action": "reject", "reason": " "}, 400),
        ({"action": "edit"}, 400),
        ({"action": "edit", "recipe": "x" * (1 << 20)}, 413),
        ({"action": "approve"} | {str(name): "" for name in range(9)}, 400),
    ],
)
def test_forms_that_decide_nothing(
    waiting: Any, page: Page, form: dict[str, str], status: int
) -> None:
    waiting.put(7, waiting.recipe())
    assert page.post(7, form).status == status
    assert waiting.archive.drafts.decision(7) is None


def test_what_is_not_there_is_told(page: Page) -> None:
    assert page.get("8").status == 404
    assert "has no proposal 8" in page.get("8").text
    assert page.post(8, {"action": "approve"}).status == 404
    assert page.get("x").status == 404
    assert page.get("9" * 30).status == 404


def test_what_a_model_says_is_shown_and_never_obeyed(waiting: Any, page: Page) -> None:
    code = {"source": waiting.source + HOSTILE, "values": {HOSTILE: 1.0}}
    waiting.put(
        7,
        waiting.recipe(operator="evolved", parameters=code),
        reason=HOSTILE,
        proposer=HOSTILE,
        why=HOSTILE,
        trials={HOSTILE: [HOSTILE]},
    )
    answers = [page.get(), page.get("7"), page.post(7, {"action": "reject", "reason": HOSTILE})]
    answers += [page.get(), page.get("7")]
    edit = {"action": "edit", "recipe": HOSTILE, "reason": HOSTILE}
    answers.append(page.post(7, edit))
    for answer in answers:
        assert "<script" not in answer.text
        assert "<img" not in answer.text
        assert all(sign.isprintable() or sign == "\n" for sign in answer.text)
    assert r" &lt;/pre&gt;" in answers[1].text
    assert r"\x1b[2J\u202e" in answers[1].text


def test_pages_may_load_and_run_nothing(waiting: Any, page: Page) -> None:
    waiting.put(7, waiting.recipe())
    first, second = page.get("7"), page.get("7")
    policy = first.headers["content-security-policy"]
    nonce = re.search(r"style-src 'nonce-([\w-]+)'$", policy)
    assert nonce
    assert policy == (
        "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        f"style-src 'nonce-{nonce[1]}'"
    )
    assert f'<style nonce="{nonce[1]}">' in first.text
    assert nonce[1] not in second.text
    assert first.headers["referrer-policy"] == "same-origin"
    assert first.headers["cache-control"] == "no-store"
    assert "server" not in first.headers


def test_the_second_reviewer_is_told_who_was_first(
    waiting: Any, page: Page, become: Become
) -> None:
    waiting.put(7, waiting.recipe())
    become("Bob")
    waiting.archive.drafts.decide(Decision(7, "reject", "too slow", ""))
    become("Ada")
    answer = page.post(7, {"action": "approve"})
    assert answer.status == 400
    assert "proposal 7 was rejected already by Bob &lt;bob@example.org&gt;" in answer.text
    assert waiting.archive.drafts.decision(7).verdict == "reject"


def test_of_many_forms_at_once_one_decides(waiting: Any, page: Page) -> None:
    waiting.put(7, waiting.recipe())
    with ThreadPoolExecutor(4) as pool:
        forms = [{"action": "approve", "reason": str(number)} for number in range(4)]
        said = list(pool.map(lambda form: page.post(7, form).status, forms))
    assert sorted(said) == [303, 400, 400, 400]
    assert waiting.archive.drafts.decision(7).reason == str(said.index(303))


def test_new_steps_and_proposals_are_seen(waiting: Any, page: Page) -> None:
    assert "Nothing waits" in page.get().text
    waiting.put(7, waiting.recipe())
    assert "1 waiting" in page.get().text


def test_nobody_serves_a_page_without_an_identity_or_an_archive(
    waiting: Any, cli: Any, become: Become, page: Page
) -> None:
    assert "is not an archive" in cli("review", "serve", waiting.folder.parent).err
    port = page.host.split(":")[1]
    taken = cli("review", "serve", waiting.folder, "--port", port)
    assert (taken.status, taken.err.count("\n")) == (2, 1)
    assert "choose another --port" in taken.err
    become("")
    said = cli("review", "serve", waiting.folder)
    assert said.status == 2
    assert "git does not know who you are" in said.err
