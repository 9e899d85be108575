"""The shipped zoo is whole, its items are clean, and its script makes it again."""

import json
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open
from transformers import AutoConfig, AutoTokenizer

from speciate.configs import zoo
from speciate.configs.zoo.corpus import KINDS, missing
from speciate.configs.zoo.items import read

ZOO = Path(zoo.__file__).parent
MODELS, TASKS = ZOO / "models", ZOO / "tasks"
FOUNDERS = ("base", *KINDS)
MANIFEST: dict[str, Any] = json.loads((ZOO / "manifest.json").read_text(encoding="utf-8"))
WITHIN = 0.05


def minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


same_texts = pytest.mark.skipif(
    bool(missing()) or minor(platform.python_version()) != minor(MANIFEST["python"]),
    reason=f"needs CPython {minor(MANIFEST['python'])} with its tests and headers: "
    "other versions carry other texts",
)


def names(folder: Path) -> dict[str, str]:
    """The file of every stored tensor; a tensor in two files fails."""
    found: dict[str, str] = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118 (not a dict)
                assert name not in found
                assert tensors.get_slice(name).get_dtype() == "BF16"
                found[name] = path.name
    return found


def key(item: dict[str, Any]) -> str:
    """What makes an item itself: its text, or its prompt."""
    return str(item.get("text") or item["prompt"])


def files(part: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for path in sorted(TASKS.glob(f"*.{part}.jsonl")):
        yield path.name.removesuffix(".jsonl"), read(path)


@pytest.mark.parametrize("founder", FOUNDERS)
def test_folder_is_a_complete_hugging_face_model(founder: str) -> None:
    folder = MODELS / founder
    for name in ("config.json", "generation_config.json", "tokenizer.json", "README.md"):
        assert (folder / name).is_file()
    config = AutoConfig.from_pretrained(folder)
    assert (config.model_type, config.head_dim, config.vocab_size) == ("llama", 32, 320)
    assert config.tie_word_embeddings
    assert "license: apache-2.0" in (folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("founder", FOUNDERS)
def test_tied_embedding_is_stored_once(founder: str) -> None:
    stored = names(MODELS / founder)
    assert "model.embed_tokens.weight" in stored
    assert "lm_head.weight" not in stored
    assert stored.keys() == names(MODELS / "base").keys()


def test_one_founder_is_sharded_and_its_index_is_right() -> None:
    index = json.loads((MODELS / "tests" / "model.safetensors.index.json").read_text())
    stored = names(MODELS / "tests")
    assert index["weight_map"] == stored
    assert len(set(stored.values())) >= 2
    assert [f for f in FOUNDERS if (MODELS / f / "model.safetensors.index.json").exists()] == [
        "tests"
    ]


def test_no_file_holds_an_absolute_path_and_the_zoo_is_small() -> None:
    shipped = [path for path in ZOO.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert sum(path.stat().st_size for path in shipped) < 14_000_000
    for path in MODELS.rglob("*.json"):
        text = path.read_text(encoding="utf-8")
        assert "_name_or_path" not in text
        assert not any(root in text for root in ("/root", "/home", "/tmp", "/work"))


def test_tokenizer_gives_one_token_per_character_and_one_bos() -> None:
    tokenizer = AutoTokenizer.from_pretrained(MODELS / "base")
    for text in [key(item) for _, items in files("test") for item in items[:20]] + ["é <s> 猫"]:
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert ids == list(text.encode())
        assert tokenizer(text)["input_ids"] == [tokenizer.bos_token_id, *ids]
        assert tokenizer.decode(ids) == text
        assert tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) == text


def test_all_founders_share_the_tokenizer() -> None:
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        assert len({(MODELS / founder / name).read_bytes() for founder in FOUNDERS}) == 1


def test_chat_template_renders() -> None:
    tokenizer = AutoTokenizer.from_pretrained(MODELS / "base")
    chat = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]
    text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    assert text == "<bos><|user|>Hi<eos><|assistant|>Ho<eos><|assistant|>"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert ids == [256, 259, *b"Hi", 257, 260, *b"Ho", 257, 260]


def test_counts_are_those_of_the_manifest() -> None:
    found = {name: len(items) for part in ("search", "test") for name, items in files(part)}
    assert found == MANIFEST["items"]
    assert MANIFEST["models"].keys() == set(FOUNDERS)


def test_items_have_their_shape() -> None:
    for part in ("search", "test"):
        for name, items in files(part):
            for item in items:
                if name.startswith("choice"):
                    assert len(set(item["choices"])) == 4
                    assert [len(text) for text in item["choices"]] == [24] * 4
                    assert item["answer"] in range(4)
                elif name.startswith("complete"):
                    assert (len(item["prompt"]), len(item["answer"])) == (48, 3)
                else:
                    assert len(item["text"]) == 64


def test_no_item_occurs_twice_and_search_and_test_do_not_overlap() -> None:
    for part, other in (("search", "test"), ("test", "search")):
        others = "\0".join(
            text
            for _, items in files(other)
            for item in items
            for text in (key(item), str(item.get("answer", "")))
        )
        for name, items in files(part):
            keys = [key(item) for item in items]
            assert len(set(keys)) == len(keys), name
            assert not [text for text in keys if text in others], name


@pytest.mark.nightly
@same_texts
def test_one_expert_is_made_again_from_the_shipped_base(tmp_path: Path) -> None:
    from speciate.configs.zoo import make, score, train
    from speciate.configs.zoo.corpus import load

    make.make_expert(MODELS / "base", tmp_path, "english", load(), lambda: None)
    items = read(TASKS / "english.test.jsonl")
    again = score.bits(train.load(tmp_path / "english"), items)
    shipped = MANIFEST["models"]["english"]["bits_per_character"]["english"]
    assert abs(again - shipped) < WITHIN
    assert again < score.bits(train.load(MODELS / "base"), items) - 0.1


@pytest.mark.nightly
@same_texts
def test_the_script_makes_the_whole_zoo_again(tmp_path: Path) -> None:
    from speciate.configs.zoo.make import make

    make(tmp_path)
    again = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert again["items"] == MANIFEST["items"]
    assert again["models"].keys() == MANIFEST["models"].keys()
    for founder, figures in MANIFEST["models"].items():
        found = again["models"][founder]
        for kind, bits in figures["bits_per_character"].items():
            assert abs(found["bits_per_character"][kind] - bits) < WITHIN, (founder, kind)
        assert abs(found["choice"] - figures["choice"]) < WITHIN, founder
        assert abs(found["complete"] - figures["complete"]) < WITHIN, founder
