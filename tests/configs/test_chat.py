"""Sections about endpoints: what makes no sense is refused, and what is private is not archived."""

from typing import Any

import pytest
from pydantic import ValidationError

from speciate.configs.chat import Asking, Endpoint, Recording
from speciate.configs.load import explain


def complaint(section: Any, **settings: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        section(**settings)
    return explain(caught.value)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"timeout_s": 0}, "timeout_s: "),
        ({"concurrency": 0}, "concurrency: "),
        ({"temperature": -1}, "temperature: "),
        ({"api_key": "sk-1"}, "unknown key 'api_key'; did you mean 'api_key_env'?"),
        ({"api_key_env": "sk-abc"}, "api_key_env: "),
        ({"extra": {"messages": []}}, "extra: 'messages' is set by speciate; leave it out"),
        ({"extra": {"a": float("nan")}}, "extra: "),
        ({"omit": ["temprature"]}, "unknown value 'temprature'; did you mean 'temperature'?"),
        ({"prices": {"input": -1}}, "prices.input: "),
    ],
)
def test_what_makes_no_sense_is_refused(settings: dict[str, Any], told: str) -> None:
    assert told in complaint(Endpoint, model="m", **settings)


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8000",
        "ftp://host/v1",
        "https://me:secret@host/v1",
        "https://secret@host",
        "https://host/v1?key=secret",
        "https://host/v1#secret",
        "https://host/secret path",
    ],
)
def test_a_url_holds_no_secret_and_is_not_quoted(url: str) -> None:
    line = complaint(Endpoint, model="m", base_url=url)
    assert "base_url: write it as http://host:port/v1" in line
    assert "secret" not in line


@pytest.mark.parametrize(
    "url", ["http://[::1]:8000/v1", "https://api.example.com", "http://h/a/v1/"]
)
def test_urls_of_servers_are_taken(url: str) -> None:
    assert Endpoint(model="m", base_url=url).base_url == url


def test_a_key_given_in_place_of_its_variable_is_not_quoted() -> None:
    assert "sk-abc" not in complaint(Endpoint, model="m", api_key_env="sk-abc")


def test_a_budget_of_cost_needs_prices() -> None:
    told = complaint(Asking, endpoint={"model": "m"}, budget={"cost": 5})
    assert "a budget of cost needs prices: set endpoint.prices" in told
    assert Asking(endpoint={"model": "m", "prices": {"output": 1}}, budget={"cost": 5})


def test_a_record_is_in_the_same_place_everywhere() -> None:
    assert "'here' is relative; give an absolute path" in complaint(Recording, folder="here")
    assert Recording(folder="~/there").folder == "~/there"


def test_what_decides_no_reply_is_not_archived() -> None:
    endpoint = {
        "model": "m",
        "base_url": "http://host/v1",
        "api_key_env": "KEY",
        "timeout_s": 1,
        "retries": 1,
        "concurrency": 1,
        "prices": {"input": 1},
        "extra": {"top_k": 1},
    }
    asking = Asking(endpoint=endpoint, budget={"calls": 1}, record={"replay": True})
    data = asking.model_dump(mode="json")
    assert data == {
        "endpoint": {
            "name": None,
            "model": "m",
            "temperature": 0.0,
            "max_tokens": 1024,
            "omit": [],
            "extra": {"top_k": 1},
        }
    }
    assert Asking(**data)
