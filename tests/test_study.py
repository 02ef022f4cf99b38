"""Studies: the grid, what cells share, folds, an interrupted study, pooled effects, and the verdicts of claims."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import yaml
from click.testing import CliRunner

from calm_ext.cli.main import cli
from calm_ext.data import load_joined, load_questions
from calm_ext.errors import CalmError
from calm_ext.jsonl import read_jsonl, write_jsonl
from calm_ext.metrics.stats import bootstrap_p, interval, resampled_means
from calm_ext.models import device
from calm_ext.pipeline.directory import RunDirectory
from calm_ext.pipeline.run import Pipeline
from calm_ext.records import Generation, ParallelQuestion, Version
from calm_ext.study import workers
from calm_ext.study.claims import Measured, terms_of, try_claim
from calm_ext.study.effects import Term, effect, effects
from calm_ext.study.folds import groups_of, make_folds
from calm_ext.study.grid import Cell, make_grid
from calm_ext.study.options import Claim, StudyOptions
from calm_ext.study.outcomes import GROUP, Outcome, paired, pooled
from calm_ext.study.read import StudyFile, find_study, read_study
from calm_ext.study.run import plan_study, run_study
from calm_ext.study.sharing import claimed, locked
from calm_ext.study.tables import markdown, metric_tables
from tests.conftest import ROOT
from tests.shell import calm

# --- the study file and its grid --------------------------------------------------------------------------------------


def study(tmp_path: Path, **changes: Any) -> StudyFile:
    values: dict[str, Any] = {"name": "s", "recipe": "demo", **changes}
    path = tmp_path / "s.yaml"
    path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    return read_study(path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"varry": {}}, "varry: unknown key; did you mean vary?"),
        ({"recipe": "nope"}, "nope: no such recipe file"),
        ({"vary": {"vote.rule": []}}, "vary: vote.rule has no value"),
        ({"vary": {"data.limit": [10, 10]}}, "vary: data.limit has the value 10 twice"),
        ({"seeds": {"babel.seed": [0, 1], "training.seed": [0]}}, "seeds: the keys have different numbers of values"),
        ({"folds": 1}, "folds: at least 2 was expected"),
        ({"claims": [{"metric": "acc"}]}, "claims.0: a claim is one of"),
        ({"claims": [{"metric": "acc", "rises": True, "order": "increasing"}]}, "claims.0: a claim is one of"),
        ({"claims": [{"metric": "acc", "better": {}}]}, "claims.0: `better` and `than` go together"),
        ({"claims": [{"metric": "kappa", "rises": True}]}, "claims.0.metric: kappa is no mean over questions"),
        ({"claims": [{"metric": "bleu", "rises": True}]}, "claims.0.metric: no metric 'bleu'"),
        ({"claims": [{"metric": "acc", "rises": True, "where": {"vote.rule": "gold"}}]}, "vote.rule: gold is not varied"),
        (
            {"vary": {"vote.rule": ["gold", "majority"]},
             "claims": [{"metric": "acc", "order": "increasing", "over": "vote.rule"}]},
            "vote.rule has not two values or more that are numbers",
        ),
        (
            {"vary": {"m": {"a": {}, "b": {}}}, "claims": [{"metric": "acc", "better": {"m": "c"}, "than": {"m": "a"}}]},
            "claims.0.better: m: c is not varied; its values: a, b",
        ),
    ],
)  # fmt: skip
def test_mistakes_in_a_study_are_named(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(CalmError) as refused:
        study(tmp_path, **changes)
    assert said in str(refused.value) and "\n" not in str(refused.value)


def test_every_cell_is_checked_before_one_runs(tmp_path: Path) -> None:
    asked = study(tmp_path, vary={"training.lerning_rate": [1], "vote.rule": ["majority", "plurality"]})
    with pytest.raises(CalmError) as refused:
        run_study(asked, tmp_path / "run")
    assert "training.lerning_rate: unknown key; did you mean learning_rate?" in str(refused.value)
    assert "vote.rule: one of" in str(refused.value)
    with pytest.raises(CalmError, match="folds are measured by tasks calm_local_xl"):
        make_grid(study(tmp_path, folds=2), tmp_path / "run")


def test_the_grid_applies_changes_as_align_does(tmp_path: Path) -> None:
    asked = study(
        tmp_path,
        vary={"method": {"dpo": {}, "sft": {"training.method": "sft"}}, "data.limit": [40, 80]},
        seeds={"babel.seed": [3, 5], "training.seed": [7, 8]},
        evaluate={"limit": 9},
    )
    cells = make_grid(asked, tmp_path).cells
    assert len(cells) == 8 and len({c.name for c in cells}) == 8
    by = {c.name: c for c in cells}
    one = by["sft_limit-80_s5"]
    assert one.vary == {"method": "sft", "data.limit": 80} and one.seed == {"babel.seed": 5, "training.seed": 8}
    r = one.recipe
    assert (r.babel.seed, r.training.seed, r.data.limit, r.evaluation.limit) == (5, 8, 80, 9)
    assert r.training.method == "sft" and not hasattr(r.training, "beta"), "β belongs to the recipe's own method"
    assert by["dpo_limit-40_s3"].recipe.training.model_dump()["beta"] == 0.1
    assert r.evaluation.tasks == by["dpo_limit-40_s3"].recipe.evaluation.tasks
    # First one cell of each world and size, which the others then take over from.
    assert [c.name for c in cells[:4]] == ["dpo_limit-40_s3", "dpo_limit-40_s5", "dpo_limit-80_s3", "dpo_limit-80_s5"]


@pytest.mark.parametrize(
    ("name", "cells", "before", "sampled", "votes"),
    [
        ("methods-babel", 60, 5, 5, 10),
        ("two-languages-babel", 24, 6, 6, 24),
        ("languages-babel", 35, 5, 35, 35),
        ("samples-babel", 15, 3, 15, 15),
        ("vote-babel", 21, 3, 3, 21),
        ("noise-babel", 18, 3, 3, 9),
        ("retrieval-babel", 5, 5, 5, 5),
    ],
)
def test_the_bundled_studies_do_once_what_cells_share(
    name: str, cells: int, before: int, sampled: int, votes: int, tmp_path: Path
) -> None:
    """Evaluated before and sampled once a world, and set of languages or number of samples; votes once a rule."""
    plan = plan_study(read_study(find_study(name)), tmp_path / "run")
    assert len(plan.runs) == cells and not (tmp_path / "run").exists()
    counts = {stage: dict(n) for stage, n in plan.counts.items()}
    for stage, runs in (("before", before), ("sample", sampled), ("vote", votes), ("train", cells)):
        assert counts[stage] == {"runs": runs} | ({"shared": cells - runs} if cells > runs else {}), stage
    assert plan.expected() is None, "no stage has run yet"


def test_bundled_studies_of_real_data_take_its_folder(babel_model: Path, tmp_path: Path) -> None:
    folder = ROOT.parent / "shared/data/klar"
    if not folder.is_dir():
        pytest.skip("../shared/data/klar is not here")
    model = [f"model.path={babel_model}"]
    for name, cells in (("crossval-klar", 15), ("transfer-klar", 2), ("languages-klar", 8)):
        read = read_study(find_study(name), overrides=[f"data.data_dir={folder}", "data.limit=40", *model])
        assert f"# --set data.data_dir={folder}" in read.text
        plan = plan_study(read, tmp_path / name)
        assert len([r for r in plan.runs if r.cell]) == cells and plan.counts["train"]["runs"] == cells


def test_a_study_names_the_command_that_runs_it(tmp_path: Path) -> None:
    bundled = read_study(find_study("methods-babel"), overrides=["data.limit=40"])
    assert bundled.command(Path("runs/methods-babel")) == "calm-ext study methods-babel --set data.limit=40"
    own = study(tmp_path)._replace(overrides=("data.languages=[qaa, qab]",))
    assert own.command(tmp_path / "x") == (
        f"calm-ext study {tmp_path}/s.yaml --set 'data.languages=[qaa, qab]' --run {tmp_path}/x"
    )


def test_a_recipe_key_that_the_command_line_sets_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("name: s\nrecipe: demo\n")
    with pytest.raises(CalmError, match="--set training: key=value was expected"):
        read_study(path, overrides=["training"])
    with pytest.raises(CalmError, match=r"training\.betta: unknown key; did you mean beta"):
        make_grid(read_study(path, overrides=["training.betta=1"]), tmp_path / "run")


# --- folds ------------------------------------------------------------------------------------------------------------


def asked(identity: str, text: str) -> ParallelQuestion:
    versions = {
        "en": Version(question=text, options=["a", "b"]),
        "fr": Version(question=f"fr {text}", options=["a", "b"]),
    }
    return ParallelQuestion(id=identity, answer=0, versions=versions)


def test_folds_keep_together_what_gives_the_answer_away(tmp_path: Path) -> None:
    questions = load_questions("sample", languages=["en", "fr"])[:60]
    copies = [q.model_copy(update={"id": f"copy-{q.id}"}) for q in questions[:10]]
    near = [
        q.model_copy(update={"id": f"near-{q.id}", "versions": {
            x: v.model_copy(update={"question": v.question + " ?"}) for x, v in q.versions.items()
        }})
        for q in questions[10:20]
    ]  # fmt: skip
    together = {questions[20 + i].id: f"subject {i // 5}" for i in range(20)}
    folds = make_folds([*questions, *copies, *near], 4, together=together)
    part = {i: k for k, ids in enumerate(folds.parts) for i in ids}
    assert sorted(map(len, folds.parts)) == [20, 20, 20, 20] and len(part) == 80
    assert all(part[q.id] == part[f"copy-{q.id}"] for q in questions[:10])
    assert all(part[q.id] == part[f"near-{q.id}"] for q in questions[10:20])
    for i in range(4):
        assert len({part[q.id] for q in questions[20 + 5 * i : 25 + 5 * i]}) == 1
    assert (len(folds.groups), max(map(len, folds.groups))) == (10 + 10 + 4 + 20, 5)
    assert folds.parts == make_folds([*questions, *copies, *near], 4, together=together).parts
    written = json.loads((folds.write(tmp_path) / "groups.json").read_text())["groups"]
    assert sorted(map(len, written)) == [2] * 20 + [5] * 4
    assert all(len({part[i] for i in group}) == 1 for group in written)


def test_questions_that_do_not_make_folds_are_refused() -> None:
    questions = [asked(str(i), text) for i, text in enumerate(["one", "two three four", "five six seven"])]
    with pytest.raises(
        CalmError, match="3 questions are 3 groups that belong together, the largest of 1, which do not"
    ):
        make_folds(questions, 4)
    with pytest.raises(CalmError, match="2 groups that belong together, the largest of 2"):
        make_folds(questions, 3, together={"0": "x", "1": "x"})


def test_a_benchmark_says_which_questions_belong_together(tmp_path: Path) -> None:
    about = {
        "name": "facts", "title": "facts", "files": "{code}.csv", "splits": ["test"], "languages": ["en", "fr"],
        "key": "id", "together": "subject", "question": "q", "options": ["a", "b"],
        "answer": {"form": "first"},
    }  # fmt: skip
    (tmp_path / "facts.yaml").write_text(yaml.safe_dump(about))
    for code in ("en", "fr"):
        rows = [
            f"{i},{s},{code} {q},yes {i},no {i}"
            for i, s, q in ((1, "Rome", "river"), (2, "Oslo", "sea"), (3, "Rome", "king"))
        ]
        (tmp_path / f"{code}.csv").write_text("\n".join(["id,subject,q,a,b", *rows]) + "\n")
    joined = load_joined("columns", spec=str(tmp_path / "facts.yaml"), split="test")
    assert joined.groups == {"facts-1": "Rome", "facts-2": "Oslo", "facts-3": "Rome"}


# --- what is shared ---------------------------------------------------------------------------------------------------


def test_a_stage_that_is_being_done_is_waited_for(tmp_path: Path) -> None:
    said, order = [], []

    def other() -> None:
        with claimed(tmp_path, "sample", "abc", waiting=lambda: said.append("waits")) as claim:
            order.append(claim.owner)

    with claimed(tmp_path, "sample", "abc") as claim:
        thread = threading.Thread(target=other)
        thread.start()
        while not said:
            time.sleep(0.01)
        assert claim.owner == "" and not order
        claim.owner = "cells/a"
    thread.join()
    assert order == ["cells/a"] and said == ["waits"]


def test_a_study_is_run_by_one_process(tmp_path: Path) -> None:
    with (
        locked(tmp_path),
        pytest.raises(CalmError, match=f"is being run by process {os.getpid()} on"),
        locked(tmp_path),
    ):
        pass


def test_files_are_shared_until_one_is_written_anew(tmp_path: Path) -> None:
    one, two = RunDirectory(tmp_path / "one", name="one"), RunDirectory(tmp_path / "two", name="two")
    for run in (one, two):
        run.open(order=["sample"])
    (one / "g.jsonl").write_text("samples")
    (one / "folder").mkdir()
    (one / "folder/x").write_text("x")
    one.finish("sample", "inputs", ["g.jsonl", "folder"], seconds=1.0)
    assert not two.adopt("sample", one, "other inputs") and not (two / "g.jsonl").exists()
    assert two.adopt("sample", one, "inputs", shared_from="one")
    assert (two / "folder/x").stat().st_ino == (one / "folder/x").stat().st_ino
    assert RunDirectory(tmp_path / "two", name="two").is_done("sample", "inputs")
    assert two.manifest["stages"]["sample"]["shared_from"] == "one"
    two.own("sample")
    with (two / "g.jsonl").open("a") as handle:
        handle.write(" and more")
    assert (one / "g.jsonl").read_text() == "samples" and one.is_done("sample", "inputs")
    (one / "g.jsonl").write_text("damaged")
    assert not RunDirectory(tmp_path / "three", name="three").adopt("sample", one, "inputs")


class Ended:
    """A process that was ended from outside."""

    exitcode = -9

    def join(self, timeout: float | None = None) -> None:
        pass


def test_a_process_that_ends_without_a_word_is_a_failure() -> None:
    ours, theirs = Pipe()
    theirs.close()
    cell = Cell("a", {}, {}, None, None, None)  # type: ignore[arg-type]
    event = workers._next(workers._Job(Ended(), ours, cell, 0))
    assert (event.kind, event.text) == ("failed", "its process ended without a word (exit code -9)")


def test_cells_that_run_at_once_share_cores_and_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    given = [workers._surroundings(slot, 4) for slot in range(4)]
    assert [g["CUDA_VISIBLE_DEVICES"] for g in given] == ["2", "5", "2", "5"]
    assert {g["OMP_NUM_THREADS"] for g in given} == {"4"}
    assert workers._surroundings(0, 1) == {}, "a cell by itself has all"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert workers._surroundings(0, 4) == {}


@pytest.mark.parametrize(
    ("torch", "variable"),
    [
        ("xpu.is_available = lambda: True", "ZE_AFFINITY_MASK"),
        ("xpu.is_available = lambda: False", "CUDA_VISIBLE_DEVICES"),
    ],
    ids=["Intel", "NVIDIA and AMD"],
)
def test_gpus_are_those_that_torch_counts(
    torch: str, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any vendor's tool, and in a process of its own; here of a torch that has three."""
    (tmp_path / "torch.py").write_text(
        f"class xpu: device_count = lambda: 3\nclass cuda: device_count = lambda: 3\n{torch}\nprint('a notice')\n"
    )
    for name in ("HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES", "ZE_AFFINITY_MASK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    device._counted_gpus.cache_clear()
    try:
        assert [workers._surroundings(slot, 4) for slot in range(4)] == [{variable: x} for x in "0120"]
        monkeypatch.setenv("HIP_VISIBLE_DEVICES", "1,3")
        assert workers._surroundings(1, 4) == {"HIP_VISIBLE_DEVICES": "3"}
        monkeypatch.delenv("HIP_VISIBLE_DEVICES")
        (tmp_path / "torch.py").write_text("raise ImportError")
        device._counted_gpus.cache_clear()
        assert workers._surroundings(0, 4) == {}
    finally:
        device._counted_gpus.cache_clear()


# --- a whole study, killed and continued ------------------------------------------------------------------------------


def tiny(model: Path) -> dict[str, Any]:
    return {
        "name": "tiny",
        "recipe": {
            "model": {"path": str(model), "dtype": "float32", "device": "cpu"},
            "data": {"source": "babel", "languages": ["qaa", "qab", "qac"], "limit": 32},
            "sampling": {"mode": "generate", "style": "direct", "n": 4, "max_new_tokens": 3, "batch_size": 128},
            "training": {
                "learning_rate": 1e-2,
                "batch_size": 16,
                "dtype": "float32",
                "checks_per_epoch": 1,
                "select": "last",
            },
            "evaluation": {"tasks": ["calm_babel_xl_mc"], "batch_size": 64},
        },
        # The second method fails at its vote, when all that is shared is done.
        "vary": {
            "method": {"sft": {"training.method": "sft"}, "broken": {"vote.min_margin": 1, "vote.min_languages": 3}}
        },
        "folds": 2,
        "evaluate": {"tasks": ["calm_local_xl_mc", "calm_asked_xl_mc"]},
        "claims": [
            {"metric": "acc", "rises": True, "where": {"method": "sft"}},
            {"metric": "acc", "better": {"method": "sft"}, "than": {"method": "broken"}},
        ],
    }


def snapshot(folder: Path) -> dict[str, int]:
    return {str(p): p.stat().st_mtime_ns for p in sorted(folder.rglob("*")) if p.is_file()}


def others_die(place: str, *, seconds: float = 30) -> bool:
    """Whether no process is left that works in a folder, training say, or soon none is."""
    for _ in range(int(seconds * 10)):
        if not any(place in " ".join(p.info["cmdline"] or ()) for p in psutil.process_iter(["cmdline"])):
            return True
        time.sleep(0.1)
    return False


class Killed:
    """A study that was killed at a random moment after its first cell, and run again to its end."""

    def __init__(self, model: Path, folder: Path) -> None:
        self.folder = folder / "runs/tiny"
        path = folder / "tiny.yaml"
        path.write_text(yaml.safe_dump(tiny(model), sort_keys=False))
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = ["study", "tiny.yaml", "--json"]
        first = subprocess.Popen(
            [sys.executable, "-m", "calm_ext", *command], cwd=folder, env=environment, stderr=subprocess.PIPE, text=True
        )
        assert first.stderr is not None
        said: list[str] = []
        while not any(line.startswith("sft_f0 done") for line in said):
            said.append(first.stderr.readline())
            assert said[-1], "".join(said)
        time.sleep(random.uniform(0, 6))
        os.kill(first.pid, signal.SIGKILL)  # its own process alone: it must take the cells' with it
        first.wait()
        self.others_died = others_die(str(self.folder))
        first.stderr.close()
        self.before = snapshot(self.folder / "cells/sft_f0")
        self.again = calm(*command, "--jobs", "2", cwd=folder)
        assert self.again.stdout, self.again.stderr
        self.results = json.loads(self.again.stdout)
        self.study = read_study(path)


@pytest.fixture(scope="module")
def killed(babel_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Killed:
    return Killed(babel_model, tmp_path_factory.mktemp("study"))


def manifests(folder: Path) -> dict[str, dict[str, Any]]:
    return {p.parent.name: json.loads(p.read_text())["stages"] for p in sorted(folder.glob("*/*/manifest.json"))}


def test_a_finished_cell_is_left_alone(killed: Killed) -> None:
    assert killed.others_died, "the processes of cells end with the study's own"
    assert killed.before and snapshot(killed.folder / "cells/sft_f0") == killed.before
    assert "1 cells are finished and left alone" in killed.again.stderr or "2 cells" in killed.again.stderr


def test_shared_stages_ran_once(killed: Killed) -> None:
    ran = Counter(
        stage
        for stages in manifests(killed.folder).values()
        for stage, entry in stages.items()
        if not entry.keys() & {"shared_from", "sliced_from"}
    )
    # Of the two folds: one sampling for all, an evaluation and a vote each; of the broken method nothing but its vote.
    assert ran == {"questions": 3, "sample": 1, "before": 2, "vote": 2, "pairs": 2, "train": 2, "after": 2, "report": 2}
    broken = manifests(killed.folder)["broken_f1"]
    assert set(broken) == {"questions", "before", "sample"}
    assert {broken[s]["shared_from"] for s in ("questions", "before")} == {"cells/sft_f1"}
    # Its samples are those of the other cell, or cut anew from those of all questions, whichever is there first.
    assert broken["sample"].keys() & {"shared_from", "sliced_from"}


def test_a_cell_that_fails_is_named_and_stops_no_other(killed: Killed) -> None:
    assert killed.again.returncode == 2
    errors = [line for line in killed.again.stderr.splitlines() if line.startswith("error: ")]
    assert errors[-1] == "error: the same command runs failed cells again"
    assert any("cell broken_f0 failed: the vote decided no question" in line for line in errors)
    cells = {c["run"]: c for c in killed.results["cells"]}
    assert [c["status"] for c in cells.values()] == ["finished", "finished", "failed", "failed"]
    assert cells["cells/broken_f1"]["error"].startswith("the vote decided no question")
    assert cells["cells/broken_f1"]["after"] is None
    lost = killed.results["claims"][1]
    assert (lost["verdict"], lost["estimate"]) == ("undecided", None) and "no seed has the cells" in lost["test"]


def test_each_question_is_measured_by_the_model_that_did_not_train_on_it(killed: Killed) -> None:
    measured: list[str] = []
    for fold in ("sft_f0", "sft_f1"):
        run = killed.folder / "cells" / fold
        trained = {json.loads(line)["id"] for line in (run / "questions.jsonl").open()}
        own = [json.loads(line)["doc"]["id"] for line in (run / "eval/after/samples_calm_local_xl_mc.jsonl").open()]
        assert not trained & set(own) and len(trained) + len(own) == 32
        measured += own
    assert len(set(measured)) == 32
    row = next(r for r in killed.results["effects"] if r["task"] == "calm_local_xl_mc")
    cells = [c for c in killed.results["cells"] if c["status"] == "finished"]
    assert row["n_questions"] == 32 and not row["asked"]
    for when in ("before", "after"):
        each = [c[when]["calm_local_xl_mc"]["acc"] for c in cells]
        assert row[when]["acc"] == pytest.approx(sum(each) / 2), "folds of one size"
    (folds,) = killed.results["folds"]
    assert folds["n_questions"] == 32 and folds["sizes"] == [16, 16]


def test_samples_of_a_fold_are_what_sampling_it_gives(killed: Killed, tmp_path: Path) -> None:
    cell = next(c for c in make_grid(killed.study, killed.folder).cells if c.name == "sft_f1")
    alone = Pipeline(cell.recipe, tmp_path / "alone")
    alone.stages = tuple(s for s in alone.stages if s.name in ("questions", "sample"))
    alone.run()
    assert (alone.dir / "generations.jsonl").read_text() == (
        killed.folder / "cells/sft_f1/generations.jsonl"
    ).read_text()
    assert len(list(read_jsonl(alone.dir / "generations.jsonl", Generation))) == 16 * 3


def test_the_tables_never_mix_asked_and_held_out(killed: Killed) -> None:
    tables = metric_tables(killed.results)
    assert [t.columns for t in tables] == [[("calm_local_xl_mc", False), ("calm_asked_xl_mc", True)]] * 2
    text = (killed.folder / "study.md").read_text()
    assert text == markdown(killed.results)
    assert "| | calm_local_xl_mc (held out) | calm_asked_xl_mc (asked) |" in text
    assert killed.results["asked"] == {"calm_local_xl_mc": 0, "calm_asked_xl_mc": 16}
    assert "of its questions were asked" not in text
    overlapping = {**killed.results, "asked": {"calm_local_xl_mc": 3}}
    assert "- calm_local_xl_mc: 3 of its questions were asked in the alignment, too." in markdown(overlapping)
    assert "2 of 4 cells are not measured: broken_f0, broken_f1." in text and "One seed: intervals are over" in text
    page = (killed.folder / "index.html").read_text()
    for part in ("Accuracy rises (sft)", "cells/sft_f0/report/index.html", "the vote decided no question"):
        assert part in page, part
    assert page.count("data:image/png") == 1, "a plot for the claim that was tested"


def test_a_plan_knows_what_is_done_and_how_long_the_rest_takes(killed: Killed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(killed.folder.parents[1])
    plan = plan_study(killed.study, Path("runs/tiny"))
    stages = {r.place: r.stages for r in plan.runs}
    assert set(stages["cells/sft_f0"].values()) == {"done"}
    assert stages["cells/broken_f0"]["sample"] == "done" and stages["cells/broken_f0"]["train"] == "runs"
    assert plan.expected() == pytest.approx(
        sum(n["runs"] * plan.seconds[stage] for stage, n in plan.counts.items() if n["runs"])
    )
    assert plan.expected(jobs=2) == pytest.approx(plan.expected() / 2)  # type: ignore[operator]


def test_results_so_far_run_nothing(killed: Killed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(killed.folder.parents[1])
    before = snapshot(killed.folder / "cells")
    done = CliRunner().invoke(cli, ["study", "tiny.yaml", "--results", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [c["status"] for c in found["cells"]] == ["finished", "finished", "missing", "missing"]
    assert found["effects"] == killed.results["effects"] and snapshot(killed.folder / "cells") == before


def test_a_study_is_explained_and_its_page_leads_there(killed: Killed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(killed.folder.parents[1])
    said = CliRunner().invoke(cli, ["study", "tiny.yaml", "--results"]).output
    assert said.endswith("what changed, and why: calm-ext explain runs/tiny\n")
    page = Path("runs/tiny/index.html")
    assert "<code>calm-ext explain runs/tiny</code>" in page.read_text() and "explained/" not in page.read_text()
    done = CliRunner().invoke(cli, ["explain", "runs/tiny", "--json"])
    assert str(done.exception) == (
        "runs/tiny: broken: broken_f0, broken_f1 are not finished; run `calm-ext study tiny.yaml`"
    )
    (one,) = json.loads(done.stdout)["explanations"]
    assert (one["where"], one["cells"]) == ({"method": "sft"}, ["cells/sft_f0", "cells/sft_f1"])
    effects_of = {r["task"]: r for r in killed.results["effects"]}
    for part in one["parts"]:
        row = effects_of[part["task"]]
        assert part["n_questions"] == row["n_questions"] == 32
        for metric in ("acc", "consistency"):
            assert part[metric]["difference"] == pytest.approx(row["difference"][metric]["value"])
    assert 'href="explained/sft.html">sft</a>' in page.read_text() and Path("runs/tiny/explained/sft.html").is_file()


# --- effects over questions and seeds ---------------------------------------------------------------------------------


def outcome(values: Sequence[float], *, world: str = "", metric: str = "acc") -> Outcome:
    return Outcome({(f"q{i}", world): {metric: float(v)} for i, v in enumerate(values)})


def test_one_seed_gives_the_paired_bootstrap_over_questions() -> None:
    rng = np.random.default_rng(0)
    before, after = rng.random(50), rng.random(50)
    found = effect([[Term(1, outcome(after)), Term(-1, outcome(before))]], "acc")
    drawn = resampled_means((after - before)[:, None])[:, 0]
    assert found.value == pytest.approx((after - before).mean())
    assert found.ci95 == pytest.approx(interval(drawn)) and found.p == bootstrap_p(drawn)
    assert "bootstrap over the 50 questions" in found.words() and "one seed" in found.words()


def test_seeds_and_questions_both_widen_the_interval() -> None:
    """The variance of the mean is that between seeds over their number, plus that of the questions they share."""
    rng = np.random.default_rng(1)
    n, levels = 200, np.array([0.0, 0.1, 0.2, 0.5])
    hard = rng.normal(0, 1, n)
    shared = [[Term(1, outcome(hard + level))] for level in levels]
    own = [[Term(1, outcome(hard + level, world=str(i)))] for i, level in enumerate(levels)]
    of_seeds, of_questions = levels.var(ddof=1) / 4, hard.var(ddof=0) / n
    z = 2 * 1.96
    one, two = effects(shared, ["acc"])["acc"], effects(own, ["acc"])["acc"]
    assert one.shared and not two.shared and two.n_questions == 4 * n
    assert (one.ci95[1] - one.ci95[0]) / z == pytest.approx((of_seeds + of_questions) ** 0.5, rel=0.05)
    # Four sets of questions average their difficulty out, over the three seeds that are drawn.
    assert (two.ci95[1] - two.ci95[0]) / z == pytest.approx(
        (of_seeds + of_questions * (1 + 2 / 4) / 3) ** 0.5, rel=0.08
    )
    assert one.value == two.value == pytest.approx(hard.mean() + levels.mean())


def test_a_slope_is_that_of_a_regression_with_a_level_for_each_seed() -> None:
    sm = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(2)
    sizes, measured, rows = (2, 4, 6, 9), [], []
    for seed in range(5):
        before = outcome(rng.random(40), world=str(seed))
        for size in sizes:
            after = outcome(rng.random(40) + 0.03 * size + 0.1 * seed, world=str(seed))
            measured.append(Measured({"n": size}, seed, {"t": (before, after)}))
            gain = np.mean([v["acc"] for v in after.questions.values()]) - np.mean(
                [v["acc"] for v in before.questions.values()]
            )
            rows.append([gain, size, *(float(seed == s) for s in range(5))])
    options = StudyOptions(name="s", recipe={}, vary={"n": list(sizes)}, seeds={"seed": list(range(5))})
    tested = try_claim(Claim(metric="acc", order="increasing", over="n"), options, measured, "t")
    table = np.array(rows)
    fit = sm.OLS(table[:, 0], table[:, 1:]).fit()
    assert tested.effect is not None and tested.effect.value == pytest.approx(fit.params[0])
    assert tested.verdict == "holds" and tested.effect.ci95[0] > 0
    assert "slope of the effect over n by least squares" in tested.test and "5 seeds and 200 questions" in tested.test
    assert try_claim(Claim(metric="acc", order="decreasing", over="n"), options, measured, "t").verdict == "fails"


def test_the_worst_language_is_resampled_as_a_whole() -> None:
    rng = np.random.default_rng(3)
    right = rng.integers(0, 2, (60, 2))
    found = Outcome({(f"q{i}", ""): {"acc_en": float(a), "acc_fr": float(b)} for i, (a, b) in enumerate(right)})
    assert effect([[Term(1, found)]], "acc_worst").value == pytest.approx(right.mean(axis=0).min())
    both, either = (right.sum(1) == 2).sum(), (right.sum(1) > 0).sum()
    assert effect([[Term(1, found)]], "overlap_right").value == pytest.approx(both / either)


def test_questions_that_belong_together_are_drawn_as_one() -> None:
    """Five questions a subject that rise or fall together are worth one; without groups, more than is known."""
    rng = np.random.default_rng(4)
    rise = np.repeat(rng.integers(0, 2, 40), 5)
    plain = outcome(rise)
    keys = list(plain.questions)
    together = plain._replace(units={key: (f"s{i // 5}", GROUP) for i, key in enumerate(keys)})
    alone, found = effect([[Term(1, plain)]], "acc"), effect([[Term(1, together)]], "acc")
    assert alone.value == found.value and (alone.n_units, found.n_units, found.n_questions) == (200, 40, 200)
    width = [e.ci95[1] - e.ci95[0] for e in (alone, found)]
    assert width[1] / width[0] == pytest.approx(5**0.5, rel=0.06)
    assert "200 questions in 40 groups" in found.words() and "groups" not in alone.words()
    before, after = paired(pooled([together]), pooled([together]))
    assert before.units == after.units == together.units


def test_groups_are_those_of_the_folds(tmp_path: Path) -> None:
    questions = [
        ParallelQuestion(id=f"q{i}", versions={"en": Version(question=f"{w} {w}?", options=["a", "b"])})
        for i, w in enumerate(("cat", "tree", "house", "river", "iron", "cloud"))
    ]
    where = make_folds(questions, 3, together={"q0": "s", "q1": "s"}).write(tmp_path)
    found = groups_of({"path": f"/elsewhere/folds/{where.name}/heldout-1.jsonl"}, tmp_path)
    assert set(found) == {"q0", "q1"} and found["q0"] == found["q1"]
    assert groups_of({}, tmp_path) == {} == groups_of({"path": "a/b/c.jsonl"}, tmp_path)


def test_folds_are_pooled_by_question() -> None:
    a, b = Outcome({("q1", ""): {"acc": 1.0}, ("q2", ""): {"acc": 0.0}}), Outcome({("q2", ""): {"acc": 1.0}})
    assert pooled([a, b]).questions == {("q1", ""): {"acc": 1.0}, ("q2", ""): {"acc": 0.5}}


# --- claims -----------------------------------------------------------------------------------------------------------

METHODS = StudyOptions(
    name="s", recipe={}, vary={"method": {"a": {}, "b": {}}, "size": [1, 2]}, seeds={"training.seed": [0, 1, 2]}
)


def grid(
    gain: dict[str, float], *, metric: str = "acc", without: Sequence[tuple[str, int, int]] = ()
) -> list[Measured]:
    """Methods of some gain, on the same hundred questions."""
    rng = np.random.default_rng(4)
    base = rng.random(100)
    before = outcome(base, metric=metric)
    found = []
    for method, value in gain.items():
        for size in (1, 2):
            for seed in range(3):
                after = outcome(base + value + rng.normal(0, 0.05, 100), metric=metric)
                if (method, size, seed) not in without:
                    found.append(Measured({"method": method, "size": size}, seed, {"t": (before, after)}))
    return found


@pytest.mark.parametrize(("gain", "verdict"), [(0.1, "holds"), (0.0, "undecided"), (-0.1, "fails")])
def test_verdicts(gain: float, verdict: str) -> None:
    claim = Claim(metric="acc", rises=True, where={"method": "a"})
    tested = try_claim(claim, METHODS, grid({"a": gain, "b": 0.5}), "t")
    assert tested.verdict == verdict and tested.effect is not None
    assert tested.effect.value == pytest.approx(gain, abs=0.02) and len(tested.effect.by_seed) == 3
    assert tested.test.startswith(
        "after less before, mean of 2 cells a seed; hierarchical bootstrap over 3 seeds and 100"
    )


def test_one_method_less_another_is_paired_in_cells_alike_otherwise() -> None:
    claim = Claim(metric="acc", better={"method": "a"}, than={"method": "b"})
    measured = grid({"a": 0.2, "b": 0.1}, without=[("b", 2, 1), ("a", 1, 2), ("a", 2, 2)])
    tested = try_claim(claim, METHODS, measured, "t")
    assert tested.verdict == "holds" and tested.effect is not None
    assert tested.effect.value == pytest.approx(0.1, abs=0.02) and len(tested.effect.by_seed) == 2
    assert tested.notes == ["seeds that lack a cell are left out: training.seed 2"]
    after = Claim(metric="acc", better={"method": "a"}, than={"method": "b"}, of="after")
    same = try_claim(after, METHODS, measured, "t").effect
    assert same is not None and same.value == pytest.approx(tested.effect.value), "they start from the same model"


def test_lower_can_be_better() -> None:
    measured = grid({"a": -0.1, "b": 0.1}, metric="acc_gap")
    claim = Claim(metric="gap to the pivot", better={"method": "a"}, than={"method": "b"})
    assert claim.metric == "acc_gap" and try_claim(claim, METHODS, measured, "t").verdict == "holds"


def test_what_was_not_measured_is_undecided() -> None:
    for claim, task, said in (
        (Claim(metric="acc", rises=True), None, "no task of ours was measured on held-out questions"),
        (Claim(metric="acc", rises=True), "other", "other was not measured, or has no acc"),
        (Claim(metric="consistency", rises=True), "t", "t was not measured, or has no consistency"),
        (Claim(metric="acc", better={"method": "a"}, than={"method": "b"}), "t", "no seed has the cells"),
    ):
        tested = try_claim(claim, METHODS, grid({"a": 0.1}), task)
        assert (tested.verdict, tested.effect) == ("undecided", None) and said in tested.test


def test_terms_are_weighted() -> None:
    (measured, *_) = grid({"a": 0.1})
    assert [t.weight for t in terms_of(measured, "t", weight=0.5)] == [0.5, -0.5]
    assert [t.weight for t in terms_of(measured, "t", of="after")] == [1.0]


def test_folds_write_nothing_in_a_dry_run(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "q.jsonl", load_questions("sample", languages=["en", "fr"])[:20])
    own = study(
        tmp_path, folds=2, evaluate={"tasks": ["calm_local_xl"], "languages": None},
        recipe={
            "model": {"path": "babel"}, "data": {"source": "local", "path": str(tmp_path / "q.jsonl")},
            "evaluation": {"tasks": ["calm_local_xl"]},
        },
    )  # fmt: skip
    plan = plan_study(own, tmp_path / "run")
    assert [r.place for r in plan.runs] == ["sampled/run", "cells/run_f0", "cells/run_f1"]
    assert plan.runs[1].stages["sample"] == "taken" and not (tmp_path / "run").exists()
    cell: Cell | None = plan.runs[1].cell
    assert cell is not None and cell.recipe.data.languages == ["en", "fr"]
