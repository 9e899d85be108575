"""Models of different vocabularies: rows are aligned by token, whatever their order."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from speciate.errors import ConfigError, ModelError
from speciate.population.aligned import Aligned, Rows
from speciate.population.breed import carry_out
from speciate.population.plan import make_plan
from speciate.population.tokenizers_read import PIECES, Vocabulary, read_vocabulary
from speciate.population.vocabulary import Alignment, align
from speciate.population.weights import Checkpoint, Statistics
from speciate.records import Parent, Recipe

Folder = Callable[..., Path]
EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"
NORM = "model.norm.weight"
WIDTH = 3
PAIR = (Parent("a", "model"), Parent("b", "model"))


def model(folder: Folder, name: str, tokens: str, padding: int = 0, **config: Any) -> Path:
    """A model whose tokens are letters, each with a row that only the letter and name tell."""
    generator = torch.Generator().manual_seed(len(name))
    rows = [[ord(t) + ord(name[0]) / 256] * WIDTH for t in tokens] + [[-9.0] * WIDTH] * padding
    embedding = torch.tensor(rows) + torch.tensor([0.0, 0.25, 0.5])
    weights = {EMBEDDING: embedding, NORM: torch.rand(WIDTH, generator=generator)}
    if not config.get("tie_word_embeddings"):
        weights[HEAD] = -embedding
    vocabulary = {token: number for number, token in enumerate(tokens)}
    rest = {"vocab_size": len(rows), "tie_word_embeddings": False, "eos_token_id": 0} | config
    return folder(name, weights, vocabulary=vocabulary, **rest)


def permuted(folder: Folder, path: Path, name: str, order: Iterable[int]) -> Path:
    """A copy of a model with its tokens, and so its rows, in another order."""
    old, order = Checkpoint(path), list(order)
    vocabulary = json.loads((path / "tokenizer.json").read_text())["model"]["vocab"]
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    rows = torch.tensor(order + list(range(len(order), old.shape(EMBEDDING)[0])))
    weights = {
        n: old.tensor(n)[rows] if n in (EMBEDDING, HEAD) else old.tensor(n) for n in old.names
    }
    new = {tokens[number]: place for place, number in enumerate(order)}
    return folder(name, weights, vocabulary=new, **old.config)


def aligned(tokenizer: str, chat_template: str | None = None, **paths: Path) -> Alignment:
    opened = {label: Checkpoint(path) for label, path in paths.items()}
    return align(opened, next(iter(opened)), tokenizer, chat_template)


def rows_of(alignment: Alignment, label: str, name: str = EMBEDDING) -> list[float]:
    """The first column, which tells all."""
    source = alignment.sources[label]
    size = torch.Size(source.shape(name)).numel()
    found = source.read(name, 0, size).reshape(source.shape(name))
    assert torch.equal(found, found[:, :1] + torch.tensor([0.0, 0.25, 0.5]))
    return found[:, 0].tolist()


def row(token: str, name: str) -> float:
    return ord(token) + ord(name) / 256


def child(
    tmp_path: Path, operator: str, roles: str, tokenizer: str | None, paths: Mapping[str, Path]
) -> Checkpoint:
    parents = tuple(Parent(*pair.split(":")) for pair in roles.split())
    parameters = {"slerp": {"t": 0.3}}.get(operator, {})
    plan = make_plan(Recipe(operator, parents, parameters, 0), paths, tokenizer=tokenizer)
    carry_out(plan, tmp_path / "child")
    return Checkpoint(tmp_path / "child")


@pytest.mark.parametrize("tie", [True, False])
@pytest.mark.parametrize(
    ("operator", "roles"),
    [
        ("linear", "a:model b:model"),
        ("slerp", "a:model b:model"),
        ("ties", "a:base b:model b:model"),
    ],
)
@pytest.mark.parametrize("tokenizer", ["base", "union", "a"])
def test_a_permuted_copy_is_no_change(
    operator: str, roles: str, tokenizer: str, tie: bool, folder: Folder, tmp_path: Path
) -> None:
    a = model(folder, "a", "hijklmno", padding=2, tie_word_embeddings=tie)
    paths = {"a": a, "b": permuted(folder, a, "b", [3, 1, 7, 0, 2, 6, 5, 4])}
    with pytest.raises(ModelError, match="b: token 'h' is 3, not 0"):
        make_plan(Recipe("linear", PAIR, {}, 0), paths)
    made, old = child(tmp_path, operator, roles, tokenizer, paths), Checkpoint(a)
    assert made.digest() == old.digest()
    assert made.config == old.config
    for file in ("config.json", "tokenizer.json", "generation_config.json", "chat_template.jinja"):
        assert (made.path / file).read_bytes() == (a / file).read_bytes()


def test_missing_rows(folder: Folder) -> None:
    """A token's own row, or else the base's, or else the mean of those who have it."""
    paths = {
        "a": model(folder, "a", "xy"),
        "b": model(folder, "b", "yz"),
        "c": model(folder, "c", "zw"),
    }
    base = aligned("base", **paths)
    assert rows_of(base, "a") == [row("x", "a"), row("y", "a")]
    assert rows_of(base, "b") == [row("x", "a"), row("y", "b")]
    assert rows_of(base, "c") == [row("x", "a"), row("y", "a")]
    union = aligned("union", **paths)
    mean = (row("z", "b") + row("z", "c")) / 2
    assert rows_of(union, "a") == [row("x", "a"), row("y", "a"), mean, row("w", "c")]
    assert rows_of(union, "b") == [row("x", "a"), row("y", "b"), row("z", "b"), row("w", "c")]
    assert rows_of(union, "c") == [row("x", "a"), row("y", "a"), row("z", "c"), row("w", "c")]
    of_c = aligned("c", **paths)
    assert rows_of(of_c, "a") == [mean, row("w", "c")]
    assert rows_of(of_c, "c") == [row("z", "c"), row("w", "c")]
    assert of_c.frame.path == paths["c"]


def test_padded_rows(folder: Folder) -> None:
    paths = {"a": model(folder, "a", "xy", padding=2), "b": model(folder, "b", "yxzuvw")}
    base = aligned("base", **paths)
    assert rows_of(base, "b") == [row("x", "b"), row("y", "b"), -9, -9]
    assert base.frame.config == Checkpoint(paths["a"]).config
    union = aligned("union", **paths)
    assert rows_of(union, "a") == [
        row("x", "a"), row("y", "a"), *(row(t, "b") for t in "zuvw")
    ]  # fmt: skip
    assert union.frame.config["vocab_size"] == 6
    few = aligned("union", a=paths["a"], c=model(folder, "c", "yz"))
    assert rows_of(few, "c") == [row("x", "a"), row("y", "c"), row("z", "c"), -9]


def test_child_of_a_union(folder: Folder, tmp_path: Path) -> None:
    paths = {"a": model(folder, "a", "xy"), "b": model(folder, "b", "zxy")}
    made = child(tmp_path, "linear", "a:model b:model", "union", paths)
    assert made.config["vocab_size"] == 3
    expected = [(row("x", "a") + row("x", "b")) / 2, (row("y", "a") + row("y", "b")) / 2]
    assert made.tensor(EMBEDDING)[:, 0].tolist() == [*expected, row("z", "b")]
    assert torch.equal(made.tensor(HEAD), -made.tensor(EMBEDDING))
    found = read_vocabulary(made.path)
    assert found is not None
    assert found.ids == {"x": 0, "y": 1, "z": 2}
    assert found.added["z"]["special"] is False


def test_the_tokenizer_of_another_parent_and_its_special_tokens(
    folder: Folder, tmp_path: Path
) -> None:
    a = model(folder, "a", "xyz", bos_token_id=1, rms_norm_eps=1e-6)
    b = model(folder, "b", "zyx", eos_token_id=2, pad_token_id=1)
    (a / "generation_config.json").write_text('{"eos_token_id": 0, "temperature": 0.5}')
    (b / "generation_config.json").write_text('{"eos_token_id": [2, 1], "temperature": 0.7}')
    made = child(tmp_path, "linear", "a:model b:model", "b", {"a": a, "b": b})
    ids = {key: value for key, value in made.config.items() if key.endswith("_token_id")}
    assert ids == {"eos_token_id": 2, "pad_token_id": 1}
    assert made.config["rms_norm_eps"] == 1e-6
    generation = json.loads((made.path / "generation_config.json").read_text())
    assert generation == {"eos_token_id": [2, 1], "temperature": 0.5}
    assert (made.path / "tokenizer.json").read_bytes() == (b / "tokenizer.json").read_bytes()


def test_chat_templates(folder: Folder, tmp_path: Path) -> None:
    a, b = model(folder, "a", "xy"), model(folder, "b", "yx")
    (a / "chat_template.jinja").unlink()
    (a / "tokenizer_config.json").write_text('{"chat_template": "A", "eos_token": "x"}')
    (a / "additional_chat_templates").mkdir()
    (a / "additional_chat_templates" / "rag.jinja").write_text("A with documents")
    named = [{"name": "default", "template": "old"}, {"name": "tools", "template": "B with tools"}]
    (b / "tokenizer_config.json").write_text(json.dumps({"chat_template": named}))
    (b / "chat_template.jinja").write_text("B")
    recipe = Recipe("linear", PAIR, {}, 0)
    for tokenizer in ("base", "b"):
        plan = make_plan(recipe, {"a": a, "b": b}, tokenizer=tokenizer, chat_template="b")
        carry_out(plan, tmp_path / f"from {tokenizer}")
        made = {p.relative_to(tmp_path / f"from {tokenizer}").as_posix(): p.read_text()
                for p in (tmp_path / f"from {tokenizer}").rglob("*.jinja")}  # fmt: skip
        tools = {"additional_chat_templates/tools.jinja": "B with tools"}
        assert made == {"chat_template.jinja": "B"} | (tools if tokenizer == "base" else {})
    settings = json.loads((tmp_path / "from base" / "tokenizer_config.json").read_text())
    assert settings == {"eos_token": "x"}
    with pytest.raises(ConfigError, match="chat_template: no parent is 'c'"):
        aligned("base", "c", a=a, b=b)
    (b / "chat_template.jinja").unlink()
    (tmp_path / "elsewhere").write_text("not for the offspring")
    (b / "chat_template.jinja").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match="a link to outside"):
        aligned("base", "b", a=a, b=b)
    (b / "chat_template.jinja").unlink()
    (b / "chat_template.jinja").write_bytes(b"\xff")
    with pytest.raises(ModelError, match="cannot be read as a chat template"):
        aligned("base", "b", a=a, b=b)
    (b / "chat_template.jinja").unlink()
    (b / "tokenizer_config.json").write_text(
        '{"chat_template": [{"name": "../x", "template": ""}]}'
    )
    with pytest.raises(ModelError, match="is damaged"):
        aligned("base", "b", a=a, b=b)
    (b / "tokenizer_config.json").unlink()
    with pytest.raises(ConfigError, match="has none; name a model that has one"):
        aligned("base", "b", a=a, b=b)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_reads_do_not_depend_on_the_block(data: st.DataObject) -> None:
    rows, width = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 4))
    sizes = [data.draw(st.integers(1, 12)) for _ in range(2)]
    sources = [Table(torch.rand(size, width)) for size in sizes]
    givers, places, means = [], [], {}
    for n in range(rows):
        giver = data.draw(st.sampled_from([-2, -1, 0, 1]))
        givers.append(giver)
        places.append(data.draw(st.integers(0, sizes[giver] - 1)) if giver >= 0 else n)
        means[n] = [(0, sizes[0] - 1), (1, 0)]
    order = Rows(0, sizes[0], torch.tensor(givers), torch.tensor(places), means)
    source = Aligned(sources[0], ("x",), frozenset("x"), order, dict(enumerate(sources)))
    whole = source.read("x", 0, rows * width)
    assert source.shape("x") == (rows, width)
    assert whole.numel() == rows * width
    start = data.draw(st.integers(0, rows * width))
    stop = data.draw(st.integers(start, rows * width))
    assert torch.equal(source.read("x", start, stop), whole[start:stop])
    for n, (giver, place) in enumerate(zip(givers, places, strict=True)):
        expected = torch.zeros(width)
        if giver >= 0:
            expected = sources[giver].weight[place]
        elif giver == -2:
            expected = (sources[0].weight[-1] + sources[1].weight[0]) / 2
        assert torch.equal(whole[n * width : (n + 1) * width], expected)
    assert max(source.longest for source in sources) <= rows * width


class Table:
    """A `Source` of one tensor that remembers how much was read at once."""

    label, names = "table", ("x",)

    def __init__(self, weight: Tensor) -> None:
        self.weight, self.longest = weight, 0

    def shape(self, name: str) -> tuple[int, ...]:
        return tuple(self.weight.shape)

    def dtype(self, name: str) -> torch.dtype:
        return self.weight.dtype

    def read(self, name: str, start: int, stop: int) -> Tensor:
        assert 0 <= start <= stop <= self.weight.numel()
        self.longest = max(self.longest, stop - start)
        return self.weight.reshape(-1)[start:stop]


def test_one_block_reads_no_more_than_its_rows(folder: Folder) -> None:
    """Memory stays that of a block: rows side by side are read together, and no others."""
    a = model(folder, "a", "abcdefgh")
    b = permuted(folder, a, "b", [4, 5, 6, 7, 0, 1, 2, 3])
    source = aligned("base", a=a, b=b).sources["b"]
    assert source.rows is not None
    assert list(source.rows.runs(0, 8)) == [(0, 4, 1, 4), (4, 8, 1, 0)]
    table = Table(torch.rand(8, WIDTH))
    moved = Aligned(table, (EMBEDDING,), frozenset([EMBEDDING]), source.rows, {1: table})
    moved.read(EMBEDDING, 4 * WIDTH + 1, 6 * WIDTH)
    assert table.longest == 2 * WIDTH


def test_types_are_the_models_own(folder: Folder) -> None:
    a = model(folder, "a", "xy")
    old = Checkpoint(a)
    half = folder(
        "b",
        {n: old.tensor(n).bfloat16() for n in old.names},
        vocabulary={"y": 0, "q": 1},
        **old.config,
    )
    source = aligned("base", a=a, b=half).sources["b"]
    found = source.read(EMBEDDING, 0, 2 * WIDTH)
    assert found.dtype == source.dtype(EMBEDDING) == torch.bfloat16
    assert torch.equal(found[:WIDTH], old.tensor(EMBEDDING)[0].bfloat16())


def test_statistics_are_aligned_as_well(folder: Folder, tmp_path: Path) -> None:
    a, b = model(folder, "a", "xyz"), model(folder, "b", "zx")
    alignment = aligned("base", a=a, b=b)
    measured = {f"{EMBEDDING}.fisher": torch.tensor([[1.0], [2.0]]).expand(2, WIDTH).contiguous()}
    measured |= {NORM: torch.ones(WIDTH), f"{HEAD}.gram": torch.ones(WIDTH, WIDTH)}
    save_file(measured, tmp_path / "b.safetensors")
    source = alignment.statistics("b", Statistics(tmp_path / "b.safetensors"))
    assert source.shape(f"{EMBEDDING}.fisher") == (3, WIDTH)
    assert source.read(f"{EMBEDDING}.fisher", 0, 9).tolist() == [2.0] * 3 + [0.0] * 3 + [1.0] * 3
    assert source.shape(f"{HEAD}.gram") == (WIDTH, WIDTH)
    plain = Statistics(tmp_path / "b.safetensors")
    assert alignment.statistics("a", plain) is plain
    with pytest.raises(ConfigError, match="of several models together"):
        alignment.statistics(None, plain)


def test_redundant_heads_are_merged_once(folder: Folder, tmp_path: Path) -> None:
    a = model(folder, "a", "xy", tie_word_embeddings=True)
    old = Checkpoint(a)
    copied = {n: old.tensor(n) for n in old.names} | {HEAD: old.tensor(EMBEDDING)}
    b = folder("b", copied, vocabulary={"x": 0, "y": 1}, **old.config)
    for n, roles in enumerate(("a:model b:model", "b:model a:model", "b:base b:model b:model")):
        operator = "dare_ties" if "base" in roles else "linear"
        made = child(tmp_path / str(n), operator, roles, None, {"a": a, "b": b})
        assert made.digest() == old.digest()


def test_what_cannot_be_aligned(folder: Folder) -> None:
    a, b = model(folder, "a", "xy"), model(folder, "b", "yx")
    with pytest.raises(ConfigError, match="tokenizer: no parent is 'bass'; did you mean 'base'"):
        aligned("bass", a=a, b=b)
    (b / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"b: no tokenizer\.json nor vocab\.json"):
        aligned("base", a=a, b=b)
    c = model(folder, "c", "xy", vocab_size=9)
    with pytest.raises(ModelError, match="as many rows as config"):
        aligned("base", a=c, b=a)
    gap = model(folder, "d", "xy", padding=4)
    vocabulary = {"model": {"vocab": {"x": 0, "y": 3}}}
    (gap / "tokenizer.json").write_text(json.dumps(vocabulary))
    with pytest.raises(ModelError, match="have gaps"):
        aligned("union", a=gap, b=model(folder, "e", "z"))
    vocabulary["model"]["vocab"]["y"] = 99
    (gap / "tokenizer.json").write_text(json.dumps(vocabulary))
    with pytest.raises(ModelError, match="has the id 99, the embedding only 6 rows"):
        aligned("union", a=gap, b=model(folder, "f", "z"))


@pytest.mark.parametrize(
    "tokenizer",
    [
        {},
        {"model": {"vocab": 3}},
        {"model": {"vocab": {"x": "0"}}},
        {"model": {"vocab": {"x": -1}}},
        {"model": {"vocab": {"x": True}}},
        {"model": {"vocab": {"x": 1 << 40}}},
        {"model": {"vocab": {"x" * (1 << 17): 0}}},
        {"model": {"vocab": [["x", 0.0], 7]}},
        {"model": {"vocab": {}}, "added_tokens": [{"id": 0}]},
        {"model": {"vocab": {}}, "added_tokens": [{"id": 0, "content": []}]},
        {"model": {"vocab": {}}, "added_tokens": {"id": 0}},
        {"model": [1]},
    ],
)
def test_hostile_tokenizers(tokenizer: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(ModelError, match=r"tokenizer\.json has no vocabulary") as caught:
        read_vocabulary(tmp_path)
    assert len(str(caught.value)) < len(str(tmp_path)) + 400
    assert "\n" not in str(caught.value)


def test_vocabularies_of_all_kinds_of_files(tmp_path: Path) -> None:
    assert read_vocabulary(tmp_path) is None
    (tmp_path / "vocab.json").write_text('{"Ġa": 0, "b": 1}')
    (tmp_path / "merges.txt").write_text("")
    (tmp_path / "added_tokens.json").write_text('{"<c>": 2}')
    added = {"added_tokens_decoder": {"3": {"content": "<d>", "special": True}}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(added))
    slow = read_vocabulary(tmp_path)
    assert slow is not None
    assert slow.ids == {"Ġa": 0, "b": 1, "<c>": 2, "<d>": 3}
    assert slow.texts == {" a": 0, "b": 1, "<c>": 2, "<d>": 3}
    pieces = {"decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}]}}
    pieces["model"] = {"vocab": [["▁a", -1.0], ["<0xC3>", 0], ["<0x0A>", 0]]}
    (tmp_path / "tokenizer.json").write_text(json.dumps(pieces))
    fast = read_vocabulary(tmp_path)
    assert fast is not None
    assert fast.spelling == PIECES
    assert fast.texts == {" a": 0, "\udcc3": 1, "\n": 2}
    assert fast.find("Ġa", slow) == 0
    assert fast.find("Ã", Vocabulary({}, {}, slow.spelling)) == 1
    assert slow.find("▁a", fast) == 0
    assert slow.find("<0x0A>", fast) is None


def trained(text: str, size: int, special: list[str]) -> Tokenizer:
    """A byte-level tokenizer that ends with special tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([text] * 9, trainer)
    tokenizer.add_special_tokens([AddedToken(one, special=True) for one in special])
    return tokenizer


def shuffled(tokenizer: Tokenizer, seed: int) -> Tokenizer:
    """The same tokenizer with other ids for its own tokens."""
    data = json.loads(tokenizer.to_str())
    vocabulary = data["model"]["vocab"]
    order = torch.randperm(len(vocabulary), generator=torch.Generator().manual_seed(seed))
    data["model"]["vocab"] = {
        token: int(order[id_]) for token, id_ in sorted(vocabulary.items(), key=lambda p: p[1])
    }
    result: Tokenizer = Tokenizer.from_str(json.dumps(data))
    return result


def llama(path: Path, tokenizer: Tokenizer, seed: int, tie: bool) -> LlamaForCausalLM:
    torch.manual_seed(seed)
    made = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=tokenizer.get_vocab_size() + 5, hidden_size=16, intermediate_size=24,
            num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
            tie_word_embeddings=tie,
        )
    )  # fmt: skip
    made.save_pretrained(path)
    tokenizer.save(str(path / "tokenizer.json"))
    (path / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    return made


TEXT = "the quick brown fox jumps over the lazy dog, été à la plage 日本"


def move_rows(path: Path, order: Tensor) -> None:
    tensors = load_file(path / "model.safetensors")
    for name in {EMBEDDING, HEAD} & set(tensors):
        tensors[name] = tensors[name][order].contiguous()
    save_file(tensors, path / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize("tie", [True, False])
def test_transformers_agrees_on_a_permuted_copy(tie: bool, tmp_path: Path) -> None:
    plain = trained(TEXT, 280, ["<s>", "</s>"])
    other = shuffled(plain, seed=1)
    expected = llama(tmp_path / "a", plain, 0, tie)
    llama(tmp_path / "b", other, 0, tie)
    old, new = plain.get_vocab(), other.get_vocab()
    order = torch.arange(plain.get_vocab_size() + 5)
    for token, id_ in new.items():
        order[id_] = old[token]
    move_rows(tmp_path / "b", order)
    paths = {"a": tmp_path / "a", "b": tmp_path / "b"}
    for tokenizer, own in (("base", plain), ("b", other)):
        made = child(tmp_path / tokenizer, "linear", "a:model b:model", tokenizer, paths)
        ids = AutoTokenizer.from_pretrained(made.path)(TEXT)["input_ids"]
        assert ids == own.encode(TEXT).ids
        assert own.decode(ids) == TEXT
        got = logits(AutoModelForCausalLM.from_pretrained(made.path), ids)
        wanted = logits(expected, plain.encode(TEXT).ids)
        common = [(new if own is other else old)[token] for token in old]
        assert torch.allclose(got[:, common], wanted[:, list(old.values())], atol=1e-5)


def logits(model: Any, ids: list[int]) -> Tensor:
    with torch.inference_mode():
        result: Tensor = model.eval()(torch.tensor([ids])).logits[0]
    return result


def test_tokenizers_loads_a_union(tmp_path: Path) -> None:
    one = trained(TEXT, 280, ["<s>", "</s>"])
    two = trained("numbers such as twenty seven, été, 日本語", 290, ["</s>", "<tool>"])
    llama(tmp_path / "a", one, 0, True)
    llama(tmp_path / "b", two, 1, True)
    paths = {"a": tmp_path / "a", "b": tmp_path / "b"}
    made = child(tmp_path, "linear", "a:model b:model", "union", paths)
    union = Tokenizer.from_file(str(made.path / "tokenizer.json"))
    found = read_vocabulary(made.path)
    assert found is not None
    assert {token: union.token_to_id(token) for token in found.ids} == found.ids
    assert all(one.token_to_id(token) == union.token_to_id(token) for token in one.get_vocab())
    assert union.get_vocab_size() == found.size <= made.config["vocab_size"]
    text = "<s>a number<tool> such as twenty-seven, 日本 日本語 été"
    ids = union.encode(text).ids
    assert union.decode(ids, skip_special_tokens=False) == text
    assert found.ids["<tool>"] in ids
    assert union.decode(ids) == text.replace("<s>", "").replace("<tool>", "")
    assert AutoTokenizer.from_pretrained(made.path)(text)["input_ids"] == ids
    whole = AutoModelForCausalLM.from_pretrained(made.path)
    assert torch.isfinite(logits(whole, ids)).all()
    old = Checkpoint(tmp_path / "b").tensor(EMBEDDING)
    moved = made.tensor(EMBEDDING)[found.ids["<tool>"]]
    assert torch.equal(moved, old[two.token_to_id("<tool>")])
