"""Asking a server that does what servers do: answers, is busy, fails, is silent, talks nonsense."""

import asyncio
import socket
from typing import Any

import pytest

from speciate.chat import Message, Reply, Request, Usage
from speciate.chat.batch import asked, run
from speciate.chat.endpoint import EndpointChat, reach
from speciate.chat.retrying import pause
from speciate.configs.chat import Endpoint
from speciate.errors import ChatError, ConfigError, ReplyError

HELLO = Request((Message("system", "be brief"), Message("user", "hello")), seed=7)
SCHEMA = {"title": "Word", "type": "object", "properties": {"word": {"type": "string"}}}


def ask(chat: EndpointChat, *requests: Request) -> list[Reply | ReplyError]:
    return asked(chat, requests, chat.ask)


def numbered(count: int) -> list[Request]:
    return [Request((Message("user", str(number)),)) for number in range(count)]


def failure(chat: EndpointChat, request: Request = HELLO) -> str:
    with pytest.raises(ChatError) as caught:
        ask(chat, request)
    line = str(caught.value)
    assert "\n" not in line
    assert caught.value.__cause__ is None
    return line


def test_a_request_holds_what_the_endpoint_says(chat: Any, chat_server: Any) -> None:
    settings = {"temperature": 0.5, "max_tokens": 9, "extra": {"top_k": 3}}
    assert ask(chat(**settings), HELLO) == [Reply("fine", Usage(100, 10))]
    [body] = chat_server.asked
    assert body == {
        "model": "judge-1",
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "hello"},
        ],
        "temperature": 0.5,
        "max_tokens": 9,
        "seed": 7,
        "top_k": 3,
    }


def test_what_a_server_refuses_to_be_told_is_left_out(chat: Any, chat_server: Any) -> None:
    omit = ("temperature", "max_tokens", "seed")
    ask(chat(omit=omit, extra={"max_completion_tokens": 5}), HELLO)
    assert set(chat_server.asked[0]) == {"model", "messages", "max_completion_tokens"}
    ask(chat(extra={"temperature": 1.0}), HELLO)
    assert chat_server.asked[1]["temperature"] == 1.0


def test_several_are_asked_at_once_but_not_too_many(chat: Any, chat_server: Any, said: Any) -> None:
    chat_server.rule = lambda body: said(body["messages"][0]["content"], wait_s=0.05)
    requests = numbered(12)
    replies = ask(chat(concurrency=4), *requests, *requests)
    assert [reply.text for reply in replies] == [str(n) for n in range(12)] * 2
    assert 1 < chat_server.most <= 4
    assert len(chat_server.asked) == 12


def test_a_busy_server_is_asked_again_when_it_wants(
    chat: Any, chat_server: Any, said: Any, pauses: list[float]
) -> None:
    answers = iter(
        [said("slow down", 429, {"Retry-After": "17"}), said("oh", 500), said(b"<html>", 502), "ok"]
    )
    chat_server.rule = lambda body: next(answers)
    [reply] = ask(chat(), HELLO)
    assert reply.text == "ok"
    assert pauses[0] == 17
    assert 1 <= pauses[1] <= 2
    assert 2 <= pauses[2] <= 4


def test_pauses_grow_differ_and_are_keyed() -> None:
    found = [pause("a", attempt) for attempt in range(1, 12)]
    assert all(0.5 * 2**n <= found[n] <= 2**n for n in range(6))
    assert max(found) <= 60
    assert found == [pause("a", attempt) for attempt in range(1, 12)]
    assert len({pause(key, 3, 0, seed) for key in "abcd" for seed in range(4)}) == 16
    assert pause("a", 1, after_s=1e9) == 60


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"body": "no luck", "status": 503}, "answers 503 (no luck), in 3 tries"),
        ({"body": b"<h1>down</h1>", "status": 502}, "answers 502 (<h1>down</h1>), in 3 tries"),
        ({"body": b"{", "status": 200}, "answers with something else than a completion, in 3"),
        ({"body": b"hello", "headers": {"Content-Type": "text/plain"}}, "something else than a"),
        ({"body": {"error": {"message": "?"}}}, "answers with something else than a completion"),
        ({"body": {"choices": []}}, "answers with something else than a completion"),
        ({"body": {"choices": [{"message": 1}]}}, "answers with something else than a completion"),
    ],
)
def test_tries_are_bounded(
    chat: Any, chat_server: Any, said: Any, answer: dict[str, Any], told: str
) -> None:
    chat_server.rule = lambda body: said(**answer)
    line = failure(chat(retries=2))
    assert line.startswith(f"endpoint 'judge-1' at {chat_server.url} ")
    assert told in line
    assert "correct base_url, or run again" in line
    assert len(chat_server.asked) == 3


@pytest.mark.parametrize("slow", [{"wait_s": 1.0}, {"pieces": 40}])
def test_a_silent_or_dripping_server_is_not_waited_for(
    chat: Any, chat_server: Any, said: Any, slow: dict[str, Any]
) -> None:
    chat_server.rule = lambda body: said("late", **slow)
    assert "is silent for 0.3 s, in one try" in failure(chat(timeout_s=0.3, retries=0))


def test_nobody_there(chat: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        assert f"at {url} cannot be reached (" in failure(chat(base_url=url, retries=1))
        with pytest.raises(ChatError, match="cannot be reached"):
            run(reach(Endpoint(base_url=url, model="m", retries=0)))


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, "answers 401 (no); name its key's variable: api_key_env"),
        (403, "answers 403 (no); "),
        (404, "answers 404 (no); check base_url and whether it has the model 'judge-1'"),
        (402, "answers 402 (no); "),
    ],
)
def test_a_server_that_refuses_is_not_asked_again(
    chat: Any, chat_server: Any, said: Any, status: int, told: str
) -> None:
    chat_server.rule = lambda body: said("no", status)
    assert told in failure(chat())
    assert len(chat_server.asked) == 1


def test_one_refused_request_leaves_the_others(chat: Any, chat_server: Any, said: Any) -> None:
    def rule(body: Any) -> Any:
        text = body["messages"][0]["content"]
        return said({"message": "too\n long"}, 400) if text == "1" else text

    chat_server.rule = rule
    first, second, third = ask(chat(), *numbered(3))
    assert (first.text, third.text) == ("0", "2")
    assert isinstance(second, ReplyError)
    assert str(second) == f"endpoint 'judge-1' at {chat_server.url} answers 400 (too long)"


def test_one_dead_server_ends_all_questions(chat: Any, chat_server: Any, said: Any) -> None:
    chat_server.rule = lambda body: said("no", 401)
    with pytest.raises(ChatError, match="401"):
        ask(chat(concurrency=2), *numbered(50))
    assert len(chat_server.asked) < 10


def test_a_schema_is_sent(chat: Any, chat_server: Any) -> None:
    ask(chat(), Request(HELLO.messages, SCHEMA))
    wanted = {"name": "Word", "schema": SCHEMA, "strict": True}
    form = {"type": "json_schema", "json_schema": wanted}
    assert chat_server.asked[0]["response_format"] == form


def test_where_schemas_are_refused_they_are_told_in_words(
    chat: Any, chat_server: Any, said: Any
) -> None:
    chat_server.rule = lambda body: (
        said("unknown key", 400) if "response_format" in body else '{"word": "x"}'
    )
    one = chat()
    for request in numbered(2):
        [reply] = ask(one, Request(request.messages, SCHEMA))
        assert reply.text == '{"word": "x"}'
    assert ["response_format" in body for body in chat_server.asked] == [True, False, False]
    told = chat_server.asked[1]["messages"][0]["content"]
    assert told.startswith("0\n\nReply with one JSON object")
    assert '"title": "Word"' in told


def test_a_reply_may_be_cut_off_or_refused(chat: Any, chat_server: Any, said: Any) -> None:
    message = {"role": "assistant", "content": None, "refusal": "I would rather not"}
    answers = iter([said("half", finish="length"), said({"choices": [{"message": message}]})])
    chat_server.rule = lambda body: next(answers)
    first, second = (ask(chat(), request)[0] for request in numbered(2))
    assert not first.whole
    assert second.text == "I would rather not"


def test_it_also_works_where_an_event_loop_runs(chat: Any) -> None:
    async def notebook() -> list[Any]:
        return ask(chat(), HELLO)

    assert asyncio.run(notebook())[0].text == "fine"


def test_a_chat_may_be_entered_again(chat: Any, chat_server: Any, said: Any) -> None:
    chat_server.rule = lambda body: said(body["messages"][0]["content"], wait_s=0.01)
    one = chat(concurrency=2)
    for start in (0, 5):
        found = ask(one, *numbered(start + 5)[start:])
        assert [reply.text for reply in found] == [str(n) for n in range(start, start + 5)]


def test_who_answers_can_be_reached(chat_server: Any, said: Any, monkeypatch: Any) -> None:
    endpoint = Endpoint(base_url=chat_server.url, model="m")
    chat_server.rule = lambda body: said({"object": "list", "data": []})
    run(reach(endpoint))
    chat_server.rule = lambda body: said("no such page", 404)
    run(reach(endpoint))
    assert {body["path"] for body in chat_server.asked} == {"/v1/models"}
    chat_server.rule = lambda body: said("who are you", 401)
    with pytest.raises(ChatError, match="answers 401"):
        run(reach(endpoint))
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with pytest.raises(ConfigError, match="environment variable NO_SUCH_KEY is not set"):
        run(reach(endpoint.model_copy(update={"api_key_env": "NO_SUCH_KEY"})))
