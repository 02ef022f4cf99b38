"""What each stage depends on: a table of changes, and for each exactly the stages that must run again.

What the stages before made is held fixed, so that only those that depend on a change themselves are in its row.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from calm_ext.jsonl import write_jsonl
from calm_ext.pipeline.context import Run
from calm_ext.pipeline.needs import Needs
from calm_ext.pipeline.recipe import parse_recipe
from calm_ext.pipeline.schema import Recipe
from calm_ext.pipeline.stages import STAGES
from calm_ext.records import ParallelQuestion, Version

ALL = ("questions", "retrieve", "before", "sample", "vote", "pairs", "train", "after", "report")
MODEL = "retrieve before sample train after"
ASKING = "retrieve sample vote pairs train"
MEASURED = "before after"


class Fixed(Run):
    """A run whose stages have all made something, which stays the same."""

    changed = ""

    def outputs_of(self, stage: str) -> dict[str, str]:
        return {stage: "another" if stage == self.changed else "made"}


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    monkeypatch.setenv("CALM_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("CALM_DATA_DIR", "CALM_INDEX"):
        monkeypatch.delenv(name, raising=False)
    for folder in ("model", "translator", "index", "data/data/xcsqa"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "config.json").write_text(f'{{"of": "{folder}"}}')
    (tmp_path / "two.yaml").write_text("num_processes: 2\n")
    versions = {x: Version(question="?", options=["a", "b"]) for x in ("en", "fr")}
    write_jsonl(tmp_path / "q.jsonl", [ParallelQuestion(id="q", answer=0, versions=versions)])
    write_jsonl(tmp_path / "p.jsonl", [ParallelQuestion(id="p", answer=0, versions=versions)])
    recipe = parse_recipe(
        {
            "name": "x",
            "model": {"path": str(tmp_path / "model")},
            "data": {"source": "local", "path": str(tmp_path / "q.jsonl"), "languages": ["en", "fr"]},
            "retrieval": {"index": "babel"},
            "evaluation": {"tasks": ["calm_xcsqa_xl", "calm_sample_xl_rag"]},
        }
    )
    return change(recipe, "retrieval.index", str(tmp_path / "index"))


def change(recipe: Recipe, key: str, value: Any) -> Recipe:
    """The recipe with another value, unchecked: some do not go together, and none is run."""
    name, _, inner = key.partition(".")
    part = getattr(recipe, name)
    values = dict(part) | {inner: value}
    return recipe.model_copy(update={name: type(part).model_construct(**values)})


def inputs(recipe: Recipe, folder: Path, *, made: str = "") -> dict[str, str]:
    run = Fixed(recipe, folder / "run", stages=STAGES)
    run.changed = made
    return {stage.name: run.inputs_of(stage) for stage in run.stages}


def repeated(before: dict[str, str], after: dict[str, str]) -> str:
    return " ".join(x for x in ALL if before.get(x) != after.get(x))


#: Recipe key -> another value, and the stages that depend on it.
KEYS: dict[str, tuple[Any, str]] = {
    "model.path": ("org/model", MODEL),
    "model.dtype": ("float32", MODEL),
    "model.device": ("cpu", ""),
    "model.trust_remote_code": (True, ""),
    "babel.seed": (3, f"retrieve {MEASURED}"),
    "babel.passages": (0.5, ""),
    "data.source": ("sample", "questions"),
    "data.languages": (["en", "de"], f"questions {MEASURED}"),
    "data.split": ("test", "questions"),
    "data.limit": (7, "questions"),
    "data.data_dir": ("https://example.org", f"questions {MEASURED}"),
    "data.path": ("p.jsonl", "questions"),
    "data.spec": ("s.yaml", "questions"),
    "data.args": ({"origin": "hf"}, f"questions {MEASURED}"),
    "retrieval.index": ("babel", f"retrieve {MEASURED}"),
    "retrieval.method": ("hybrid", f"retrieve {MEASURED}"),
    "retrieval.query": ("both", f"retrieve {MEASURED}"),
    "retrieval.pivot": ("fr", f"retrieve {MEASURED}"),
    "retrieval.k": (5, f"retrieve {MEASURED}"),
    "retrieval.fallback": ("none", f"retrieve {MEASURED}"),
    "retrieval.with_options": (True, f"retrieve {MEASURED}"),
    "retrieval.dense_model": ("elsewhere", f"retrieve {MEASURED}"),
    "retrieval.budget": (99, f"retrieve {MEASURED}"),
    "retrieval.judge": (True, f"retrieve {MEASURED}"),
    "retrieval.threshold": (0.7, f"retrieve {MEASURED}"),
    "sampling.mode": ("options", "retrieve sample vote pairs train"),
    "sampling.style": ("direct", ASKING),
    "sampling.normalize": ("sum", ""),
    "sampling.n": (3, "sample"),
    "sampling.temperature": (0.5, "sample"),
    "sampling.top_p": (0.9, "sample"),
    "sampling.max_new_tokens": (9, "retrieve sample train"),
    "sampling.chat_template": (True, "retrieve before sample vote pairs train after"),
    "sampling.template_args": ({"enable_thinking": False}, "retrieve before sample vote pairs train after"),
    "sampling.batch_size": (3, ""),
    "sampling.shard_mib": (1, ""),
    "sampling.seed": (3, "sample train"),
    "sampling.thoughts": ([("<a>", "</a>")], "retrieve before vote pairs train after"),
    "sampling.backend": ("vllm", "sample"),
    "sampling.backend_args": ({"dtype": "float32"}, "sample"),
    "vote.rule": ("majority", "vote pairs"),
    "vote.ties": ("first", "vote pairs"),
    "vote.pivot": ("en", "vote pairs"),
    "vote.weights": ({"en": 2.0}, "vote pairs"),
    "vote.min_margin": (0.1, "vote"),
    "vote.min_probability": (0.1, "vote"),
    "vote.min_languages": (2, "vote"),
    "vote.keep_share": (0.5, "vote"),
    "vote.keep": ("probability", "vote"),
    "evaluation.tasks": (["calm_xcsqa_xl"], MEASURED),
    "evaluation.limit": (5, MEASURED),
    "evaluation.num_fewshot": (2, MEASURED),
    "evaluation.languages": (["en"], MEASURED),
    "evaluation.batch_size": (3, ""),
    "evaluation.seed": (3, MEASURED),
    "evaluation.metadata": ({"version": 2}, MEASURED),
    "training.report_to": (["tensorboard"], "report"),
    "training.gradient_checkpointing": (True, ""),
    "training.heldout_share": (0.2, "pairs"),
    "launch.accelerate_config": ("two.yaml", "train"),
    "training.method": ("sft", "train"),
    "training.quantize": ("4bit", "train"),
    "pairs.fallback": ("translate", "pairs"),
}


def keys_of_all(recipe: Recipe) -> list[str]:
    return [f"{name}.{key}" for name, part in recipe if hasattr(part, "model_dump") for key in type(part).model_fields]


@pytest.mark.filterwarnings("ignore:Pydantic")
def test_every_key_of_a_recipe_repeats_exactly_what_depends_on_it(
    base: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of pairs and training the keys that are not named repeat that stage, and no other."""
    monkeypatch.chdir(tmp_path)
    before = inputs(base, tmp_path)
    assert list(before) == list(ALL)
    wrong = {}
    known = keys_of_all(base)
    for key in known:
        default = {"pairs": "pairs", "training": "train"}.get(key.partition(".")[0])
        value, expected = KEYS.get(key, ("another", default))
        found = repeated(before, inputs(change(base, key, value), tmp_path))
        if found != expected:
            wrong[key] = (found, expected)
    assert not wrong
    assert not set(KEYS) - set(known), "the table has keys that no recipe has"


def test_scores_of_options_are_compared_by_vote_pairs_and_training(base: Recipe, tmp_path: Path) -> None:
    scored = change(change(base, "sampling.mode", "options"), "sampling.style", "cloze")
    before = inputs(scored, tmp_path)
    assert repeated(before, inputs(change(scored, "sampling.normalize", "pmi"), tmp_path)) == "vote pairs"
    without = repeated(before, inputs(change(scored, "sampling.normalize", "sum"), tmp_path))
    assert without == "sample vote pairs", "the options are not scored without the question then"
    assert repeated(before, inputs(scored, tmp_path, made="vote")) == "pairs train report"


#: stage -> the stages that read what it made.
MADE = {
    "questions": "retrieve sample pairs report",
    "retrieve": "sample train report",
    "before": "report",
    "sample": "vote pairs report",
    "vote": "pairs report",
    "pairs": "train report",
    "train": "after report",
    "after": "report",
    "report": "",
}


@pytest.mark.parametrize("stage", MADE)
def test_what_a_stage_made_is_read_by(base: Recipe, tmp_path: Path, stage: str) -> None:
    assert repeated(inputs(base, tmp_path), inputs(base, tmp_path, made=stage)) == MADE[stage]


def test_questions_that_are_asked_again_are_measured(base: Recipe, tmp_path: Path) -> None:
    asked = change(base, "evaluation.tasks", ["calm_asked_xl"])
    assert repeated(inputs(asked, tmp_path), inputs(asked, tmp_path, made="questions")) == (
        "retrieve before sample pairs after report"
    )


def write(path: Path) -> Callable[[Path, pytest.MonkeyPatch], None]:
    """Another content of the same size, at the same time: only content tells."""

    def act(root: Path, _: pytest.MonkeyPatch) -> None:
        text, old = (root / path).read_text(), (root / path).stat()
        (root / path).write_text(text.replace("o", "0", 1) if "o" in text else text.swapcase())
        assert (root / path).read_text() != text
        os.utime(root / path, ns=(old.st_atime_ns, old.st_mtime_ns + 1))

    return act


def setting(name: str, value: str) -> Callable[[Path, pytest.MonkeyPatch], None]:
    return lambda root, patch: patch.setenv(name, str(root / value))


#: What changes in the world -> (recipe keys besides, environment, the change, the stages that depend on it).
WORLD: dict[str, tuple[dict[str, Any], dict[str, str], Callable[[Path, pytest.MonkeyPatch], None], str]] = {
    "a file of the model": ({}, {}, write(Path("model/config.json")), MODEL),
    "a file of the model, translated by it": (
        {"pairs.fallback": "translate"}, {}, write(Path("model/config.json")), "retrieve before sample pairs train after",
    ),
    "the translator": (
        {"pairs.fallback": "translate", "pairs.translator": "translator"}, {}, write(Path("translator/config.json")), "pairs",
    ),
    "the questions file": ({}, {}, write(Path("q.jsonl")), "questions"),
    "the index": ({}, {}, write(Path("index/config.json")), f"retrieve {MEASURED}"),
    "the accelerate config": ({"launch.accelerate_config": "two.yaml"}, {}, write(Path("two.yaml")), "train"),
    "data of the tasks, in $CALM_DATA_DIR": (
        {}, {"CALM_DATA_DIR": "data"}, write(Path("data/data/xcsqa/config.json")), MEASURED,
    ),
    "data of both, in $CALM_DATA_DIR": (
        {"data.source": "xcsqa"}, {"CALM_DATA_DIR": "data"}, write(Path("data/data/xcsqa/config.json")),
        f"questions {MEASURED}",
    ),
    "data of both, in data_dir": (
        {"data.source": "xcsqa", "data.data_dir": "data"}, {}, write(Path("data/data/xcsqa/config.json")),
        f"questions {MEASURED}",
    ),
    "$CALM_DATA_DIR itself": ({}, {}, setting("CALM_DATA_DIR", "data"), MEASURED),
    "$CALM_INDEX": ({"retrieval": None}, {}, setting("CALM_INDEX", "index"), MEASURED),
    "the index in $CALM_INDEX": (
        {"retrieval": None}, {"CALM_INDEX": "index"}, write(Path("index/config.json")), MEASURED,
    ),
    "passages of the tasks": (
        {"evaluation.metadata": {"passages": "p.jsonl"}}, {}, write(Path("p.jsonl")), MEASURED,
    ),
    "questions of the tasks": (
        {"evaluation.tasks": ["calm_local_xl"]}, {}, write(Path("q.jsonl")), f"questions {MEASURED}",
    ),
    "what nobody reads": ({}, {"CALM_DATA_DIR": "data"}, write(Path("two.yaml")), ""),
}  # fmt: skip


@pytest.mark.parametrize("name", WORLD)
def test_the_world_is_its_content(base: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    keys, environment, act, expected = WORLD[name]
    monkeypatch.chdir(tmp_path)
    for key, value in environment.items():
        monkeypatch.setenv(key, str(tmp_path / value))
    recipe = base
    for key, value in keys.items():
        recipe = change(recipe, key, value) if "." in key else recipe.model_copy(update={key: value})
    before = inputs(recipe, tmp_path)
    act(tmp_path, monkeypatch)
    assert repeated(before, inputs(recipe, tmp_path)) == expected


def test_what_people_read_beside_a_model_is_no_part_of_it(base: Recipe, tmp_path: Path) -> None:
    before = inputs(base, tmp_path)
    for name in ("README.md", "LICENSE", ".gitattributes"):
        (tmp_path / "model" / name).write_text("text")
    assert repeated(before, inputs(base, tmp_path)) == ""


def test_a_large_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from calm_ext.disk import digests

    monkeypatch.setenv("CALM_CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"x" * (digests._LARGE + 1))
    os.utime(path, (1, 1))
    first = digests.content_of(path)
    read: list[Path] = []
    plain = digests.sha256_of
    monkeypatch.setattr(digests, "sha256_of", lambda p: (read.append(p), plain(p))[1])
    assert digests.content_of(path) == first and not read
    path.write_bytes(b"y" * (digests._LARGE + 1))
    os.utime(path, (2, 2))
    assert digests.content_of(path) != first and read == [path]
    assert digests.content_of(path) != first and read == [path]


def test_reasons_are_words() -> None:
    now = Needs(keys={"a.x": 1, "a.y": None}, made={"vote": {"b": "1"}}, world={"the model in m": "1"}, more=[1])
    record = now.record()
    assert now.changes_since(record) == ["something else that it depends on has changed"]
    other = Needs(keys={"a.x": 2, "a.z": "t" * 99}, made={"vote": {"b": "2"}}, world={"the model in m": "2"})
    said = other.changes_since(record)
    assert said[0] == "a.x was 1 and is 2" and said[1].startswith("a.z was not set and is ttt") and len(said[1]) < 90
    assert said[2:] == ["stage vote has made something else since", "the model in m has changed"]
    for unreadable in (None, {}, {"keys": [], "made": {}, "world": {}}):
        assert now.changes_since(unreadable) == ["what it was made from is not known"]
