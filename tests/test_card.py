"""The model card: the hub's own library parses it, hostile text stays text, half-way runs say what is missing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard, metadata_load

from calm_ext.report.card.front import render_card, write_card
from calm_ext.report.card.markdown import escape, fenced, plain
from calm_ext.report.collect import read_run, summarize
from tests.test_report import make_run

HOSTILE = "x|y\n---\nlicense: mit\n# `own` <script>alert(1)</script> [a](http://e.org) ```\u202e*b* $$x$$"


def change_recipe(run: Path, **sections: Any) -> None:
    recipe = yaml.safe_load((run / "recipe.yaml").read_text())
    (run / "recipe.yaml").write_text(yaml.safe_dump({**recipe, **sections}))


def card_of(run: Path, **options: Any) -> str:
    data = read_run(run)
    return render_card(data, summarize(data, resamples=200), **options)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = make_run(tmp_path_factory.mktemp("runs") / "toy", languages=["en", "ar", "ur"], n=60, n_test=80)
    change_recipe(
        path,
        model={"path": "org/base"},
        data={"source": "xcsqa"},
        sampling={"mode": "generate", "style": "explain", "n": 8},
    )
    return path


def test_the_hub_parses_the_front_matter(run: Path) -> None:
    data = read_run(run)
    summary = summarize(data, resamples=200)
    path = write_card(data, summary)
    assert path == run / "README.md"
    front = metadata_load(path)
    assert front is not None
    expected = {
        "language": ["en", "ar", "ur"], "base_model": "org/base", "base_model_relation": "adapter", "library_name": "peft",
        "license": "other", "license_link": "https://huggingface.co/org/base", "datasets": ["INK-USC/xcsr"],
    }  # fmt: skip
    assert {k: front[k] for k in expected} == expected
    assert {"dpo", "lora", "multilingual"} <= set(front["tags"])
    found = {(r.dataset_config, r.metric_name): r for r in ModelCard.load(path).data.eval_results}
    acc = found["toy_xl", "accuracy"]
    assert acc.metric_type == "accuracy"
    assert acc.metric_value == round(summary["toy_xl"]["after"]["acc"], 4)
    assert acc.metric_args == {"ci95": [round(x, 4) for x in summary["toy_xl"]["ci95"]["after"]["acc"]]}
    assert acc.dataset_args["questions"] == 80
    assert ("toy_xl", "accuracy, Arabic (ar)") in found and ("toy_xl_asked", "consistency") in found
    assert found["arc_easy", "accuracy"].metric_value == 0.52
    assert "task:toy_xl_asked" in found["toy_xl_asked", "consistency"].dataset_args["signature"]


def test_the_body_says_what_a_reader_needs(run: Path) -> None:
    text = card_of(run)
    body = text.split("\n---\n", 1)[1]
    assert "It worked: accuracy and consistency both rose on held-out questions." in body
    assert "| accuracy (acc) | 0." in body and "Holm's correction" in body
    assert "toy_xl_asked: 60 of its 60 questions were asked in the alignment" in body
    assert "toy_xl: 80 questions; a difference of accuracy below about" in body
    assert "No gold label was used" in body
    assert 'AutoPeftModelForCausalLM.from_pretrained("ORG/NAME")' in body
    assert 'ask("en", "Where do fish live?", ["water", "air"], "explain")' in body
    assert "task:toy_xl|langs:en.ar.ur" in body and "arXiv:2501.18457" in body
    assert "Measured on multiple-choice questions in English (en), Arabic (ar) and Urdu (ur) only" in body
    assert "train en 0?" not in body, "questions are not the card's to publish"
    assert "Not for medical use" not in body
    merged = card_of(run, repo="me/it", relation="merge")
    assert metadata(merged)["base_model_relation"] == "merge"
    assert metadata(merged)["library_name"] == "transformers"
    assert 'AutoModelForCausalLM.from_pretrained("me/it")' in merged


def test_gold_labels_are_said_first(run: Path, tmp_path: Path) -> None:
    """Card, page and terminal begin with it; nothing claims that no gold label was used."""
    said = "Supervised: the targets are gold labels."
    assert said not in card_of(run) and summarize(read_run(run), resamples=200)["vote"]["supervised"] is False
    shutil.copytree(run, tmp_path / "r")
    (tmp_path / "r/vote.json").write_text('{"supervised": true}')
    text = card_of(tmp_path / "r")
    body = text.split("\n---\n", 1)[1]
    assert body.strip().splitlines()[2] == f"**{said}**", "below the title"
    assert body.count(said) == 1
    assert "o gold label was used" not in body and "is the ceiling" not in body
    assert "trained on the right answers" in body and "an upper bound" in body
    assert "supervised" in metadata(text)["tags"] and "supervised" not in metadata(card_of(run))["tags"]
    data = read_run(tmp_path / "r")
    summary = summarize(data, resamples=200)
    assert summary["vote"]["supervised"] is True


def metadata(text: str) -> dict[str, Any]:
    found: dict[str, Any] = ModelCard(text).data.to_dict()
    return found


def test_limits_follow_from_the_run(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "r")
    change_recipe(tmp_path / "r", data={"source": "medqa"}, sampling={"chat_template": True})
    text = card_of(tmp_path / "r")
    assert "Not for medical use" in text
    assert "none stated for the translations" in text
    assert "datasets" not in metadata(text)
    assert "apply_chat_template" in text
    questions = (tmp_path / "r/questions.jsonl").read_text().replace('"answer"', '"source_language": "en", "answer"')
    (tmp_path / "r/questions.jsonl").write_text(questions)
    assert "were written in English (en); the other versions are translations" in card_of(tmp_path / "r")


def test_harm_is_said(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "r")
    for name in ("before", "after"):
        (tmp_path / f"r/eval/{name}").rename(tmp_path / name)
    (tmp_path / "before").rename(tmp_path / "r/eval/after")
    (tmp_path / "after").rename(tmp_path / "r/eval/before")
    text = card_of(tmp_path / "r")
    assert "It did harm" in text
    assert "use the base model instead" in text


def test_invented_languages_and_local_models_have_no_name_on_the_hub(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "r")
    questions = (tmp_path / "r/questions.jsonl").read_text()
    (tmp_path / "r/questions.jsonl").write_text(
        questions.replace('"en"', '"qaa"').replace('"ar"', '"qab"').replace('"ur"', '"qac"')
    )
    change_recipe(tmp_path / "r", model={"path": "babel"}, babel={"seed": 3, "passages": 0.5}, data={"source": "babel"})
    front = metadata(card_of(tmp_path / "r"))
    assert not {"language", "base_model", "base_model_relation", "datasets"} & set(front)
    assert "build(BabelConfig(seed=3, passages=0.5))" in card_of(tmp_path / "r")
    model = tmp_path / "my-model"
    model.mkdir()
    (model / "README.md").write_text("---\nlicense: gemma\n---\n# it\n")
    change_recipe(tmp_path / "r", model={"path": str(model)})
    text = card_of(tmp_path / "r")
    assert metadata(text)["license"] == "gemma"
    assert "base_model" not in metadata(text)
    assert str(tmp_path) not in text, "a path of this machine is nobody's business"
    assert metadata(card_of(tmp_path / "r", base_model="org/model"))["base_model"] == "org/model"
    (model / "README.md").write_text("---\nlicense: [a, 'b\n---\n")
    assert metadata(card_of(tmp_path / "r"))["license"] == "other"


def test_hostile_strings_stay_text(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "r")
    change_recipe(
        tmp_path / "r",
        name=HOSTILE,
        model={"path": HOSTILE},
        data={"source": HOSTILE},
        sampling={"mode": HOSTILE, "style": HOSTILE, "n": HOSTILE, "max_new_tokens": HOSTILE},
        vote={"rule": HOSTILE},
        training={"method": HOSTILE, "lora_targets": [HOSTILE]},
        retrieval={"index": HOSTILE},
    )
    (tmp_path / "r/manifest.json").unlink()
    data = read_run(tmp_path / "r")
    summary = summarize(data, resamples=200)
    task = summary.pop("toy_xl")
    for part in (task["before"], task["after"], task["difference"], task["ci95"]["before"], task["ci95"]["after"]):
        if "acc" in part:
            part[HOSTILE] = part["acc"]
    summary[HOSTILE] = {**task, "signature": HOSTILE, "languages": ["en", HOSTILE]}
    summary["versions"] = {HOSTILE: HOSTILE}
    text = render_card(data, summary)
    front = metadata(text)
    assert front["license"] == "other", "nothing may be slipped into the front matter"
    assert front["model-index"][0]["name"].startswith("x|y --- license: mit")
    assert ModelCard(text).data.eval_results
    fences, inside, outside = 0, "", []
    for line in text.split("\n---\n", 1)[1].splitlines():
        ticks = line[: len(line) - len(line.lstrip("`"))]
        if not inside and len(ticks) >= 3:
            inside, fences = ticks, fences + 1
        elif inside and line == inside:
            inside = ""
        elif not inside:
            outside.append(line)
    assert not inside and fences == 3, "python, signatures, bibtex"
    body = "\n".join(outside)
    assert "<script" not in body and "](http://e.org)" not in body.replace("\\](", "") and "\u202e" not in text
    assert "\n---" not in body and "\n# `" not in body
    cells = [line.replace("\\|", "").count("|") for line in outside if line.startswith("| ")]
    assert cells and set(cells) == {6}, "no row of a table has cells of its own making"


@pytest.mark.parametrize(
    "keep", ["eval/before", "eval/after", "training/log.jsonl", "ballots.jsonl", "recipe.yaml", "manifest.json"]
)
def test_half_way_runs(run: Path, tmp_path: Path, keep: str) -> None:
    part = tmp_path / "half"
    (part / keep).parent.mkdir(parents=True)
    (shutil.copytree if (run / keep).is_dir() else shutil.copy)(run / keep, part / keep)
    text = card_of(part)
    assert "This run is not complete." in text
    assert ("model-index" in metadata(text)) == (keep == "eval/after")
    if keep == "eval/before":
        assert "nothing can be compared yet" in text
    if keep == "ballots.jsonl":
        assert "Nothing has been evaluated yet." in text


def test_results_without_samples(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "r")
    for path in (tmp_path / "r").glob("eval/*/samples_*"):
        path.unlink()
    text = card_of(tmp_path / "r")
    assert "no samples file, so no intervals" in text
    assert "means only" in text
    assert metadata(text)["model-index"]


def test_escaping() -> None:
    assert escape("1. a") == "1\\. a" and escape("0.5 (n 3) b") == "0.5 (n 3) b"
    assert escape(escape("a|b")) == "a\\|b"
    assert plain("é" * 3000).endswith("…")
    assert fenced("```\nrm -rf\n```").startswith("````\n")
