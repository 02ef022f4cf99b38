"""A whole run with a tiny real model: what it writes, what it skips, what it repeats, what it refuses."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from calm_ext.cli.main import cli
from calm_ext.errors import CalmError, RunError
from calm_ext.jsonl import read_jsonl, write_jsonl
from calm_ext.pipeline.context import Run
from calm_ext.pipeline.directory import RunDirectory
from calm_ext.pipeline.recipe import parse_recipe
from calm_ext.pipeline.reporter import Reporter
from calm_ext.pipeline.run import Pipeline
from calm_ext.pipeline.schema import Recipe
from calm_ext.pipeline.stages import STAGES
from calm_ext.pipeline.stages.pairs import Pairs, is_heldout
from calm_ext.records import Ballot, Generation, Pair, ParallelQuestion, Passages, Version
from calm_ext.report.timing import Timing, print_timing


def recipe(base: Path, **changes: dict[str, Any]) -> Recipe:
    values: dict[str, Any] = {
        "name": "tiny",
        "model": {"path": str(base), "dtype": "float32", "device": "cpu"},
        "data": {"source": "babel", "languages": ["qaa", "qab", "qac"], "limit": 40},
        "sampling": {"mode": "generate", "style": "direct", "n": 4, "max_new_tokens": 3, "batch_size": 128},
        "training": {"learning_rate": 1e-3, "epochs": 1, "batch_size": 16, "dtype": "float32", "checks_per_epoch": 1},
        "evaluation": {"tasks": ["calm_babel_xl", "calm_babel_xl_mc"], "limit": 10, "batch_size": 64},
    }
    for key, change in changes.items():
        values[key] = values[key] | change if key in values else change
    return parse_recipe(values)


class Spy(Reporter):
    """Notes what a run says."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def stage(self, name: str, message: str) -> None:
        self.said.append((name, message))

    def progress(self, label: str, total: int) -> Any:
        return lambda done: None

    def ran(self) -> list[str]:
        return [name for name, message in self.said if message == "starts"]


def test_translation_in_a_run(babel_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pairs stage on generations that need it; the model that is aligned is what translates by default."""
    asking = recipe(
        babel_model,
        sampling={"style": "explain", "n": 2},
        pairs={"fallback": "translate", "anchors": "none"},
        training={"heldout_share": 0.0},
    )
    loaded = Run(asking, tmp_path / "a").models.restater()
    assert type(loaded).__name__ == "CausalRestater"
    spy = Spy()
    context = Run(asking, tmp_path / "b", reporter=spy)
    folder = context.dir
    options = ["un", "deux"]
    versions = {x: Version(question="?", options=options) for x in ("en", "fr")}
    write_jsonl(
        folder / "questions.jsonl", [ParallelQuestion(id="q", answer=1, source_language="en", versions=versions)]
    )
    common = {"id": "q", "source_language": "en", "question": "?", "options": options, "answer": 1, "prompt": "?"}
    said = {"en": ["Explanation: Two is more.\nAnswer: B"] * 2, "fr": ["Réponse : A"] * 2}
    write_jsonl(folder / "generations.jsonl", [Generation(language=x, responses=r, **common) for x, r in said.items()])  # type: ignore[arg-type]
    ballot = Ballot(id="q", winner=1, margin=1.0, votes={"en": [1, 1], "fr": [0, 0]}, weights={"en": 1.0, "fr": 1.0})
    write_jsonl(folder / "ballots.jsonl", [ballot])

    class Translator:
        def restate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
            return ["Deux est plus." for _ in texts]

    monkeypatch.setattr(context.models, "restater", Translator)
    Pairs().run(context)
    (pair,) = read_jsonl(folder / "pairs.jsonl", Pair)
    assert (pair.language, pair.chosen, pair.origin) == ("fr", " Deux est plus.\nRéponse : B. deux", "translate")
    assert [message for _, message in spy.said] == ["1 pairs (en 0, fr 1), 0 questions held out"]


def run(recipe: Recipe, folder: Path, **kwargs: Any) -> list[str]:
    spy = Spy()
    Pipeline(recipe, folder, reporter=spy).run(**kwargs)
    return spy.ran()


@pytest.fixture(scope="module")
def finished(babel_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    assert run(recipe(babel_model), folder, stop_after="vote") == ["questions", "before", "sample", "vote"]
    assert not (folder / "adapter").exists()
    assert run(recipe(babel_model), folder) == ["pairs", "train", "after", "report"]
    return folder


def test_a_run_writes_what_it_promises(finished: Path) -> None:
    for name in (
        "recipe.yaml", "manifest.json", "questions.jsonl", "generations.jsonl", "ballots.jsonl", "pairs.jsonl",
        "adapter/adapter_config.json", "eval/before/results.json", "eval/after/samples_calm_babel_xl.jsonl",
        "report/index.html", "report/explain.html", "summary.json",
    ):  # fmt: skip
        assert (finished / name).is_file(), name
    manifest = json.loads((finished / "manifest.json").read_text())
    assert set(manifest["stages"]) == {s.name for s in STAGES} - {"retrieve"}
    for entry in manifest["stages"].values():
        assert entry["seconds"] >= 0
        assert all(len(digest) == 64 for digest in entry["outputs"].values())
    summary = json.loads((finished / "summary.json").read_text())
    for task in ("calm_babel_xl", "calm_babel_xl_mc"):
        for when in ("before", "after"):
            assert 0 <= summary[task][when]["acc"] <= 1
    held = {q for q in (json.loads(x)["id"] for x in (finished / "questions.jsonl").open()) if is_heldout(q, 0.1)}
    trained = {json.loads(x)["id"] for x in (finished / "pairs.jsonl").open()}
    assert held
    assert not held & trained


def test_explain_agrees_with_the_summary(finished: Path, tmp_path: Path) -> None:
    """Of a real run, a generated task and a scored one: what was won and lost is the difference in accuracy."""
    done = CliRunner().invoke(cli, ["explain", str(finished), "-o", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    summary = json.loads((finished / "summary.json").read_text())
    parts = json.loads(done.stdout)["parts"]
    for task in ("calm_babel_xl", "calm_babel_xl_mc"):
        (part,) = (p for p in parts if p["task"] == task)
        assert part["kind"] == "held out"
        counts, expected = part["outcomes"]["all"], summary[task]["difference"]["acc"]
        assert (counts["won"] - counts["lost"]) / part["n_answers"] == pytest.approx(expected["value"])
        assert part["acc"]["ci95"] == pytest.approx([expected["low"], expected["high"]])


def test_a_dry_run_names_what_follows_from_a_change(finished: Path, babel_model: Path) -> None:
    def again(**changes: Any) -> list[str]:
        plan = Pipeline(recipe(babel_model, **changes), finished).plan()
        return [stage.name for stage in plan if "done already" not in stage.note]

    assert again() == []
    assert again(training={"epochs": 3}) == ["train", "after", "report"]
    assert again(vote={"rule": "majority"})[0] == "vote" and "after" in again(vote={"rule": "majority"})
    assert again(sampling={"seed": 9})[0] == "sample" and "report" in again(sampling={"seed": 9})


def test_a_plan_says_where_no_task_asks_what_was_aligned(babel_model: Path, tmp_path: Path) -> None:
    def note(**changes: Any) -> str:
        return next(
            x.note for x in Pipeline(recipe(babel_model, **changes), tmp_path / "r").plan() if x.name == "before"
        )

    assert "none of them asks" not in note()
    other = {"tasks": ["calm_sample_xl_mc"], "languages": ["en", "fr"]}
    assert note(evaluation=other).endswith("; none of them asks questions of data.source babel")
    other["tasks"] = ["calm_asked_xl_mc"]
    assert "none of them asks" not in note(evaluation=other)


def test_nothing_is_repeated_without_a_reason(finished: Path, babel_model: Path) -> None:
    before = (finished / "adapter/adapter_model.safetensors").stat().st_mtime_ns
    assert run(recipe(babel_model), finished) == []
    assert (finished / "adapter/adapter_model.safetensors").stat().st_mtime_ns == before


def test_a_changed_key_repeats_only_what_depends_on_it(finished: Path, babel_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(finished, folder)
    changes: dict[str, Any] = {"training": {"seed": 1}}
    assert run(recipe(babel_model, **changes), folder) == ["train", "after", "report"]
    # A margin that drops no question gives the same ballots, and what comes after them is left alone.
    changes["vote"] = {"min_margin": 1e-9}
    assert run(recipe(babel_model, **changes), folder) == ["vote"]
    changes["evaluation"] = {"limit": 8}
    assert run(recipe(babel_model, **changes), folder) == ["before", "after", "report"]
    changes["sampling"] = {"seed": 1}
    spy = Spy()
    Pipeline(recipe(babel_model, **changes), folder, reporter=spy).run(stop_after="sample")
    assert spy.ran() == ["sample"]
    assert (
        "sample",
        "the sampling settings have changed: the old generations are put aside in sampling/old",
    ) in spy.said


def test_vote_and_pairs_load_no_framework(finished: Path, tmp_path: Path) -> None:
    """Neither as stages nor as verbs: on a machine of many runs a vote is a matter of a second."""
    folder = tmp_path / "tiny"
    shutil.copytree(finished, folder)
    stages = ["align", str(folder / "recipe.yaml"), "--run", str(folder), "--set", "vote.min_margin=0.01"]
    generations, ballots, pairs = str(folder / "generations.jsonl"), str(tmp_path / "b"), str(tmp_path / "p")
    asked = [
        [*stages, "--stop-after", "pairs"],
        ["vote", generations, "-o", ballots, "--style", "direct"],
        ["pairs", ballots, generations, "-o", pairs, "--style", "direct"],
    ]
    code = f"""
import sys
from click.testing import CliRunner
from calm_ext.cli.main import cli
for arguments in {asked!r}:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, (arguments, result.output)
    heavy = {{'torch', 'transformers', 'lm_eval', 'trl', 'peft', 'accelerate'}} & set(sys.modules)
    assert not heavy, (arguments, heavy)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    manifest = json.loads((folder / "manifest.json").read_text())["stages"]
    assert (
        manifest["vote"]["inputs"] != json.loads((finished / "manifest.json").read_text())["stages"]["vote"]["inputs"]
    )


def test_the_model_is_loaded_once_for_evaluation_and_sampling(
    babel_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from calm_ext.models import lm

    loaded: list[str] = []
    plain = lm.load_lm
    monkeypatch.setattr(lm, "load_lm", lambda path, **more: (loaded.append(path), plain(path, **more))[1])
    assert run(recipe(babel_model), tmp_path / "run", stop_after="sample") == ["questions", "before", "sample"]
    assert loaded == [str(babel_model)]


def test_where_the_time_went(finished: Path) -> None:
    """Seconds in the model and tokens of every stage that runs it; what was skipped is not counted into this run."""
    stages = json.loads((finished / "manifest.json").read_text())["stages"]
    for name, stage in stages.items():
        runs = name in ("before", "sample", "train", "after")
        assert (stage["tokens"] > 0) == runs, name
        assert 0 <= stage["model_seconds"] <= stage["seconds"] and (stage["model_seconds"] > 0) == runs, name
    parts, total = [stages[x]["model_seconds"] for x in ("train", "after")], 100 + stages["train"]["seconds"]
    total += stages["after"]["seconds"]
    timing = Timing.of(stages, ran=["train", "after"], startup=2.0, total=total)
    assert timing.total.seconds == pytest.approx(total)
    assert timing.glue == pytest.approx(1 - sum(parts) / total, abs=1e-6)
    assert [r.stage for r in timing.rows if not r.now] == ["questions", "before", "sample", "vote", "pairs", "report"]
    console = Console(record=True, width=100)
    print_timing(timing, console)
    said = console.export_text()
    assert "sample (before)" in said and "of the time was not spent in the model" in said


def test_a_damaged_output_is_made_again(finished: Path, babel_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(finished, folder)
    (folder / "ballots.jsonl").write_text("")
    assert run(recipe(babel_model), folder) == ["vote"]


def test_an_interrupted_run_continues(babel_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from calm_ext.harness import sampler

    real, calls = sampler.ask_model, []

    def interrupted(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(sampler, "ask_model", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(recipe(babel_model), tmp_path / "r", stop_after="sample")
    assert (tmp_path / "r/generations.jsonl").read_text().count("\n") == 16 * 3
    monkeypatch.setattr(sampler, "ask_model", real)
    spy = Spy()
    Pipeline(recipe(babel_model), tmp_path / "r", reporter=spy).run(stop_after="sample")
    assert spy.ran() == ["sample"]
    assert ("sample", "continued: 16 questions were there already") in spy.said
    whole = tmp_path / "whole"
    run(recipe(babel_model), whole, stop_after="sample")
    assert (whole / "generations.jsonl").read_text() == (tmp_path / "r/generations.jsonl").read_text()


def test_retrieval_end_to_end(babel_model: Path, tmp_path: Path) -> None:
    """Passages are in the samples, the pairs, the watch over training, and the evaluation; changing them repeats these."""
    made: dict[str, Any] = {
        "retrieval": {"index": "babel", "k": 2},
        "data": {"languages": ["qaa", "qad", "qae"]},
        "evaluation": {"tasks": ["calm_babel_xl", "calm_babel_xl_rag"], "limit": 12},
    }
    folder, spy = tmp_path / "r", Spy()
    Pipeline(recipe(babel_model, **made), folder, reporter=spy).run()
    assert spy.ran() == [s.name for s in STAGES]
    assert ("retrieve", "qae: no passages in the index, qaa's are used (40 questions)") in spy.said
    assert any(m.startswith("240 passages for 120 questions and languages; recall@2 1.000") for _, m in spy.said)
    passages = {(p.id, p.language): p.passages for p in read_jsonl(folder / "passages.jsonl", Passages)}
    for generation in read_jsonl(folder / "generations.jsonl", Generation):
        read = passages[generation.id, generation.language]
        assert generation.passages == [p.id for p in read] and all(p.text in generation.prompt for p in read)
    pairs = list(read_jsonl(folder / "pairs.jsonl", Pair))
    assert all(passages[p.id, p.language][0].text in p.prompt for p in pairs)
    job = json.loads((folder / "training/job.json").read_text())
    assert job["heldout_passages"] == str(folder / "passages.jsonl")
    told = json.loads((folder / "summary.json").read_text())["retrieval"]
    assert told["quality"]["languages"]["qaa"]["recall"]["2"] == 1.0
    effect = told["tasks"]["calm_babel_xl_rag"]["effect"]["after"]
    assert set(effect) == {"qaa", "qad", "qae", "all"} and effect["all"]["n"] == 36
    row = effect["qaa"]
    assert row["with"] - row["without"] == pytest.approx(row["better"] - row["worse"])
    page = (folder / "report/index.html").read_text()
    assert 'id="retrieval"' in page and "what the passages did to the answers" in page
    assert run(recipe(babel_model, **made), folder) == []
    made["retrieval"] = {"index": "babel", "k": 1}
    spy = Spy()
    Pipeline(recipe(babel_model, **made), folder, reporter=spy).run(stop_after="sample")
    assert spy.ran() == ["retrieve", "before", "sample"]


def test_options_mode_end_to_end(finished: Path, babel_model: Path, tmp_path: Path) -> None:
    made = recipe(
        babel_model, sampling={"mode": "options", "style": None}, vote={"weights": {"qaa": 2}, "keep_share": 0.7}
    )
    shutil.copytree(finished, tmp_path / "r")
    ran = ["sample", "vote", "pairs", "train", "after", "report"]
    assert run(made, tmp_path / "r") == ran, "the questions and the first evaluation are those of before"
    generation = json.loads((tmp_path / "r/generations.jsonl").open().readline())
    assert len(generation["option_logprobs"]) == 4
    assert "responses" not in generation
    assert (tmp_path / "r/report/index.html").is_file()


def test_letters_end_to_end(finished: Path, babel_model: Path, tmp_path: Path) -> None:
    name = "calm_babel_xl_letters"
    made = recipe(
        babel_model, sampling={"mode": "options", "style": "letters"}, evaluation={"tasks": [name], "limit": 12}
    )
    shutil.copytree(finished, tmp_path / "r")
    run(made, tmp_path / "r")
    generations = {(g.id, g.language): g for g in read_jsonl(tmp_path / "r/generations.jsonl", Generation)}
    for pair in read_jsonl(tmp_path / "r/pairs.jsonl", Pair):
        g = generations[pair.id, pair.language]
        assert g.shown is not None
        assert pair.prompt == g.prompt
        assert pair.chosen.strip() == "ABCD"[g.shown.index(pair.chosen_answer)]
    vote = json.loads((tmp_path / "r/vote.json").read_text())
    assert set(vote["letter_bias"]) == {"qaa", "qab", "qac"}
    summary = json.loads((tmp_path / "r/summary.json").read_text())
    assert set(summary[name]["letter_bias"]) == {"before", "after"}
    assert set(summary["vote"]["letter_bias"]) == set(vote["letter_bias"])
    assert "Letters are answered unevenly by this much" in (tmp_path / "r/report/index.html").read_text()


def test_gold_targets_end_to_end(finished: Path, babel_model: Path, tmp_path: Path) -> None:
    """The upper bound, with anchors: a pair in every language of every question, and all chosen answers are right."""
    options = {"sampling": {"mode": "options", "style": None}, "pairs": {"anchors": "all"}, "vote": {"rule": "gold"}}
    made = recipe(babel_model, **options)
    (note,) = [p.note for p in Pipeline(made, tmp_path / "plan").plan() if p.name == "vote"]
    assert note.endswith("; supervised: the targets are gold labels")
    shutil.copytree(finished, tmp_path / "r")
    run(made, tmp_path / "r")
    summary = json.loads((tmp_path / "r/summary.json").read_text())
    pairs, held = summary["pairs"], summary["pairs"]["n_heldout_questions"]
    assert pairs["n_pairs"] == 3 * (40 - held) and 0 < pairs["anchors"] < pairs["n_pairs"]
    assert pairs["precision"] == pairs["precision_without_anchors"] == 1.0
    assert summary["vote"]["supervised"] is True
    assert "Supervised: the targets are gold labels." in (tmp_path / "r/report/index.html").read_text()
    assert "**Supervised: the targets are gold labels.**" in (tmp_path / "r/README.md").read_text()


def test_gold_is_refused_before_hours_of_work(babel_model: Path, tmp_path: Path) -> None:
    def lacking(n: int) -> Pipeline:
        made = Pipeline(recipe(babel_model, vote={"rule": "gold"}), tmp_path / "r")
        questions = made.context.source_questions
        made.context.source_questions = [
            q.model_copy(update={"answer": None}) if i < n else q for i, q in enumerate(questions)
        ]
        return made

    (note,) = [p.note for p in lacking(3).plan() if p.name == "vote"]
    assert note.endswith("supervised: the targets are gold labels, which 3 of 40 questions lack")
    for start in (Pipeline.plan, Pipeline.run):
        with pytest.raises(
            CalmError, match=r"vote.rule: gold needs gold answers, and none of the 40 questions of babel"
        ):
            start(lacking(40))
    assert not (tmp_path / "r").exists()


def test_refusals(finished: Path, babel_model: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds a run of recipe 'tiny', not 'other'"):
        RunDirectory(finished, name="other")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.tex").write_text("…")
    with pytest.raises(RunError, match="holds no run"):
        RunDirectory(tmp_path / "mine", name="tiny")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/manifest.json").write_text("{")
    with pytest.raises(RunError, match="cannot be read"):
        RunDirectory(tmp_path / "broken", name="tiny")
    with pytest.raises(CalmError, match="lm-eval has no task calm_nothing"):
        Pipeline(recipe(babel_model, evaluation={"tasks": ["calm_nothing"]}), tmp_path / "r").run()
    assert not (tmp_path / "r").exists()
    with pytest.raises(CalmError, match="dense retrieval needs an index with embeddings"):
        Pipeline(recipe(babel_model, retrieval={"index": "babel", "method": "dense"}), tmp_path / "r").plan()
    shutil.copytree(finished, tmp_path / "undecided")
    with pytest.raises(RunError, match="the vote decided no question"):
        run(recipe(babel_model, vote={"min_margin": 1.0}), tmp_path / "undecided")


def test_the_plan_counts_and_writes_nothing(babel_model: Path, tmp_path: Path) -> None:
    plan = Pipeline(recipe(babel_model), tmp_path / "r").plan()
    assert [p.name for p in plan] == [s.name for s in STAGES if s.name != "retrieve"]
    notes = {p.name: p.note for p in plan}
    assert notes["sample"] == "40 questions × 3 languages × 4 responses"
    assert "β 0.1" in notes["train"]
    assert not (tmp_path / "r").exists()
