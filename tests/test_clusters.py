"""`--cluster` of `leaderboard`, `view` and `eval`: what they say of copies of questions, and against `metrics`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from calm_ext.cli.main import cli
from calm_ext.errors import CalmError
from calm_ext.report.board.rank import intervals, judge
from calm_ext.report.board.table import make_board
from calm_ext.report.board.write import to_dict, to_markdown
from calm_ext.results.columns import Columns
from tests.test_leaderboard import TASK, change, write_results
from tests.test_logs import MINE, line
from tests.test_logs import write as write_logs
from tests.view_results import manifest, whole

PAIRS = "id:(.+).$"  # ten questions a cluster: all but the last digit of the id


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(a) for a in arguments])


def columns(values: np.ndarray, times: int = 1, *, clustered: bool = True) -> Columns:
    """Each question `times` times."""
    found = np.repeat(values, times)
    ids = [f"q{i}" for i in range(len(found))]
    clusters = [f"c{i // times}" for i in range(len(found))] if clustered else None
    return Columns(("acc",), ids, found[:, None].astype(float), "", "", clusters)


@pytest.mark.parametrize("binary", [False, True])
def test_copies_of_a_question_rank_as_one(binary: bool) -> None:
    rng = np.random.default_rng(5)
    models = [rng.random(60) < share if binary else rng.random(60) * share for share in (0.9, 0.75, 0.7, 0.4)]
    alone, copies = (judge([columns(m, n) for m in models], "acc") for n in (1, 6))
    by_question = judge([columns(m, 6, clustered=False) for m in models], "acc")
    assert [s.p_first for s in copies.standings] == pytest.approx(
        [s.p_first for s in alone.standings], nan_ok=True, abs=1e-6
    )
    assert list(map(str, copies.standings)) == list(map(str, alone.standings))
    for own, single, wrong in zip(copies.ci95, alone.ci95, by_question.ci95, strict=True):
        assert own.bounds == pytest.approx(single.bounds, abs=2e-3)
        assert wrong.high - wrong.low < 0.6 * (own.high - own.low)
    if binary:
        assert [x.bounds for x in intervals([columns(m, 6) for m in models], "acc")] == [x.bounds for x in copies.ci95]


def test_order_of_questions_does_not_matter() -> None:
    rng = np.random.default_rng(6)
    values = [rng.random(40), rng.random(40)]
    straight = [columns(v, 3) for v in values]
    order = rng.permutation(120)
    turned = Columns(
        ("acc",), [straight[1].ids[i] for i in order], straight[1].values[order], "", "",
        [(straight[1].clusters or [])[i] for i in order],
    )  # fmt: skip
    one, other = judge(straight, "acc"), judge([straight[0], turned], "acc")
    assert one.standings == other.standings or one.values == pytest.approx(other.values)
    assert [x.bounds for x in one.ci95] == [pytest.approx(x.bounds) for x in other.ci95]


def test_equal_models_on_clustered_questions_are_seldom_told_apart() -> None:
    """Twelve questions of a passage go together: by question nearly every board separates equal models."""
    told = {True: 0, False: 0}
    for seed in range(20):
        rng = np.random.default_rng(seed)
        models = [(rng.random((30, 1)) < 0.5) * 0.6 + rng.random((30, 12)) * 0.4 for _ in range(6)]
        for clustered in told:
            clusters = [str(i // 12) for i in range(360)] if clustered else None
            boards = [columns(m.ravel())._replace(clusters=clusters) for m in models]
            told[clustered] += any(s.rank != 1 for s in judge(boards, "acc").standings)
    assert told[True] <= 3, "expected: one in twenty"
    assert told[False] >= 12


@pytest.fixture
def board(tmp_path: Path) -> Path:
    for i, skill in enumerate((0.3, 0.5, 0.8)):
        write_results(tmp_path / f"m{i}", model=f"m{i}", skill=skill, questions=80, seed=i)
    return tmp_path


def test_a_board_has_the_intervals_of_metrics(board: Path) -> None:
    found = to_dict(make_board([board], cluster=PAIRS))["tables"][0]
    assert (found["n_clusters"], found["cluster"]) == (8, PAIRS)
    assert found["signature"].endswith("|clusters:8")
    assert f"Intervals and tests are over 8 clusters of questions, by {PAIRS}." in found["notes"]
    assert any(note.startswith("There are only 8 clusters: with fewer than 20") for note in found["notes"])
    plain = to_dict(make_board([board]))["tables"][0]
    assert "n_clusters" not in plain and "clusters" not in plain["signature"]
    for row in found["models"]:
        own = json.loads(run("metrics", board / row["model"], "--cluster", PAIRS, "--json").stdout)
        for metric in ("acc", "consistency", "kappa", "acc_en", "all_correct"):
            assert row["ci95"][metric] == pytest.approx(own["ci95"][metric], abs=1e-9), metric
    shown = run("leaderboard", board, "--cluster", PAIRS, "--markdown")
    assert shown.exit_code == 0 and "over 8 clusters" in shown.stdout
    shown = run("leaderboard", board, "--cluster", PAIRS)
    assert "over 8 clusters of questions" in " ".join(shown.stdout.split())


def test_a_view_has_the_intervals_and_tests_of_compare(board: Path, tmp_path: Path) -> None:
    done = run("view", board / "m0", board / "m1", "-o", tmp_path / "view", "--cluster", PAIRS)
    assert done.exit_code == 0, done.output
    (table,) = manifest(tmp_path / "view")["tables"]
    assert table["clusters"] == 8
    assert f"Intervals and tests are over 8 clusters of questions, by {PAIRS}." in table["notes"]
    heads = whole(tmp_path / "view", "0/heads", table["starts"]["heads"])
    assert len({h[4] for h in heads}) == 8 and len({(h[0][:-1], h[4]) for h in heads}) == 8
    rows = whole(tmp_path / "view", "0/rows", table["starts"]["rows"])
    (moves,) = whole(tmp_path / "view", "0/moves", table["starts"]["moves"])
    wanted = json.loads(run("compare", *(board / r["label"] for r in rows), "--cluster", PAIRS, "--json").stdout)
    for metric, (value, low, high, p, p_holm) in moves.items():
        own = wanted[metric]
        assert value == pytest.approx(own["difference"], abs=1e-6), metric
        assert [low, high] == pytest.approx(own["ci95"], abs=1e-6), metric
        assert (p, p_holm) == (pytest.approx(own["p"], abs=1e-6), pytest.approx(own["p_holm"], abs=1e-6)), metric
    plain = run("view", board / "m0", board / "m1", "-o", tmp_path / "plain")
    assert plain.exit_code == 0
    assert whole(tmp_path / "plain", "0/moves", table["starts"]["moves"]) != [moves]


def test_what_has_no_cluster_is_left_out_and_said(board: Path) -> None:
    write_results(board / "other", model="m0", skill=0.5, questions=9, task="calm_other_xl")
    (samples,) = (board / "other").glob("samples_*")
    rows = [json.loads(x) for x in samples.read_text().splitlines()]
    for row in rows:
        row["doc"]["link"] = f"https://x/{row['doc_id'] // 3}"
    samples.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = make_board([board], cluster="doc.link")
    assert [t.task for t in found.tables] == ["calm_other_xl"] and found.tables[0].n_clusters == 3
    assert sum("has no text or number in link (--cluster); there are id, " in x for x in found.left_out) == 3
    shown = run("leaderboard", board / "m0", "--cluster", "doc.link")
    said = str(shown.exception)
    assert isinstance(shown.exception, CalmError) and "\n" not in said
    assert "(left out: " in said and "has no text or number in link" in said
    assert "is no regular expression" in str(run("leaderboard", board, "--cluster", "id:(").exception)


def test_without_samples_there_are_no_clusters(board: Path) -> None:
    for path in (board / "m1").glob("samples_*"):
        path.unlink()
    change(next((board / "m1").glob("results*")), lambda r: r["results"][TASK].update({"acc_stderr,none": 0.05}))
    (table,) = make_board([board], cluster=PAIRS).tables
    assert table.n_clusters == 8
    assert "Intervals of what is not tested are ± 1.96 of lm-eval's standard errors, over questions." in table.notes


def test_models_of_other_clusters_are_apart(board: Path) -> None:
    for i in (0, 1, 2):
        (samples,) = (board / f"m{i}").glob("samples_*")
        rows = [json.loads(x) for x in samples.read_text().splitlines()]
        for row in rows:
            row["doc"]["part"] = row["doc_id"] // (4 if i else 8)
        samples.write_text("".join(json.dumps(row) + "\n" for row in rows))
    first, other = make_board([board], cluster="part").tables
    assert (first.n_clusters, other.n_clusters) == (20, 10)
    assert other.apart == ["the same questions in other words, clusters or orders of the options"]


def test_logs_of_other_tasks(tmp_path: Path) -> None:
    for x in ("en", "fr"):
        rows = [line(i, i % 3) for i in range(12)]
        for row in rows:
            row["doc"]["passage"] = row["doc_id"] // 4
        write_logs(tmp_path, f"mine_{x}", rows)
    found = make_board([tmp_path], logs=MINE, cluster="doc.passage")
    assert found.tables[0].n_clusters == 3
    assert "over 3 clusters" in to_markdown(found)


# --- eval -------------------------------------------------------------------------------------------------------------


def asking(model: Path, out: Path) -> list[object]:
    return ["eval", "--model", model, "--tasks", "calm_babel_xl_mc", "-o", out, "--limit", "12", "--dtype", "float32",
            "--device", "cpu", "--json"]  # fmt: skip


def test_eval_refuses_a_key_that_gives_no_cluster_before_a_question_is_asked(babel_model: Path, tmp_path: Path) -> None:
    refused = run(*asking(babel_model, tmp_path / "out"), "--cluster", "doc.link")
    assert isinstance(refused.exception, CalmError) and not (tmp_path / "out").exists()
    assert "calm_babel_xl_mc: has no text or number in link (--cluster); there are id, " in str(refused.exception)


def test_eval_resamples_clusters_as_metrics_does(babel_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (tmp_path / "out.partial").mkdir()
    (tmp_path / "out.partial/results.json").write_text("half")  # what a kill left
    done = run(*asking(babel_model, out), "--cluster", "id:(.)$")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["calm_babel_xl_mc"]
    own = json.loads(run("metrics", out, "--cluster", "id:(.)$", "--json").stdout)
    assert found["cluster"] == own["cluster"] == "id:(.)$" and found["n_clusters"] == own["n_clusters"] > 1
    for metric in ("acc", "consistency", "kappa", "acc_qaa"):
        assert found["ci95"][metric] == pytest.approx(own["ci95"][metric]), metric
        assert found[f"{metric}_stderr,none"] == pytest.approx(own["stderr"][metric]), metric
    assert [p.name for p in tmp_path.iterdir()] == ["out"], "neither a lock nor half a result stays"
    plain = json.loads(run("metrics", out, "--json").stdout)
    assert plain["ci95"] != own["ci95"]


@pytest.mark.parametrize(
    ("tasks", "key", "said"),
    [
        ("calm_babel_xl_mc", "id:(", "--cluster id:(: is no regular expression"),
        ("arc_easy", "doc.link", "--cluster: needs a task of calm-ext in --tasks"),
    ],
)
def test_eval_refuses_a_key_at_once(
    tmp_path: Path, tasks: str, key: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calm_ext.harness.evaluate.task_manager", None)  # lm-eval's 14,000 tasks are not looked through
    found = run("eval", "--model", "babel", "--tasks", tasks, "-o", tmp_path / "o", "--cluster", key)
    assert isinstance(found.exception, CalmError) and said in str(found.exception)
    assert not (tmp_path / "o").exists()
