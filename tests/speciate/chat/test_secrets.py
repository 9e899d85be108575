"""API keys go into one header, and nowhere else."""

import logging
import pickle
import traceback
from pathlib import Path
from typing import Any

import pytest

from speciate.chat import Message, Request
from speciate.chat.batch import asked
from speciate.chat.key import Key, key_of
from speciate.configs.chat import Endpoint
from speciate.errors import ChatError, ConfigError, SpeciateError

KEY = "sk-very-secret-0123456789"
HELLO = Request((Message("user", "hello"),))


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", KEY)


def everything(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> str:
    """All that was logged or written."""
    files = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    return caplog.text + "".join(files)


def test_only_the_server_sees_the_key(
    chat: Any, chat_server: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    chat_server.rule = lambda body: f"you said {KEY}, did you?"
    one = chat(api_key_env="JUDGE_KEY")
    [reply] = asked(one, [HELLO], one.ask)
    assert chat_server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert reply.text == "you said ***, did you?"
    assert list(tmp_path.rglob("*.json"))
    assert "Sending HTTP Request" in caplog.text
    assert KEY not in everything(tmp_path, caplog)


@pytest.mark.parametrize("status", [200, 400, 401, 404, 429, 500])
def test_no_error_tells_it(
    chat: Any,
    chat_server: Any,
    said: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    status: int,
) -> None:
    caplog.set_level(logging.DEBUG)
    chat_server.rule = lambda body: said({"message": f"bad key {KEY}"}, status)
    one = chat(api_key_env="JUDGE_KEY", retries=1)
    try:
        [error] = asked(one, [HELLO], one.ask)
    except ChatError as exc:
        error = exc
    assert isinstance(error, SpeciateError)
    assert status == 200 or "bad key ***" in str(error)
    assert KEY not in "".join(traceback.format_exception(error))
    assert KEY not in repr(error) + repr(pickle.loads(pickle.dumps(error)))
    assert KEY not in everything(tmp_path, caplog)


def test_a_dead_end_does_not_tell_it(chat: Any) -> None:
    one = chat(api_key_env="JUDGE_KEY", base_url="http://127.0.0.1:9/v1", retries=0)
    with pytest.raises(ChatError) as caught:
        asked(one, [HELLO], one.ask)
    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_no_other_key_is_sent(chat: Any, chat_server: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_ADMIN_KEY", KEY)
    one = chat()
    asked(one, [HELLO], one.ask)
    assert KEY not in str(chat_server.headers)


@pytest.mark.parametrize(
    "value", ["sk-a\nb-secret", "sk-ä-secret", "sk-a b-secret", "sk\x00secret"]
)
def test_what_is_no_key_is_refused_unseen(value: str) -> None:
    endpoint = Endpoint(model="m", api_key_env="K")
    with pytest.raises(ConfigError, match="K holds characters that are in no API key") as caught:
        key_of(endpoint, {"K": value})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("environment", [{}, {"K": ""}, {"K": " \n"}])
def test_a_missing_key_is_told(environment: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="endpoint 'm': environment variable K is not set"):
        key_of(Endpoint(model="m", api_key_env="K"), environment)


def test_a_key_does_not_show_itself() -> None:
    endpoint = Endpoint(model="m", api_key_env="K")
    assert key_of(endpoint, {"K": f"{KEY}\n"}).reveal() == KEY
    assert KEY not in repr(Key(KEY)) + str(Key(KEY))
    assert Key("test").hidden("a test") == "a test"
