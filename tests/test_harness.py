"""The task class, the language model and the sampler, with real models through real lm-eval."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

from calm_ext.cli.main import cli
from calm_ext.errors import CalmError, DataError
from calm_ext.harness.evaluate import evaluate, task_manager
from calm_ext.harness.sampler import sample
from calm_ext.harness.task import CrossLingualTask
from calm_ext.jsonl import read_jsonl
from calm_ext.metrics.measure import measure
from calm_ext.models.backends.hf import HFBackend
from calm_ext.models.lm import SharedPrefixLM, load_lm
from calm_ext.records import Generation, ParallelQuestion, Version
from calm_ext.report.words import number
from calm_ext.results.aggregates import read_aggregates
from calm_ext.results.answers import read_answers
from calm_ext.results.evaluation import read_evaluation

TEMPLATE = "{% for m in messages %}{{ m.role }} : {{ m.content }} \n {% endfor %}{% if add_generation_prompt %}assistant : {% endif %}"


@pytest.fixture(scope="module")
def lm(babel_model: Path) -> SharedPrefixLM:
    return load_lm(str(babel_model), dtype="float32", device="cpu", batch_size=32)


def samples_of(folder: Path, task: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"samples_{task}.jsonl").read_text().splitlines()]


def test_both_babel_tasks_report_every_metric(lm: SharedPrefixLM, tmp_path: Path) -> None:
    tasks = ["calm_babel_xl", "calm_babel_xl_mc"]
    results = evaluate(lm, tasks, tmp_path / "out", model_name="tiny", limit=12)["results"]
    for task in tasks:
        values = results[task]
        assert values["sample_len"] == 12
        languages = ["qaa", "qab", "qac", "qad", "qae"]
        for name in ["acc", "consistency", "all_agree", "all_correct", "answered", *(f"acc_{x}" for x in languages)]:
            assert 0 <= values[f"{name},none"] <= 1, name
        assert values["acc,none"] == pytest.approx(sum(values[f"acc_{x},none"] for x in languages) / 5)
        assert ("rankc,none" in values) == task.endswith("_mc")
        rows = samples_of(tmp_path / "out", task)
        assert len(rows) == 12
        assert len(rows[0]["resps"]) == (5 * 4 if task.endswith("_mc") else 5)
        samples = read_evaluation(tmp_path / "out").tasks[task]
        assert "langs:qaa.qab.qac.qad.qae" in samples.signature
        assert len(samples.questions) == 12
    written = read_aggregates(tmp_path / "out/results.json")
    assert written.metadata("calm_babel_xl")["version"] == 1.0
    assert written.raw["model_name"] == "tiny"
    assert written.model_name("out") == "tiny"
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "results.json", "samples_calm_babel_xl.jsonl", "samples_calm_babel_xl_mc.jsonl",
    ]  # fmt: skip


def test_metadata_chooses_languages_and_few_shot_is_in_the_questions_own(lm: SharedPrefixLM, tmp_path: Path) -> None:
    evaluate(
        lm, ["calm_babel_xl"], tmp_path, model_name="t", limit=3, num_fewshot=2, metadata={"languages": ["qab", "qad"]}
    )
    (row, *_) = samples_of(tmp_path, "calm_babel_xl")
    first, second = (row["arguments"][f"gen_args_{i}"]["arg_0"] for i in range(2))
    assert (first.count("Dzira:"), first.count("Wishul:")) == (3, 3)
    assert (second.count("Spraak:"), second.count("Kvelt:")) == (3, 3)
    assert "Spraak" not in first
    assert not first.endswith(" ")
    shots = first.split("\n\n")
    assert len(shots) == 3
    assert shots[0].rsplit(":", 1)[1].strip(), "a shot has its answer"
    assert row["doc"]["languages"] == ["qab", "qad"]
    assert "split:" not in read_evaluation(tmp_path).tasks["calm_babel_xl"].signature
    evaluate(lm, ["calm_babel_xl"], tmp_path, model_name="t", limit=3, metadata={"split": "train"})
    assert "|split:train|langs:" in read_evaluation(tmp_path).tasks["calm_babel_xl"].signature


def test_chat_template(babel_model: Path, tmp_path: Path) -> None:
    lm = load_lm(str(babel_model), dtype="float32", device="cpu", batch_size=8)
    lm.tokenizer.chat_template = TEMPLATE
    evaluate(lm, ["calm_babel_xl", "calm_babel_xl_mc"], tmp_path, model_name="t", limit=2, chat_template=True)
    prompt = samples_of(tmp_path, "calm_babel_xl")[0]["arguments"]["gen_args_0"]["arg_0"]
    assert prompt.startswith("user : Ruvo:")
    assert prompt.endswith("assistant : ")
    scored = samples_of(tmp_path, "calm_babel_xl_mc")[0]["arguments"]["gen_args_0"]
    assert not scored["arg_1"].startswith(" "), "after a chat template nothing stands between prompt and answer"


def test_native_standard_error_and_an_unknown_task(lm: SharedPrefixLM, tmp_path: Path) -> None:
    import lm_eval

    results = lm_eval.simple_evaluate(
        model=lm,
        tasks=["calm_babel_xl_mc"],
        task_manager=task_manager(["calm_babel_xl_mc"]),
        limit=10,
        log_samples=True,
    )
    assert results is not None
    values = [s["consistency"] for s in results["samples"]["calm_babel_xl_mc"]]
    mean = sum(values) / 10
    error = (sum((v - mean) ** 2 for v in values) / 9 / 10) ** 0.5
    assert results["results"]["calm_babel_xl_mc"]["consistency_stderr,none"] == pytest.approx(error)
    with pytest.raises(CalmError, match="no task calm_nothing"):
        evaluate(lm, ["calm_nothing"], tmp_path, model_name="t")


def test_the_tasks_metrics_are_those_of_the_samples(lm: SharedPrefixLM, tmp_path: Path) -> None:
    task = "calm_babel_xl_mc"
    results = evaluate(lm, [task], tmp_path, model_name="t", limit=8)
    pivots = results["configs"][task]["metadata"]["pivots"]
    assert pivots == ["qaa"], "Babel records the source"
    values = results["results"][task]
    wanted = measure(read_answers([tmp_path]), resamples=100)
    assert wanted.pivots == {"qaa": 8}
    for metric, value in wanted.metrics.items():
        if metric.startswith(("transfer_", "acc_unnorm_")):
            assert f"{metric},none" not in values, "lm-eval's table is long enough"
        else:
            assert values[f"{metric},none"] == pytest.approx(value, nan_ok=True), metric
    for metric in ("acc", "acc_gap", "pivot_consistency"):
        assert values[f"{metric}_stderr,none"] == pytest.approx(wanted.stderr[metric]), metric
    assert values["overlap_right_stderr,none"] == "N/A", "no mean; calm-ext metrics resamples it"
    names = [key.removesuffix(",none") for key in values if key.endswith(",none") and "_stderr" not in key]
    assert names[:7] == ["acc", "consistency", "consistency_right", "kappa", "acc_worst", "acc_qaa", "acc_qab"]
    row = samples_of(tmp_path, task)[0]
    assert row["overlap_right"] == row["acc_worst"] == {x: int(row[f"acc_{x}"]) for x in row["doc"]["languages"]}
    better = results["higher_is_better"][task]
    assert (better["overlap_right"], better["acc_gap"], better["consistency_wrong"]) == (True, False, False)


def test_eval_prints_standard_errors_and_a_line_a_language(babel_model: Path, tmp_path: Path) -> None:
    command = ["eval", "--model", str(babel_model), "--tasks", "calm_babel_xl_mc", "-o", str(tmp_path / "out"),
               "--limit", "8", "--dtype", "float32", "--device", "cpu"]  # fmt: skip
    shown = CliRunner().invoke(cli, command, catch_exceptions=False).stdout
    wanted = measure(read_answers([tmp_path / "out"]))
    lines = [line.split() for line in shown.splitlines()]
    for metric in ("acc", "consistency", "consistency_right", "kappa", "acc_worst"):
        (line,) = [x for x in lines if x[:1] == [metric]]
        assert line[1:3] == [number(wanted.metrics[metric]), number(wanted.stderr[metric])], metric
    assert ["language", "accuracy", "±", "s.e.", "transfer"] in lines
    assert "|Tasks|" not in shown.replace(" ", ""), "lm-eval's table is for other tasks"
    assert "all_agree  " not in shown
    found = json.loads(CliRunner().invoke(cli, [*command, "--json"], catch_exceptions=False).stdout)["calm_babel_xl_mc"]
    assert found["sample_len"] == 8
    assert {"alias", "acc,none", "acc_stderr,none", "transfer_qab,none", "overlap_right_stderr,none", "ci95"} <= set(
        found
    )
    assert found["kappa_stderr,none"] == pytest.approx(wanted.stderr["kappa"])
    assert found["ci95"]["acc"] == pytest.approx(wanted.ci95["acc"])
    assert sum(found["n_right"]) == 8


def test_a_task_without_a_pivot_and_one_of_some_questions(lm: SharedPrefixLM) -> None:
    version = Version(question="?", options=["a", "b"])
    questions = [ParallelQuestion(id=f"q{i}", answer=0, versions={"de": version, "fr": version}) for i in range(3)]
    plain = CrossLingualTask.from_questions(questions, name="t", style="direct")
    assert plain.measures.pivots == []
    assert not {"acc_gap", "transfer", "pivot_consistency"} & set(plain.aggregation())
    assert {"acc_worst", "overlap_right"} <= set(plain.aggregation())
    questions[0] = questions[0].model_copy(update={"source_language": "de"})
    some = CrossLingualTask.from_questions(questions, name="t", style="direct")
    items = [some.process_results(doc, ["A", "A"]) for doc in some.eval_docs]
    assert [item["acc_gap"] for item in items] == [0.0, None, None]
    aggregate = some.aggregation()
    for name in some.aggregation():
        value = aggregate[name]([item[name] for item in items])
        assert value == pytest.approx(
            1.0 if name not in ("acc_gap", "consistency_wrong", "kappa") else value, nan_ok=True
        )
    assert aggregate["acc_gap"]([item["acc_gap"] for item in items]) == 0.0


def _random(kind: str) -> Any:
    import transformers

    torch.manual_seed(0)
    common = {"vocab_size": 300, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 4,
              "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128}  # fmt: skip
    if kind == "gemma3":
        config = transformers.Gemma3TextConfig(
            **common, head_dim=8, sliding_window=8,
            layer_types=["sliding_attention", "full_attention"] * 2,
        )  # fmt: skip
        return transformers.Gemma3ForCausalLM(config)
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(**common))


@pytest.mark.parametrize("kind", ["llama", "gemma3"])
def test_shared_prefix_gives_the_numbers_of_lm_eval(kind: str, babel_model: Path) -> None:
    """Log-likelihoods to 1e-4 and greedy flags, full and sliding-window caches, targets of different lengths."""
    from lm_eval.models.huggingface import HFLM
    from transformers import AutoTokenizer

    model = _random(kind).eval()
    tokenizer = AutoTokenizer.from_pretrained(babel_model)
    generator = torch.Generator().manual_seed(1)
    requests = []
    for length in (3, 9, 17, 30):
        context = torch.randint(5, 300, (length,), generator=generator).tolist()
        greedy = model(torch.tensor([context])).logits[0, -1].argmax().item()
        targets = [[greedy], [7], [8, 9, 10], [11, 12], [greedy, 5]]
        requests += [((str(length), str(t)), context, t) for t in targets]
    ours = SharedPrefixLM(pretrained=model, tokenizer=tokenizer, batch_size=4)
    theirs = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=4)
    got = ours._loglikelihood_tokens(requests, disable_tqdm=True)
    wanted = theirs._loglikelihood_tokens(requests, disable_tqdm=True)
    for (a, greedy_a), (b, greedy_b) in zip(got, wanted, strict=True):
        assert a == pytest.approx(b, abs=1e-4)
        assert greedy_a == greedy_b
    assert any(g for _, g in got)
    assert not all(g for _, g in got)


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CalmError, match="no such folder"):
        load_lm(str(tmp_path / "nope"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(CalmError, match="cannot be loaded") as caught:
        load_lm(str(tmp_path / "empty"), device="cpu")
    assert "\n" not in str(caught.value)


def read(path: Path) -> list[Generation]:
    return list(read_jsonl(path, Generation))


def test_sampling_resumes_and_gives_what_it_would_have_given(
    lm: SharedPrefixLM, questions_file: Path, tmp_path: Path
) -> None:
    questions = list(read_jsonl(questions_file, ParallelQuestion))[:12]
    whole, pieces = tmp_path / "whole.jsonl", tmp_path / "pieces.jsonl"
    options: dict[str, Any] = {
        "mode": "generate",
        "style": "direct",
        "n": 3,
        "max_new_tokens": 3,
        "seed": 5,
        "chunk": 4,
    }
    assert sample(HFBackend(lm), questions, whole, **options) == 12
    assert sample(HFBackend(lm), questions[:8], pieces, **options) == 8
    text = pieces.read_text()
    pieces.write_text(text[: len(text) - 200])  # cut inside the second chunk, inside a line
    assert sample(HFBackend(lm), questions, pieces, **options) == 8
    assert pieces.read_text() == whole.read_text()
    assert sample(HFBackend(lm), questions, pieces, **options) == 0
    first = read(whole)[0]
    assert len(first.responses) == 3
    assert first.prompt.endswith("Talor:")  # type: ignore[union-attr]
    options["seed"] = 6
    other = tmp_path / "other.jsonl"
    sample(HFBackend(lm), questions, other, **options)
    assert [g.responses for g in read(other)] != [g.responses for g in read(whole)]


def test_sampling_options_scores_what_evaluation_scores(lm: SharedPrefixLM, tmp_path: Path) -> None:
    from calm_ext.data import load_questions

    questions = load_questions("babel", languages=["qaa", "qab"], limit=5)
    sample(HFBackend(lm), questions, tmp_path / "g.jsonl", mode="options", chunk=2)
    evaluate(lm, ["calm_babel_xl_mc"], tmp_path / "e", model_name="t", limit=5, metadata={"languages": ["qaa", "qab"]})
    rows = samples_of(tmp_path / "e", "calm_babel_xl_mc")
    evaluated = [float(r[0][0]) for row in rows for r in row["resps"]]
    sampled = [x for g in read(tmp_path / "g.jsonl") for x in g.option_logprobs or []]
    assert sampled == pytest.approx(evaluated, abs=1e-4)


def test_sampling_refuses_generations_of_other_questions(
    lm: SharedPrefixLM, questions_file: Path, tmp_path: Path
) -> None:
    questions = list(read_jsonl(questions_file, ParallelQuestion))
    sample(HFBackend(lm), questions[:2], tmp_path / "g.jsonl", mode="options", chunk=2)
    with pytest.raises(DataError, match=r"g\.jsonl:1: is babel"):
        sample(HFBackend(lm), questions[2:6], tmp_path / "g.jsonl", mode="options")
    with pytest.raises(CalmError, match="no chat template"):
        sample(HFBackend(lm), questions, tmp_path / "h.jsonl", mode="options", chat_template=True)


@pytest.mark.parametrize("folder", ["acpbench", "afrobench/flores", "eus_exams", "aradice/cultural-benchmark", "xcopa"])
def test_a_name_of_lm_eval_s_is_found_before_its_index_is_made(folder: str) -> None:
    """Tasks, groups, tags, in lists and in files that others include; and a name that is none is refused without it."""
    import lm_eval.tasks

    from calm_ext.harness import evaluate

    place = Path(lm_eval.tasks.__file__).parent / folder
    names = lm_eval.tasks.TaskManager(include_path=str(place), include_defaults=False).all_tasks
    assert len(names) > 5
    assert evaluate._unmentioned([*names, "nonesuch"]) == {"nonesuch"}


def test_a_wrong_name_makes_no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    from calm_ext.harness import evaluate

    monkeypatch.setattr(evaluate, "task_manager", lambda *_: pytest.fail("its index takes ten seconds"))
    assert evaluate.unknown_tasks(["a", "hellaswag", "calm_xcsqa_xl", "calm_nonesuch"]) == ["a", "calm_nonesuch"]
