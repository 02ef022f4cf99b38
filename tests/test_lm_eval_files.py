"""lm-eval itself, with a chat API and an output path that is a file: what it writes is read by every verb."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from calm_ext.cli.main import cli
from calm_ext.harness.evaluate import task_manager
from calm_ext.jsonl import read_jsonl
from calm_ext.records import Ballot, Generation
from tests.api_server import api_server, choices

TASK = "calm_sample_xl"


@pytest.fixture(scope="module")
def written(make_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """A folder with mymodel_<time>.json and its samples, two shots, as lm_eval wrote them."""

    def evaluate(folder: Path) -> None:
        def answer(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
            asked = payload["messages"][-1]["content"]
            return 200, choices(["Réponse : B" if "Question :" in asked else "Answer: B"], chat=True)

        import lm_eval
        from lm_eval.loggers import EvaluationTracker

        tracker = EvaluationTracker(output_path=str(folder / "mymodel.json"))
        with api_server(answer, models=["m"]) as server:
            results = lm_eval.simple_evaluate(
                model="local-chat-completions",
                model_args=f"model=m,base_url={server.url}/chat/completions,num_concurrent=1,max_retries=1",
                tasks=[TASK], task_manager=task_manager([TASK], metadata={"languages": ["en", "fr"]}), limit=3,
                num_fewshot=2, apply_chat_template=True, fewshot_as_multiturn=True, log_samples=True,
                evaluation_tracker=tracker, bootstrap_iters=0,
            )  # fmt: skip
            assert results is not None
            samples = results.pop("samples")
            tracker.save_results_aggregated(results=results, samples=samples)
            tracker.save_results_samples(task_name=TASK, samples=samples[TASK])
            (folder / "asked.json").write_text(json.dumps(server.asked))

    return make_once("lm_eval_files", evaluate)


def run(*arguments: object) -> str:
    done = CliRunner().invoke(cli, [str(a) for a in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_lm_eval_asks_a_chat_api_with_shots_as_turns(written: Path) -> None:
    asked = json.loads((written / "asked.json").read_text())
    assert len(asked) == 6
    for _, payload in asked:
        assert [m["role"] for m in payload["messages"]] == ["user", "assistant"] * 2 + ["user"]
    (results,) = written.glob("mymodel_*.json")
    found = json.loads(results.read_text())
    assert found["n-shot"][TASK] == 2
    assert "|shots:2|" in found["configs"][TASK]["metadata"]["signature"]


def test_every_verb_reads_them_by_folder_and_by_name(written: Path, tmp_path: Path) -> None:
    (results,), (samples,) = written.glob("mymodel_*.json"), written.glob("samples_*.jsonl")
    for path in (written, results):
        table = run("leaderboard", path)
        assert "2-shot" in table and "no samples" not in table
    for path in (written, results, samples):
        found = json.loads(run("metrics", path, "--json"))
        assert found["n_questions"] == 3
        assert "|shots:2|" in found["signature"]
        run("compare", path, samples)
        out = tmp_path / "g.jsonl"
        run("data", "import-generations", path, "-o", out, "--force")
        generations = list(read_jsonl(out, Generation))
        assert [g.language for g in generations] == ["en", "fr"] * 3
        for g in generations:
            assert [turn["role"] for turn in g.prompt] == ["user", "assistant"] * 2 + ["user"]  # type: ignore[index]
            assert g.responses == ["Answer: B" if g.language == "en" else "Réponse : B"]
        run("vote", out, "-o", tmp_path / "b.jsonl", "--min-margin", "0")
        assert [b.winner for b in read_jsonl(tmp_path / "b.jsonl", Ballot)] == [1, 1, 1]
