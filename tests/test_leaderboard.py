"""The leaderboard: values against the other verbs, ranks against their definition, what is kept apart, bad input, the page."""

from __future__ import annotations

import csv
import importlib.util
import io
import itertools
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from calm_ext.cli.main import cli
from calm_ext.errors import CalmError, DataError
from calm_ext.metrics.compare import compare
from calm_ext.metrics.measure import measure
from calm_ext.metrics.stats import bootstrap_p, holm, mcnemar
from calm_ext.metrics.tables import resampled_metrics
from calm_ext.metrics.tables import table as measured
from calm_ext.report.board.html import to_html
from calm_ext.report.board.rank import judge
from calm_ext.report.board.table import Board, make_board
from calm_ext.report.board.write import finding, heading, headline, headline_of, to_csv, to_markdown, warnings
from calm_ext.report.view.write import write_view
from calm_ext.results.answers import read_answers
from calm_ext.results.columns import Columns, read_columns
from tests.test_report import unlinked
from tests.view_results import whole

ROOT = Path(__file__).resolve().parents[1]
EVIL = "<script>document.title='owned'</script>|\"'><img src=x onerror=alert(1)>\x1b[31m\u202e\ud800=cmd"
TASK = "calm_medqa_xl"


def _generator() -> Callable[..., Path]:
    spec = importlib.util.spec_from_file_location("leaderboard_speed", ROOT / "benchmarks/leaderboard_speed.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[..., Path] = module.write_results
    return found


write_results = _generator()


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five models on the same 80 questions, and results that must stand apart from them."""
    path = tmp_path_factory.mktemp("results")
    for i, (name, skill) in enumerate([("weak", 0.2), ("mid-a", 0.5), ("mid-b", 0.52), ("strong", 0.9), (EVIL, 0.5)]):
        write_results(path / f"m{i}", model=name, skill=skill, questions=80, seed=i)
    return path


def columns(values: Any, name: str = "acc") -> Columns:
    values = np.asarray(values, dtype=float)
    return Columns((name,), [f"q{i}" for i in range(len(values))], values[:, None], "", "")


def invoke(*arguments: str | Path) -> Any:
    return CliRunner().invoke(cli, ["leaderboard", *map(str, arguments)], catch_exceptions=True)


def change(path: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    values = json.loads(path.read_text())
    edit(values)
    path.write_text(json.dumps(values))


# --- values and ranks ---------------------------------------------------------------------------------------------


def test_values_and_intervals_are_those_of_metrics(results: Path) -> None:
    (table,) = make_board([results]).tables
    assert table.rows[0].entry.model == "strong"
    for row in table.rows[:2]:
        wanted = measure(read_answers([row.entry.path.parent]))
        for metric, value in wanted.metrics.items():
            if not metric.startswith("fidelity_"):  # no text is read here
                assert row.value(metric) == pytest.approx(value), metric
        for metric in ("acc", "consistency", "kappa"):
            assert row.ci95[metric] == pytest.approx(wanted.ci95[metric]), metric
        for metric in ("acc_en", "acc_ja", "all_correct"):
            assert row.ci95[metric] == pytest.approx(wanted.ci95[metric]), metric


@pytest.mark.parametrize(
    "sort", ["acc_worst", "overlap_right", "transfer", "transfer_ja", "acc_gap", "pivot_consistency"]
)
def test_new_metrics_are_ranked(results: Path, sort: str) -> None:
    (table,) = make_board([results], sort=sort).tables
    assert table.by == sort
    values = [row.value(sort) for row in table.rows]
    assert values == sorted(values, reverse=sort != "acc_gap"), "a gap is better when small"
    for row in table.rows[:2]:
        wanted = measure(read_answers([row.entry.path.parent]))
        assert values[table.rows.index(row)] == pytest.approx(wanted.metrics[sort])
        assert row.ci95[sort] == pytest.approx(wanted.ci95[sort])
        assert row.rank(sort) != "–"


def test_sort_takes_plain_names_and_hints(results: Path) -> None:
    assert make_board([results], sort="Accuracy of the worst language").sort == "acc_worst"
    assert make_board([results], sort="transfer to Japanese (ja)").sort == "transfer_ja"
    with pytest.raises(
        CalmError, match=r"no metric 'acc_wurst' \(did you mean 'acc_worst', accuracy of the worst language\?\)"
    ):
        make_board([results], sort="acc_wurst")


def test_results_from_before_the_new_metrics(tmp_path: Path) -> None:
    """What the accuracies make is there all the same; what needs the pivot is not."""
    path = write_results(tmp_path, model="old", skill=0.5, questions=40)
    new = {"acc_worst", "overlap_right", "transfer", "acc_gap", "pivot_consistency"}
    change(path, lambda r: [r["results"][TASK].pop(f"{m}{s},none", None) for m in new for s in ("", "_stderr")])
    change(path, lambda r: r["configs"][TASK]["metadata"].pop("pivots"))
    (samples,) = tmp_path.glob("samples_*")
    rows = [json.loads(line) for line in samples.read_text().splitlines()]
    for row in rows:
        row["metrics"] = [m for m in row["metrics"] if m not in new]
        for metric in new:
            del row[metric]
    samples.write_text("".join(json.dumps(r) + "\n" for r in rows))
    (table,) = make_board([tmp_path], sort="overlap_right").tables
    wanted = measure(read_answers([tmp_path]))
    for metric in ("overlap_right", "acc_worst"):
        assert table.rows[0].value(metric) == pytest.approx(wanted.metrics[metric])
    assert table.rows[0].ci95["overlap_right"] == pytest.approx(wanted.ci95["overlap_right"])
    assert not {"transfer", "acc_gap", "transfer_fr"} & set(table.rows[0].entry.values)


def test_a_metric_that_would_be_taken_for_a_column_of_ours(tmp_path: Path) -> None:
    write_results(tmp_path, model="m", skill=0.5, questions=20)
    (samples,) = tmp_path.glob("samples_*")
    samples.write_text(samples.read_text().replace('"all_correct"', '"&1,x"'))
    (table,) = make_board([tmp_path]).tables
    assert "has a metric named '&1,x'" in table.rows[0].entry.note


def test_two_models_are_tested_as_compare_does(results: Path) -> None:
    sides = [read_answers([results / name]) for name in ("m1", "m2")]
    (table,) = make_board([results / "m1", results / "m2"], sort="kappa").tables
    changes = compare(*sides).changes
    parts = [measured(list(s.questions.values()), s.languages) for s in sides]
    drawn = [resampled_metrics(t) for t in parts]
    for metric in ("acc", "consistency", "kappa"):
        lower = next(r for r in table.rows if not np.isnan(r.standings[metric].p_first))
        # Means that are equal but for rounding are ties here, while compare has them on either side.
        exact = bootstrap_p(np.round(drawn[1][metric] - drawn[0][metric], 9))
        assert lower.standings[metric].p_first == pytest.approx(exact)
        assert lower.standings[metric].p_first == pytest.approx(changes[metric].p, abs=0.03)
        assert lower.rank(metric) == ("1=" if exact >= 0.05 else "2")


def test_right_or_wrong_is_tested_exactly_and_corrected_over_all_pairs() -> None:
    rng = np.random.default_rng(0)
    values = [(rng.random(60) < share).astype(float) for share in (0.9, 0.7, 0.65, 0.3)]
    values.sort(key=lambda v: -v.mean())
    found = judge([columns(v) for v in values], "acc").standings
    pairs = list(itertools.combinations(range(4), 2))
    corrected = dict(
        zip(pairs, holm([mcnemar((values[a] == 1).tolist(), (values[b] == 1).tolist()) for a, b in pairs]), strict=True)
    )
    assert [s.p_first for s in found[1:]] == pytest.approx([corrected[0, i] for i in (1, 2, 3)])
    bests = [0]
    for i in range(1, 4):
        bests += [i] if corrected[bests[-1], i] < 0.05 else []
        assert found[i].rank == bests[-1] + 1


def test_equal_models_share_and_clear_ones_do_not() -> None:
    rng = np.random.default_rng(1)
    middle = rng.random((100, 6)).round() * 0 + (rng.random((100, 6)) < 0.5)
    models = [np.full(100, 0.95), middle.mean(axis=1), middle.mean(axis=1), np.full(100, 0.02)]
    assert list(map(str, judge([columns(m) for m in models], "acc").standings)) == ["1", "2=", "2=", "4"]
    wrong = judge([columns(m, "consistency_wrong") for m in models], "consistency_wrong").standings
    assert list(map(str, wrong)) == ["4", "2=", "2=", "1"], "lower is better"


def test_ranks_skip_after_a_tie() -> None:
    rng = np.random.default_rng(4)
    pair = (rng.random((120, 6)) < 0.5).mean(axis=1)
    models = [np.full(120, 0.98), *([pair] * 3), *([pair / 5] * 2), np.zeros(120)]
    assert list(map(str, judge([columns(m) for m in models], "acc").standings)) == [
        "1", "2=", "2=", "2=", "5=", "5=", "7",
    ]  # fmt: skip


def test_a_headline_names_who_leads(results: Path, tmp_path: Path) -> None:
    assert headline(make_board([results])) == "strong leads by accuracy"
    assert headline(make_board([results], sort="consistency_wrong")).endswith("by agreeing and wrong")
    for i in range(6):
        write_results(tmp_path / f"x{i}", model=f"x{i}", skill=0.5, questions=20, task="calm_x_xl", seed=i)
    one, two, many = (make_board([tmp_path / f"x{i}" for i in range(n)]) for n in (1, 2, 6))
    assert headline(one) == f"x0: accuracy {one.tables[0].rows[0].value('acc'):.3f}"
    best, other = (r.label for r in two.tables[0].rows)
    assert headline(two) == f"{best} and {other} share the lead by accuracy"
    first = [r.label for r in many.tables[0].rows]
    assert headline(many) == "No model leads by accuracy: all 6 share the first rank"
    write_results(tmp_path / "last", model="last", skill=-0.3, questions=20, task="calm_x_xl", seed=9)
    assert (
        headline(make_board([tmp_path]))
        == f"{first[0]}, {first[1]}, {first[2]} and 3 others share the lead by accuracy"
    )
    both = headline(make_board([results, *(tmp_path / f"x{i}" for i in range(6))]))
    assert both == f"Best by accuracy: strong ({TASK}); {first[0]} and 5 others (calm_x_xl)"
    assert f"<h1>{headline(two)}</h1>" in to_html(two)
    (table,) = make_board([results / name for name in ("m0", "m1", "m2")]).tables
    best, other, last = (r.label for r in table.rows)
    assert last == "weak"
    assert finding(table).endswith(f"; {other} cannot be told from it and shares the first rank.")


def test_questions_of_training_have_no_ranks(results: Path, tmp_path: Path) -> None:
    """A split for training, questions that an alignment asked, and a run that asked some of a benchmark's questions."""
    split, run = tmp_path / "split", tmp_path / "runs/a"
    metadata: dict[str, dict[str, Any]] = {
        "calm_t_xl": {"split": "train"}, "calm_asked_xl_mc": {}, "calm_q_xl": {"asked": "q.jsonl"},
    }  # fmt: skip
    for task, more in metadata.items():
        for i, skill in enumerate((0.2, 0.9)):
            path = write_results(split / task / f"m{i}", model=f"m{i}", skill=skill, questions=60, task=task, seed=i)
            change(path, lambda r, task=task, more=more: r["configs"][task]["metadata"].update(more))  # type: ignore[misc]
    for i, (when, skill) in enumerate((("before", 0.3), ("after", 0.9))):
        write_results(run / "eval" / when, model="org/base", skill=skill, questions=60, task="calm_r_xl", seed=i)
    (run / "manifest.json").write_text(json.dumps({"name": "a", "stages": {}}))
    (run / "summary.json").write_text(json.dumps({"calm_r_xl": {"asked": 12}}))
    board = make_board([results, tmp_path])
    taught = [t for t in board.tables if t.task != TASK]
    assert len(taught) == 4
    for table in taught:
        assert table.taught and {row.rank(m) for row in table.rows for m in table.ranked} == {"–"}
        assert warnings(table)[0].startswith("Not held out: ") and "best" not in finding(table)
        assert headline_of(table) == "2 results on questions that are not held out, so without ranks"
    assert headline(board) == f"Best by accuracy: strong ({TASK})"
    page, markdown = unlinked(to_html(board)), to_markdown(board)
    for said in (warnings(t)[0] for t in taught):
        assert f'<div class="box bad">{said}</div>' in page and said in markdown
    (run / "summary.json").write_text(json.dumps({"calm_r_xl": {"asked": 0}}))
    (held,) = make_board([run]).tables
    assert not held.taught and held.rows[0].rank("acc") == "1"
    write_view(board, tmp_path / "view")
    assert all(w in (tmp_path / "view/index.html").read_text() for w in ("Not held out", '"held":0'))


def test_nobody_is_best_among_one_or_by_guessing(results: Path, tmp_path: Path) -> None:
    write_results(tmp_path / "one", model="alone", skill=-0.3, questions=20, task="calm_one_xl", seed=3)
    board = make_board([results, tmp_path])
    assert headline(board) == f"Best by accuracy: strong ({TASK})"
    (table,) = (t for t in board.tables if t.task == "calm_one_xl")
    (row,) = table.rows
    assert row.rank("acc") == "–" and table.near_chance(row)
    assert headline_of(table).endswith(", which is not clearly above chance")
    assert warnings(table)[0].startswith("Accuracy is not clearly above chance (")
    assert '<small class="near">near chance</small>' in to_html(board)
    for i in range(5):
        for name, skill in (("a", 0.95), ("b", 0.1)):
            path = tmp_path / f"t{i}/{name}"
            write_results(path, model=name, skill=skill, questions=60, task=f"calm_t{i}_xl", seed=i)
    assert headline(make_board([tmp_path])) == "First rank by accuracy, of 5 tasks with ranks: a on 5"


def test_many_languages_are_folded(tmp_path: Path) -> None:
    write_results(tmp_path, model="m", skill=0.5, questions=40, languages=12)
    board = make_board([tmp_path])
    page = to_html(board)
    (row,) = board.tables[0].rows
    values = {x: row.value(f"acc_{x}") for x in board.tables[0].languages}
    low, high = min(values.values()), max(values.values())
    assert re.search(rf"<summary>\w\w {low:.3f} to \w\w {high:.3f}</summary>", page)
    assert all(f"<span>{x} <b>{v:.3f}</b></span>" in page for x, v in values.items())
    assert ">vi<" not in page


@pytest.mark.parametrize(
    ("model", "shown"),
    [
        ("org/model", "org/model"),
        ("models/gemma", "models/gemma"),
        ("/home/me/models/gemma+run", "gemma+run"),
        ("~/gemma/", "gemma"),
        ("../gemma", "gemma"),
        ("C:\\Users\\me\\gemma", "gemma"),
        ("/data/base + /home/me/runs/demo/adapter", "base + demo/adapter"),
        ("/c/hub/models--org--model/snapshots/" + "0a" * 20, "org/model"),
        ("/", "a model without a name"),
    ],
)
def test_a_model_goes_without_its_folder(tmp_path: Path, model: str, shown: str) -> None:
    write_results(tmp_path / "a", model=model, skill=0.5, questions=9, languages=2)
    assert make_board([tmp_path]).tables[0].rows[0].label == shown


def test_two_models_of_one_name_are_told_by_their_results(tmp_path: Path) -> None:
    for i, where in enumerate(("/home/me/one", "/home/me/two")):
        write_results(tmp_path / f"r{i}", model=f"{where}/gemma", skill=0.5, questions=9, languages=2, seed=i)
    labels = {r.label for r in make_board([tmp_path]).tables[0].rows}
    assert labels == {"gemma [r0]", "gemma [r1]"}


def test_a_model_may_carry_two_ranks() -> None:
    """B is a little worse than A on many questions; C is worse than B, but too erratic to be told from A."""
    rng = np.random.default_rng(3)
    a = np.full(100, 0.6)
    b = a - np.where(np.arange(100) < 60, 0.05, 0.0)
    c = np.clip(a - 0.04 + rng.normal(0, 0.45, 100), 0, 1)
    c += 0.568 - c.mean()
    assert b.mean() > c.mean()
    assert list(map(str, judge([columns(x) for x in (c, a, b)], "acc").standings)) == ["1–2", "1", "2="]


def test_few_questions_prove_little() -> None:
    one, other = np.ones(4), np.array([0.5, 0.4, 0.3, 0.2])
    assert [str(s) for s in judge([columns(one), columns(other)], "acc").standings] == ["1=", "1="]
    assert judge([columns(one), columns(other)], "acc").standings[1].p_first == 2.0**-3


def test_equal_models_are_seldom_told_apart() -> None:
    told = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        hard = rng.uniform(0.2, 0.9, 60)
        models = [columns((rng.random((60, 6)) < hard[:, None]).mean(axis=1)) for _ in range(12)]
        told += any(s.rank != 1 for s in judge(models, "acc").standings)
    assert told <= 3, "expected: one in twenty"


def test_order_of_questions_and_undefined_values() -> None:
    rng = np.random.default_rng(2)
    values = rng.random(50)
    straight, turned = columns(values), columns(values[::-1])._replace(ids=[f"q{i}" for i in range(50)][::-1])
    found = judge([straight, turned, columns(np.full(50, np.nan))], "acc")
    assert found.values[0] == pytest.approx(found.values[1])
    assert [str(s) for s in found.standings] == ["1=", "1=", "–"]
    assert found.standings[1].p_first == 1.0


# --- what is apart ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda r: r["n-samples"][TASK].update(original=400), "questions: 80 of 400 (there: all 80)"),
        (lambda r: r["n-shot"].update({TASK: 3}), "few-shot: 3-shot (there: 0-shot)"),
        (lambda r: r["versions"].update({TASK: 2.0}), "task version: 2 (there: 1)"),
        (lambda r: r.update(chat_template="{{ x }}"), "chat template: applied (there: none)"),
        (lambda r: r.update(system_instruction="Be brief."), "system instruction: Be brief. (there: none)"),
        (lambda r: r["configs"][TASK]["generation_kwargs"].update(temperature=1.0), "temperature 1.0"),
        (lambda r: sign(r, "prompts:prompts-2", "prompts:prompts-3"), "prompts: prompts-3 (there: prompts-2)"),
        (lambda r: sign(r, "score:answers-2", "score:answers-1"), "answers read by: answers-1 (there: answers-2)"),
        (lambda r: sign(r, "|calm-ext", "|retrieval:ab.k2|calm-ext"), "passages: ab.k2 (there: none)"),
    ],
)
def test_only_like_is_ranked_with_like(results: Path, tmp_path: Path, edit: Any, said: str) -> None:
    path = write_results(tmp_path / "x", model="cheat", skill=1.0, questions=80, seed=9)
    change(path, edit)
    first, other = make_board([results, tmp_path]).tables
    assert len(first.rows) == 5
    assert first.apart == []
    assert [r.label for r in other.rows] == ["cheat"]
    assert said in "; ".join(other.apart)
    assert said.partition(" (")[0] in to_markdown(make_board([results, tmp_path])).replace("\\", "")


def sign(results: dict[str, Any], old: str, new: str) -> None:
    metadata = results["configs"][TASK]["metadata"]
    assert old in metadata["signature"]
    metadata["signature"] = metadata["signature"].replace(old, new)


def test_other_questions_are_apart_and_other_versions_only_noted(results: Path, tmp_path: Path) -> None:
    write_results(tmp_path / "other", model="other", skill=0.5, questions=80, prefix="z")
    path = write_results(tmp_path / "old", model="old", skill=0.5, questions=80, seed=7)
    change(path, lambda r: sign(r, "calm-ext:0.1.0", "calm-ext:0.0.9"))
    first, other = make_board([results, tmp_path]).tables
    assert "old" in [r.label for r in first.rows]
    assert "different versions of calm-ext: 0.0.9, 0.1.0" in " ".join(first.notes)
    assert other.apart == ["other questions: z00000, … (there: q00000, …)"]
    assert "calm-ext" not in first.signature


def test_tasks_are_tables_and_can_be_chosen(results: Path, tmp_path: Path) -> None:
    write_results(tmp_path / "a", model="a", skill=0.5, questions=10, languages=1, task="calm_xcsqa_sw")
    board = make_board([results, tmp_path], sort="consistency")
    assert [t.task for t in board.tables] == [TASK, "calm_xcsqa_sw"]
    assert [t.by for t in board.tables] == ["consistency", "acc"]
    assert "There is no consistency here" in board.tables[1].notes[0]
    assert [t.task for t in make_board([results, tmp_path], tasks=["calm_xcsqa_sw"]).tables] == ["calm_xcsqa_sw"]
    with pytest.raises(CalmError, match=r"no results of nope found in .*; there are calm_medqa_xl, calm_xcsqa_sw"):
        make_board([results, tmp_path], tasks=["nope"])
    with pytest.raises(CalmError, match="no result has the metric 'rankc'; there are acc"):
        make_board([results], sort="rankc")


# --- two results of one model, and bad input ----------------------------------------------------------------------


def test_two_results_of_one_model(results: Path, tmp_path: Path) -> None:
    for i, stamp in enumerate(("_2026-01-01", "_2026-01-02")):
        write_results(tmp_path / "again", model="m", skill=0.5, questions=80, seed=i, stamp=stamp)
    shutil.copytree(results / "m1", tmp_path / "copy")
    for name in ("before", "after"):
        write_results(tmp_path / "eval" / name, model="run", skill=0.5, questions=80, seed=len(name))
    precise = write_results(tmp_path / "half", model="mid-b", skill=0.5, questions=80, seed=30)
    change(precise, lambda r: r["config"]["model_args"].update(dtype="float16"))
    board = make_board([results, tmp_path, results])
    labels = [r.label for r in board.tables[0].rows]
    assert len(labels) == len(set(labels)) == 9
    assert {"m", "run [before]", "run [after]", "mid-a", "mid-b", "mid-b (dtype=float16)"} <= set(labels)
    assert len(board.left_out) == 2
    assert "calm_medqa_xl of m is there again, newer, in results_2026-01-02.json" in board.left_out[0]
    assert "calm_medqa_xl of mid-a is a copy of" in board.left_out[1]


def test_without_samples_there_is_a_value_and_no_rank(results: Path, tmp_path: Path) -> None:
    path = write_results(tmp_path / "bare", model="bare", skill=0.55, questions=80, samples=False)
    change(path, lambda r: r["results"][TASK].update({"acc_stderr,none": 0.02}))
    (table,) = make_board([results, tmp_path]).tables
    row = next(r for r in table.rows if r.label == "bare")
    assert (row.rank("acc"), row.rank("kappa")) == ("–", "–")
    assert row.ci95["acc"] == pytest.approx((row.value("acc") - 0.0392, row.value("acc") + 0.0392), abs=1e-4)
    assert "Placed by value alone, not tested, so without a rank: bare: no samples" in table.notes[0]
    (alone,) = make_board([tmp_path]).tables
    assert finding(alone).startswith("One result only")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda lines: [*lines[:-1], lines[-1][:300]], ":80: not a JSON object (the last line has no end: was the file cut off?)"),
        (lambda lines: lines[:-1], "the samples have 79 of 80 questions"),
        (lambda lines: [*lines[:-1], lines[0]], ":80: question q00000 comes twice"),
        (lambda lines: [x.replace('"acc": 1.0', '"acc": 0.0') for x in lines], "the samples are of other results (another acc"),
        (lambda lines: [lines[0].replace('"acc": ', '"acc": "much", "b": '), *lines[1:]], "a metric of a question is no number"),
        (lambda lines: [lines[0].replace('"kappa": {"en": ', '"kappa": {"en": 1e9, "xx": '), *lines[1:]], "no indices of options"),
        (lambda lines: [], "is empty"),
        (lambda lines: ["[1]\n"], ":1: is not a sample of a cross-lingual task"),
        (lambda lines: ['{"doc": {"id": 1}}\n'], ":1: is not a sample of a cross-lingual task (no metrics)"),
        (lambda lines: ["[" * 100_000 + "\n"], ":1: not a JSON object"),
        (lambda lines: ['{"metrics": ["acc"], "doc": {"id": 1}}\n'], ":1: has no value of 'acc'"),
    ],
)  # fmt: skip
def test_broken_samples_cost_the_rank_and_are_told(results: Path, tmp_path: Path, spoil: Any, said: str) -> None:
    write_results(tmp_path / "x", model="broken", skill=0.5, questions=80, seed=9)
    (samples,) = (tmp_path / "x").glob("samples_*")
    samples.write_text("".join(spoil(samples.read_text().splitlines(keepends=True))))
    (table,) = make_board([results, tmp_path]).tables
    assert {r.label: r.rank("acc") for r in table.rows}["broken"] == "–"
    assert said in " ".join(table.notes)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "results_x.json:1: is not JSON"),
        ("[]", "a JSON object was expected"),
        ("", "is not JSON"),
        ("[" * 100_000, "is not JSON that can be read"),
        ('{"results": 1' + "0" * 5000 + "}", "is not a results file of lm-eval"),
        ('{"results": {"arc": {"acc,none": 0.5}}, "configs": {}}', "1 results of tasks that are not calm-ext's: arc"),
        ('{"results": {"t": {"acc,none": NaN}}, "configs": {"t": {"metadata": {"signature": "task:t"}}}}', "has no number for t"),
        ("\udcff", "is not UTF-8"),
    ],
)  # fmt: skip
def test_broken_results_are_told_and_the_others_ranked(results: Path, tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "results_x.json").write_text(content, encoding="utf-8", errors="surrogateescape")
    board = make_board([results, tmp_path])
    assert len(board.tables[0].rows) == 5
    assert said in board.left_out[0]
    assert said.replace("'", "&#39;") in to_html(board)
    found = invoke(results, tmp_path)
    assert found.exit_code == 0
    assert f"left out: {board.left_out[0]}" in found.stderr
    with pytest.raises(CalmError, match="no results of calm tasks found"):
        make_board([tmp_path])


STRANGE = [None, "x", [], {}, -1, 1e308, float("inf"), True, [{}]]


@pytest.mark.parametrize(
    "key",
    [
        "versions",
        "n-shot",
        "n-samples",
        "config",
        "date",
        "model_name",
        "chat_template",
        "system_instruction",
        "groups",
    ],
)
def test_strange_results_never_end_in_a_traceback(tmp_path: Path, key: str) -> None:
    path = write_results(tmp_path / "x", model="m", skill=0.5, questions=5)
    original = json.loads(path.read_text())
    for value in STRANGE:
        for changed in (value, {TASK: value}, {"model_args": value, "limit": value, "fewshot_seed": value}):
            path.write_text(json.dumps({**original, key: changed}))
            board = make_board([tmp_path])
            assert len(board.tables[0].rows) == 1
            assert to_html(board)
            assert to_markdown(board)
            assert to_csv(board)


def test_there_is_nothing(tmp_path: Path) -> None:
    for arguments, said in (
        ([tmp_path / "no"], "no such file or directory"),
        ([tmp_path], "no results of calm tasks found in"),
    ):
        with pytest.raises(CalmError, match=said):
            make_board(arguments)
    with pytest.raises(DataError, match="cannot be read"):
        read_columns(tmp_path / "none.jsonl")


def test_the_short_way_reads_what_the_whole_line_says(results: Path, tmp_path: Path) -> None:
    (samples,) = (results / "m1").glob("samples_*")
    rows = [json.loads(line) for line in samples.read_text().splitlines()]
    rows[3]["resps"] = rows[3]["filtered_resps"] = [
        '{"doc_id": 0, "doc": {"id": "x"}}, "metrics": ["no"], "acc": 7'
    ] * 6
    short, whole = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    short.write_text("".join(json.dumps(r) + "\n" for r in rows))
    whole.write_text("".join(json.dumps(dict(reversed(r.items()))) + "\n" for r in rows))
    a, b = read_columns(short), read_columns(whole)
    assert a.ids == b.ids
    assert a.asked == b.asked
    assert sorted(a.names) == sorted(b.names)
    for name in a.names:
        np.testing.assert_array_equal(a.values[:, a.names.index(name)], b.values[:, b.names.index(name)])


def test_passages_are_no_part_of_a_question(tmp_path: Path) -> None:
    for i in range(2):
        path = write_results(tmp_path / f"m{i}", model=f"m{i}", skill=0.5, questions=30, seed=i)
        change(path, lambda r: sign(r, "|calm-ext", "|retrieval:ab.judge-1|calm-ext"))
        (samples,) = path.parent.glob("samples_*")
        rows = [json.loads(line) for line in samples.read_text().splitlines()]
        for row in rows:
            row["doc"]["passages"] = [[{"id": f"p{i}", "language": "en", "text": "t"}]] * 6
            row["doc_hash"] += str(i)
        samples.write_text("".join(json.dumps(r) + "\n" for r in rows))
    (table,) = make_board([tmp_path]).tables
    assert [r.rank("acc") for r in table.rows] == ["1=", "1="]
    assert "with passages" in heading(table)
    assert "read different passages" in " ".join(table.notes)


# --- real results -------------------------------------------------------------------------------------------------


def test_real_results_of_a_run(babel_model: Path, tmp_path: Path) -> None:
    """lm-eval's own files, as `calm-ext align` leaves them in eval/before and eval/after."""
    from calm_ext.harness.evaluate import evaluate
    from calm_ext.models.lm import load_lm

    lm = load_lm(str(babel_model), dtype="float32", device="cpu", batch_size=32)
    tasks = ["calm_babel_xl", "calm_babel_xl_letters", "calm_babel_xl_mc"]
    for when, name in (("before", "tiny"), ("after", "tiny+run")):
        evaluate(lm, tasks, tmp_path / "eval" / when, model_name=name, limit=12)
    board = make_board([tmp_path])
    assert [t.task for t in board.tables] == tasks
    assert board.left_out == []
    for table in board.tables:
        assert [(r.label, r.rank("acc")) for r in table.rows] == [("tiny", "1="), ("tiny+run", "1=")]
        assert table.rows[0].standings["acc"] == table.rows[0].standings["acc"]._replace(rank=1, shared=True)
        wanted = measure(read_answers([tmp_path / "eval/before"], task=table.task))
        for metric in ("acc", "consistency", "kappa", *(["rankc"] if table.task != tasks[0] else [])):
            assert table.rows[0].value(metric) == pytest.approx(wanted.metrics[metric], nan_ok=True)
            assert table.rows[0].ci95[metric] == pytest.approx(wanted.ci95[metric], nan_ok=True)
        assert "12 of 160 questions, 5 languages (qaa, qab, qac, qad, qae), 0-shot, no chat template" in heading(table)
    view = write_view(board, tmp_path / "view")
    assert view.notes == []
    for number, (table, shown) in enumerate(zip(board.tables, view.tables, strict=True)):
        texts = whole(view.folder, f"{number}/texts", shown["starts"]["texts"])
        assert all(bool(t["s"]) == ("letters" in table.task) and len(t["o"]) == 5 for t in texts)
        for place, (row, when) in enumerate(zip(table.rows, ("before", "after"), strict=True)):
            answers = read_answers([tmp_path / "eval" / when], task=table.task).questions.values()
            found = whole(view.folder, f"{number}/answers/{place}", [0])
            assert found == [[-1 if a is None else a for a in q.answers.values()] for q in answers], row.label
        assert bool(list(view.folder.glob(f"data/{number}/said/*"))) == (table.task == tasks[0]), "only there it wrote"


# --- what is written ----------------------------------------------------------------------------------------------


def test_files(results: Path, tmp_path: Path) -> None:
    found = invoke(results, "-o", tmp_path / "site")
    assert found.exit_code == 0, found.output
    assert sorted(p.name for p in (tmp_path / "site").iterdir()) == ["index.html", "leaderboard.csv", "leaderboard.md"]
    assert invoke(results, "-o", tmp_path / "site").exit_code == 0, "a board replaces a board"
    rows = list(csv.DictReader(io.StringIO((tmp_path / "site/leaderboard.csv").read_text())))
    assert [r["place"] for r in rows] == ["1", "2", "3", "4", "5"]
    assert rows[0]["model"] == "strong"
    assert rows[0]["rank_acc"] == "1"
    assert float(rows[0]["acc_low"]) < float(rows[0]["acc"]) < float(rows[0]["acc_high"])
    markdown = (tmp_path / "site/leaderboard.md").read_text()
    table = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table}) == 1
    assert "<script>" not in markdown
    (tmp_path / "index.html").write_text("mine")
    for target, said in (
        (tmp_path, "is not a leaderboard"),
        (tmp_path / "a.html", "name a folder"),
        (ROOT / "README.md", "name a folder"),
    ):
        refused = invoke(results, "-o", target)
        assert isinstance(refused.exception, CalmError)
        assert said in str(refused.exception)
    assert (tmp_path / "index.html").read_text() == "mine"


def test_formulas_in_names_are_only_text(tmp_path: Path) -> None:
    write_results(tmp_path / "x", model="=HYPERLINK(1)", skill=0.5, questions=10)
    (row,) = csv.DictReader(io.StringIO(to_csv(make_board([tmp_path]))))
    assert row["model"] == "'=HYPERLINK(1)"


def test_names_of_folders_may_be_any_bytes(tmp_path: Path) -> None:
    import os

    for i in range(2):
        folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff<b>%d" % i))
        write_results(folder, model="m", skill=0.5, questions=10, seed=i)
    for arguments in (["--json"], ["--markdown"], [], ["-o", tmp_path / "site"]):
        found = invoke(tmp_path, *arguments)
        assert found.exit_code == 0, found.exception
        assert found.stdout.encode()


def test_json_and_terminal(results: Path) -> None:
    found = json.loads(invoke(results, "--json", "--sort", "kappa").stdout)
    assert found["sort"] == "kappa"
    (table,) = found["tables"]
    kappas = [m["metrics"]["kappa"] for m in table["models"]]
    assert kappas == sorted(kappas, reverse=True)
    assert table["models"][0]["ranks"]["kappa"] == {"rank": 1, "first": 1, "shared": False, "p_first": None}
    printed = invoke(results).stdout
    assert "strong is best by accuracy" in printed
    assert re.search(r"accuracy\s.*\n.*\(acc\)", printed), "a column has the plain name, and the code below it"
    assert not {"\x1b", "\u202e"} & set(printed)
    assert "\n" in invoke(results, "--markdown").stdout


# --- the page -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def board(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Board:
    more = tmp_path_factory.mktemp("more")
    write_results(more / "few", model="few", skill=0.5, questions=20)
    write_results(more / "other", model="strong", skill=0.5, questions=20, task="calm_other_xl")
    return make_board([results, more])


def test_the_page_is_escaped_self_contained_and_accessible(board: Board) -> None:
    page = to_html(board)
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page
    assert page.count("<script>") == 1
    assert not re.search(r"(src|href)=\"(https?:)?//", page)
    assert page.count("<table>") == page.count("<caption>") == 3
    assert page.count('aria-sort="descending"') == 3
    assert page.count('<th scope="row"') == 7
    assert '<label for="model">' in page
    assert 'aria-live="polite"' in page
    assert "\u202e" not in page
    assert "\x1b" not in page


def chromium(page: Path, *more: str) -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        pytest.skip("there is no Chromium here")
    quiet = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update --disable-sync"
    command = [found, *quiet.split(), f"--user-data-dir={page.parent / 'profile'}", *more, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


PROBE = """
<script>
const said = {}, table = document.querySelector("table"), named = () => [...table.tBodies[0].rows].map(r => [r.cells[0].textContent, r.cells[1].textContent]);
const shown = () => [...document.querySelectorAll("tbody tr")].filter(r => !r.hidden && !r.closest("section").hidden).length;
const heads = [...table.tHead.rows[0].cells], at = name => heads.find(h => h.textContent.trim() === name).querySelector("button");
said.start = document.getElementById("status").textContent;
said.before = named();
at("Consistency").click();
said.sorted = at("Consistency").closest("th").getAttribute("aria-sort");
said.others = heads.filter(h => h.hasAttribute("aria-sort")).length;
said.caption = table.caption.textContent;
at("Consistency").click();
said.turned = named();
at("Model").click();
said.names = named().map(x => x[1]);
at("en").click();
said.unranked = named().map(x => x[0]);
said.live = document.getElementById("status").textContent;
const model = document.getElementById("model"), task = document.getElementById("task"), fire = () => document.querySelector("form").dispatchEvent(new Event("input"));
model.value = "STRONG"; fire(); said.strong = [shown(), document.getElementById("status").textContent];
task.value = "calm_other_xl"; fire(); said.both = [shown(), document.getElementById("status").textContent];
model.value = "nobody"; fire(); said.none = [shown(), document.getElementById("status").textContent];
said.title = document.title;
said.wide = document.documentElement.scrollWidth <= window.innerWidth;
const pre = document.createElement("pre"); pre.id = "said"; pre.textContent = JSON.stringify(said); document.body.append(pre);
</script></body>"""


def test_sorting_and_filtering_in_a_browser(board: Board, tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    text = to_html(board)
    page.write_text(re.sub(r"<meta http-equiv=[^>]*>", "", text).replace("</body>", PROBE), encoding="utf-8")
    dumped = chromium(page, "--dump-dom", "--window-size=500,900")
    found = re.search(r'<pre id="said">(.*?)</pre>', dumped, re.DOTALL)
    assert found, dumped[-2000:]
    import html

    said = json.loads(html.unescape(found[1]))
    assert said["start"] == "7 of 7 results in 3 of 3 tables."
    assert said["before"] == [[r.rank("acc"), r.label] for r in board.tables[0].rows]
    assert (said["sorted"], said["others"]) == ("descending", 1)
    assert "Ranks are by consistency." in said["caption"]
    wanted = sorted(board.tables[0].rows, key=lambda r: r.value("consistency"))
    assert said["turned"] == [[r.rank("consistency"), r.label] for r in wanted]
    assert sorted(said["names"]) == sorted(r.label for r in wanted)
    assert set(said["unranked"]) == {"–"}
    assert said["live"] == "Sorted by accuracy, English (en), descending."
    assert said["strong"] == [2, "2 of 7 results in 2 of 3 tables."]
    assert said["both"] == [1, "1 of 7 results in 1 of 3 tables."]
    assert said["none"][0] == 0
    assert "Nothing matches" in said["none"][1]
    assert said["title"] == "Leaderboard – calm-ext"
    assert said["wide"], "the page itself does not scroll sideways on a phone"


def test_only_the_pages_own_script_runs(board: Board, tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text(
        to_html(board).replace("</body>", "<script>document.title = 'owned'</script></body>"), encoding="utf-8"
    )
    dumped = chromium(page, "--dump-dom")
    assert "<title>Leaderboard – calm-ext</title>" in dumped
    assert "7 of 7 results in 3 of 3 tables." in dumped, "its own script does"
