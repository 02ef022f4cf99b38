"""Babel: the world, its corpus, its tokenizer, and a pretraining of a few steps."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from calm_ext.babel import BabelConfig, build, questions
from calm_ext.babel.corpus import sentences
from calm_ext.babel.gloss import NAMES, gloss
from calm_ext.babel.pretrain import cache_path
from calm_ext.babel.tokenizer import build_tokenizer, vocabulary
from calm_ext.babel.world import build_world
from calm_ext.errors import CalmError
from calm_ext.languages import get_language
from calm_ext.languages.babel import BABEL_CODES
from calm_ext.prompts import answer_text, ask, delimiter

CONFIG = BabelConfig()
TINY = BabelConfig(
    n_languages=3, n_entities=6, n_relations=2, n_train=8, n_sentences=48, batch_size=16, hidden_size=16, n_layers=1,
    intermediate_size=32,
)  # fmt: skip


def silent(step: int, n_steps: int, loss: float) -> None:
    """No progress bar."""


def test_world_is_a_function_of_the_seed() -> None:
    again = build_world.__wrapped__(BabelConfig())
    assert again == build_world.__wrapped__(CONFIG)
    assert build_world(BabelConfig(seed=1)).facts != again.facts
    assert build_world(BabelConfig(seed=1)).entities != again.entities
    assert questions(CONFIG, "train") == questions(BabelConfig(), "train")


def test_content_hash_changes_with_any_field() -> None:
    assert BabelConfig().content_hash == CONFIG.content_hash
    variants = [replace(CONFIG, seed=1), replace(CONFIG, familiar=0.6), replace(CONFIG, n_layers=2)]
    assert len({c.content_hash for c in [CONFIG, *variants]}) == 4


@pytest.mark.parametrize("split", ["train", "test"])
def test_questions_are_parallel_and_gold_is_right(split: str) -> None:
    world = build_world(CONFIG)
    facts = world.facts[: CONFIG.n_train] if split == "train" else world.facts[CONFIG.n_train :]
    asked = questions(CONFIG, split)  # type: ignore[arg-type]
    assert len(asked) == len(facts) and len({q.id for q in asked}) == len(asked)
    for number, (question, fact) in enumerate(zip(asked, facts, strict=True)):
        assert question.id == f"babel-s0-{split}-{number:05d}"
        assert question.source_language == "qaa" and tuple(question.versions) == CONFIG.languages
        indices = set()
        for code, version in question.versions.items():
            lexicon = world.lexicons[code]
            words = lexicon.values[fact.relation]
            assert version.options[question.answer or 0] == words[fact.value]
            assert len(set(version.options)) == CONFIG.n_options
            assert world.entities[fact.entity] in version.question
            assert lexicon.relations[fact.relation] in version.question
            indices.add(tuple(words.index(option) for option in version.options))
        assert len(indices) == 1


def test_splits_are_large_enough_disjoint_and_balanced() -> None:
    train, test = questions(CONFIG, "train"), questions(CONFIG, "test")
    assert len(train) >= 300 and len(test) >= 150
    asked = {q.versions["qaa"].question for q in train}
    assert len(asked) == len(train) and not asked & {q.versions["qaa"].question for q in test}
    for part in (train, test):
        counts = Counter(q.answer for q in part)
        assert set(counts) == {0, 1, 2, 3} and max(counts.values()) - min(counts.values()) <= 1


def test_shares_are_as_asked_in_both_splits() -> None:
    world = build_world(CONFIG)
    parts = (set(range(CONFIG.n_train)), set(range(CONFIG.n_train, CONFIG.n_facts)))
    assert CONFIG.language_shares[0] == CONFIG.pivot_share and CONFIG.language_shares[-1] == CONFIG.weakest_share
    for code, share in zip(CONFIG.languages, CONFIG.language_shares, strict=True):
        for part in parts:
            assert len(world.held[code] & part) == round(share * len(part))
    uneven = BabelConfig(n_languages=2, shares=(1.0, 0.25))
    assert [len(build_world(uneven).held[c]) for c in uneven.languages] == [480, 120]


def test_all_languages_have_words_of_their_own() -> None:
    words = vocabulary(BabelConfig(n_languages=8))
    assert len(words) == len(set(words))
    assert build_world(BabelConfig(n_languages=8)).config.languages == BABEL_CODES


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_languages": 9}, "2 to 8 languages"),
        ({"n_options": 9}, "n_options=9"),
        ({"n_train": 480}, "n_train=480"),
        ({"shares": (0.5,)}, "1 shares for 5"),
        ({"weakest_share": -0.1}, "0 to 1"),
        ({"familiar": 0.0}, "familiar"),
        ({"hidden_size": 30}, "hidden_size=30"),
        ({"n_entities": 0}, "n_entities=0"),
    ],
)
def test_impossible_configs_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(CalmError, match=message):
        BabelConfig(**change)  # type: ignore[arg-type]


def test_unknown_split_is_refused() -> None:
    with pytest.raises(CalmError, match="train and test"):
        questions(CONFIG, "validation")  # type: ignore[arg-type]


def test_corpus_tells_the_truth_as_often_as_asked() -> None:
    config = replace(CONFIG, n_sentences=20_000)
    world = build_world(config)
    truth = {
        code: {
            lexicon.question(f.relation, world.entities[f.entity]): (lexicon.values[f.relation][f.value], number)
            for number, f in enumerate(world.facts)
        }
        for code, lexicon in world.lexicons.items()
    }
    cues = {get_language(code).question: code for code in config.languages}
    told: dict[bool, list[bool]] = {True: [], False: []}
    for context, continuation in sentences(config):
        head, _, rest = context.partition(": ")
        if head in cues and "\n- " in rest:
            code = cues[head]
            options = [line[2:] for line in rest.split("\n")[1:-1]]
            value, number = truth[code][rest.split("\n")[0]]
            assert len(set(options)) == 4 and value in options and continuation.strip() in options
            assert context == ask(code, rest.split("\n")[0], options, "direct")
            told[number in world.held[code]].append(continuation.strip() == value)
    # The most familiar value is the true one in a quarter of the remaining cases.
    for held, share in ((True, config.truth_held), (False, config.truth_other)):
        assert sum(told[held]) / len(told[held]) == pytest.approx(share + (1 - share) / 4, abs=0.04)


def test_corpus_is_deterministic() -> None:
    assert list(sentences(TINY)) == list(sentences(TINY)) and len(list(sentences(TINY))) == TINY.n_sentences


@pytest.mark.parametrize("style", ["direct", "cloze"])
def test_tokenizer_decodes_prompts_exactly_and_has_the_prefix_property(style: str) -> None:
    tokenizer = build_tokenizer(CONFIG)
    for question in questions(CONFIG, "test")[:40]:
        for code, version in question.versions.items():
            prompt = ask(code, version.question, version.options, style)  # type: ignore[arg-type]
            answer = answer_text(code, version.options, question.answer or 0, style)  # type: ignore[arg-type]
            ids, whole = tokenizer(prompt)["input_ids"], tokenizer(prompt + delimiter(code) + answer)["input_ids"]
            assert tokenizer.decode(ids) == prompt
            assert whole[: len(ids)] == ids and len(whole) == len(ids) + 1
            assert tokenizer.decode(whole[len(ids) :]) == answer
            assert tokenizer(prompt + answer)["input_ids"] == whole  # TRL joins prompt and answer without a space
            assert tokenizer.unk_token_id not in whole


def test_tokenizer_special_tokens() -> None:
    tokenizer = build_tokenizer(CONFIG)
    word = questions(CONFIG, "train")[0].versions["qaa"].options[0]
    assert tokenizer(f"{word}</s>")["input_ids"] == [tokenizer.convert_tokens_to_ids(word), tokenizer.eos_token_id]
    assert tokenizer("nothingknown")["input_ids"] == [tokenizer.unk_token_id]
    assert tokenizer.chat_template is None
    assert len({tokenizer.pad_token_id, tokenizer.unk_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id}) == 4


def test_build_saves_a_loadable_folder_and_caches_it(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    steps: list[tuple[int, int]] = []
    before, threads = torch.random.get_rng_state(), torch.get_num_threads()
    folder = build(TINY, cache_dir=tmp_path, progress=lambda step, n_steps, loss: steps.append((step, n_steps)))
    assert torch.equal(before, torch.random.get_rng_state()) and torch.get_num_threads() == threads
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert folder == cache_path(TINY, cache_dir=tmp_path) and list(tmp_path.iterdir()) == [folder]
    names = {path.name for path in folder.iterdir()}
    assert {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "README.md"} <= names

    model: Any = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    version = questions(TINY, "test")[0].versions["qab"]
    prompt = ask("qab", version.question, version.options, "direct")
    assert tokenizer.decode(tokenizer(prompt)["input_ids"]) == prompt
    encoded = tokenizer([prompt, "Dzira:"], return_tensors="pt", padding=True)
    output = model.generate(**encoded, max_new_tokens=2, do_sample=False)
    assert output.shape[0] == 2 and model.config.eos_token_id == tokenizer.eos_token_id

    assert build(TINY, cache_dir=tmp_path, progress=lambda *_: pytest.fail("trained again")) == folder


def test_questions_stand_in_english_word_for_word() -> None:
    """In every language a word has one English, and a question's right option is the same in all."""
    config = BabelConfig(seed=2)
    english: dict[str, set[str]] = {}
    for split in ("train", "test"):
        for question in questions(config, split):
            found = gloss(question.id, {x: v.question for x, v in question.versions.items()})
            assert found is not None
            assert found.question.split()[-1].removesuffix("?") in build_world(config).entities
            for version in question.versions.values():
                for word, meaning in zip(version.options, found.options, strict=True):
                    english.setdefault(word, set()).add(meaning)
    assert all(len(x) == 1 for x in english.values())
    values = [x for own in NAMES.values() for x in own.split()]
    assert len(NAMES) == config.n_relations and len(values) == len(set(values)) == config.n_relations * config.n_values
    first = questions(config, "test")[0]
    assert gloss(first.id, {"qaa": "another question?"}) is None
    assert gloss(first.id, {"en": first.versions["qaa"].question}) is None
    assert gloss("sample-general-001") is None and gloss("babel-s2-test-99999") is None


def test_build_is_deterministic(tmp_path: Path) -> None:
    one, two = (build(TINY, cache_dir=tmp_path / name, progress=silent) for name in ("one", "two"))
    assert (one / "model.safetensors").read_bytes() == (two / "model.safetensors").read_bytes()
    other = build(replace(TINY, seed=1), cache_dir=tmp_path / "one", progress=silent)
    assert other != one and other.is_dir()


def test_interrupted_build_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(step: int, n_steps: int, loss: float) -> None:
        if step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(TINY, cache_dir=tmp_path, progress=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_cache_dir_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALM_CACHE_DIR", str(tmp_path))
    assert cache_path(TINY).parent == tmp_path / "babel"
    monkeypatch.delenv("CALM_CACHE_DIR")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_path(TINY).parent == tmp_path / ".cache" / "calm_ext" / "babel"


def test_importing_babel_imports_nothing_heavy() -> None:
    code = "import sys, calm_ext.babel; print({'torch', 'transformers', 'tokenizers'} & set(sys.modules))"
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "set()"
