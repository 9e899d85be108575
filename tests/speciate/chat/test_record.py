"""What was answered once is not asked again, and can be answered without anybody."""

import json
from pathlib import Path
from typing import Any

import pytest

from speciate.chat import Message, Reply, Request, Usage
from speciate.chat.batch import asked
from speciate.chat.record import Record
from speciate.configs.chat import Recording
from speciate.errors import ChatError

HELLO = Request((Message("user", "hello"),))


def ask(chat: Any, *requests: Request) -> list[Any]:
    return asked(chat, requests, chat.ask)


def test_a_recorded_reply_is_not_asked_for(chat: Any, chat_server: Any) -> None:
    first, second = ask(chat(), HELLO)[0], ask(chat(), HELLO)[0]
    assert first == second
    assert (first.recorded, second.recorded) == (False, True)
    assert len(chat_server.asked) == 1


def test_it_does_not_matter_where_but_what_is_asked(chat: Any, chat_server: Any) -> None:
    ask(chat(), HELLO)
    ask(chat(timeout_s=1.0, concurrency=1, retries=0, prices={"input": 1.0}), HELLO)
    assert len(chat_server.asked) == 1
    more = ({"model": "judge-2"}, {"temperature": 1.0}, {"max_tokens": 3}, {"extra": {"a": 1}})
    for settings in more:
        ask(chat(**settings), HELLO)
    ask(chat(), Request(HELLO.messages, seed=1))
    ask(chat(omit=("seed",)), Request(HELLO.messages, seed=2))
    ask(chat(), Request(HELLO.messages, {"type": "object"}))
    assert len(chat_server.asked) == 4 + 4


def test_a_replay_asks_nobody(chat: Any, chat_server: Any, tmp_path: Path) -> None:
    ask(chat(), HELLO)
    chat_server.close()
    nowhere = {"replay": True, "base_url": "http://127.0.0.1:9", "api_key_env": "NO_SUCH_KEY"}
    assert ask(chat(**nowhere), HELLO)[0].text == "fine"
    with pytest.raises(ChatError) as caught:
        ask(chat(**nowhere), Request((Message("user", "bye"),)))
    assert "no reply to this request of 'judge-1' is recorded" in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_a_record_says_what_was_asked_and_answered(
    chat: Any, chat_server: Any, tmp_path: Path
) -> None:
    ask(chat(), HELLO)
    [file] = [path for path in tmp_path.rglob("*") if path.is_file()]
    data = json.loads(file.read_text())
    assert data["reply"] == "fine"
    assert data["usage"] == {"input": 100, "output": 10}
    assert data["request"]["messages"] == [{"role": "user", "content": "hello"}]
    assert chat_server.url not in file.read_text()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"\xff", b'{"reply": "x"}'])
def test_a_damaged_record_is_asked_again(
    chat: Any, chat_server: Any, tmp_path: Path, damage: bytes
) -> None:
    ask(chat(), HELLO)
    [file] = [path for path in tmp_path.rglob("*") if path.is_file()]
    whole = file.read_bytes()
    file.write_bytes(damage)
    assert ask(chat(), HELLO)[0].text == "fine"
    assert file.read_bytes() == whole
    assert len(chat_server.asked) == 2


def test_it_lies_in_the_cache_of_the_user(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Record(Recording()).put({"model": "m"}, Reply("x", Usage(1, 1)))
    assert list((tmp_path / "cache" / "speciate" / "chat").rglob("*.json"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    Record(Recording(folder="~/mine")).put({"model": "m"}, Reply("x", Usage(1, 1)))
    assert list((tmp_path / "home" / "mine").rglob("*.json"))
