"""lm-eval's files: which belong together, and the one reader of their lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from calm_ext.errors import DataError
from calm_ext.results.aggregates import read_aggregates
from calm_ext.results.folders import (
    find_samples,
    newest_results,
    newest_samples,
    results_below,
    results_beside,
    samples_beside,
    samples_file,
)
from calm_ext.results.samples import Sample, read_samples, scan_samples

OLD, NEW = "_2026-01-02T10-00-00.000001", "_2026-01-03T09-00-00.5"


def line(**changes: Any) -> dict[str, Any]:
    """A line as lm-eval writes it, with what could be taken for its end inside a text."""
    doc = {
        "id": 'q "1"', "answer": 1, "source_language": "en", "languages": ["en", "fr"],
        "questions": ['Say ", "metrics": [" now', "Où ?"], "options": [["air", "water"], ["air", "eau"]],
    }  # fmt: skip
    texts = ['Because.\n, "metrics": ["acc"]\nAnswer: B', "Réponse : A"]
    row = {
        "doc_id": 0, "doc": doc, "target": "1",
        "arguments": {f"gen_args_{i}": {"arg_0": f"prompt {i}", "arg_1": {}} for i in range(2)},
        "resps": [[t] for t in texts], "filtered_resps": texts, "filter": "none",
        "metrics": ["acc", "acc_en", "acc_fr", "kappa"], "doc_hash": "h", "acc": 0.5, "acc_en": 1.0, "acc_fr": None,
        "kappa": {"en": 1, "fr": 0},
    }  # fmt: skip
    return {**row, **changes}


def both(row: dict[str, Any]) -> tuple[Sample, Sample]:
    """A row read from its line, and from itself."""
    return Sample("f:1", line=(json.dumps(row) + "\n").encode()), Sample("f:1", row=row)


# --- files ------------------------------------------------------------------------------------------------------------


def test_files_of_one_evaluation_have_one_stamp(tmp_path: Path) -> None:
    names = [f"samples_a_b{OLD}.jsonl", f"samples_a_b{NEW}.jsonl", f"results{OLD}.json", f"results{NEW}.json"]
    for name in names:
        (tmp_path / name).write_text("")
    newest = newest_samples(tmp_path)
    assert newest == (tmp_path / names[1], "a_b", NEW)
    assert results_beside(newest) == newest_results(tmp_path) == tmp_path / names[3]
    assert results_beside(samples_file(tmp_path / names[0])) == tmp_path / names[2]
    assert samples_beside(tmp_path / names[2], "a_b") == tmp_path / names[0]
    for task in ("a", "../a_b", "a\0", "x" * 500):
        assert samples_beside(tmp_path / names[2], task) is None
    (tmp_path / names[3]).unlink()
    assert results_beside(newest) is None, "those of another time are of another evaluation"
    assert results_beside(samples_file(tmp_path / "renamed.jsonl")) == tmp_path / names[2]


def test_names_of_our_own_evaluations(tmp_path: Path) -> None:
    for name in ("samples_t.jsonl", "results.json", "samples_other.txt"):
        (tmp_path / name).write_text("")
    assert newest_samples(tmp_path) == (tmp_path / "samples_t.jsonl", "t", "")
    assert samples_beside(tmp_path / "results.json", "t") == tmp_path / "samples_t.jsonl"
    assert results_beside(newest_samples(tmp_path, "t")) == tmp_path / "results.json"
    with pytest.raises(DataError, match="has no samples of u; it has t"):
        newest_samples(tmp_path, "u")
    (tmp_path / "more").mkdir()
    (tmp_path / "more/samples_t.jsonl").write_text("")
    with pytest.raises(DataError, match="in several folders; name one of them"):
        newest_samples(tmp_path)
    assert newest_results(tmp_path / "more") is newest_results(tmp_path / "none") is None


def test_results_are_found_at_any_depth_once(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    for name in ("a/results.json", f"a/b/results{NEW}.json", "a/b/other.json"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "a/b/back").symlink_to(tmp_path / "a")
    found = list(results_below(tmp_path, seen=set(), refused=pytest.fail))  # type: ignore[arg-type]
    assert [p.name for p in found] == ["results.json", f"results{NEW}.json"]


# --- results ----------------------------------------------------------------------------------------------------------


def test_the_name_of_a_model(tmp_path: Path) -> None:
    def name(**raw: Any) -> str:
        path = tmp_path / "results.json"
        path.write_text(json.dumps({"results": {}, "configs": {}, **raw}))
        return read_aggregates(path).model_name("folder")

    assert name() == "folder"
    assert name(model_name="m", config={"model_args": {"pretrained": "org/m"}}) == "m"
    assert name(config={"model_args": "pretrained=org/m,dtype=float"}) == "org/m"
    assert name(model_name="org/lora", config={"model_args": {"pretrained": "b", "peft": "org/lora"}}) == "b + org/lora"


# --- samples ----------------------------------------------------------------------------------------------------------


def test_a_line_and_its_row_are_the_same_sample() -> None:
    parsed, given = both(line())
    for name in (
        "id",
        "languages",
        "questions",
        "options",
        "gold",
        "texts",
        "requests",
        "metrics",
        "answers",
        "doc_hash",
    ):
        assert getattr(parsed, name) == getattr(given, name), name
    assert parsed.id == 'q "1"'
    assert parsed.numbers == {"acc": 0.5, "acc_en": 1.0}
    assert parsed.requests["fr"] == ("prompt 1", [["Réponse : A"]])
    assert (parsed.gold, parsed.n_options, parsed.source_language, parsed.passages) == (1, 2, "en", [])


def test_metrics_need_only_the_end_of_a_line() -> None:
    start, _, end = json.dumps(line()).partition(', "target"')
    broken = Sample("f:1", line=f'{start}, {{ "target"{end}\n'.encode())
    assert (broken.id, broken.metrics["acc"], broken.doc_hash) == ('q "1"', 0.5, "h")
    with pytest.raises(DataError, match="f:1: not a JSON object"):
        _ = broken.gold


@pytest.mark.parametrize("changes", [{"doc_hash": None}, {"doc_id": "x"}])
def test_a_line_of_another_form_is_decoded_as_a_whole(changes: dict[str, Any]) -> None:
    parsed, given = both(line(**changes))
    assert (parsed.id, parsed.metrics, parsed.doc_hash) == (given.id, given.metrics, given.doc_hash)
    assert parsed.question_hash == given.question_hash


def test_scored_options() -> None:
    scores = [[-1.0, True], ["-2.5", "False"], [-3.0, False], [-0.5, True]]
    _, sample = both(line(filtered_resps=scores))
    assert sample.scored
    assert sample.logprobs == {"en": [-1.0, -2.5], "fr": [-3.0, -0.5]}


def test_the_hash_of_a_question_leaves_its_passages_out() -> None:
    passages = [[{"id": "p", "title": "t", "text": "x", "score": 1.0, "gold": True}], []]
    _, without = both(line())
    _, read = both(line(doc={**line()["doc"], "passages": passages}))
    assert read.question_hash == without.question_hash
    with pytest.raises(DataError, match=r"f:1: is not a sample of a cross-lingual task \(it has no passages in each"):
        _ = both(line(doc={**line()["doc"], "passages": []}))[1].passages


@pytest.mark.parametrize(
    ("changes", "attribute", "said"),
    [
        ({"metrics": ["acc", "gone"]}, "metrics", "has no value of 'gone'"),
        ({"metrics": []}, "metrics", r"is not a sample of a cross-lingual task \(no metrics\)"),
        ({"doc": {}}, "id", "is not a sample of a cross-lingual task"),
        ({"doc": {"id": 1}}, "languages", "is not a sample of a cross-lingual task"),
        ({"doc": {"id": 1, "languages": ["en", "en"]}}, "options", "question 1 has language en twice"),
        ({"filtered_resps": ["a"]}, "texts", "1 responses for 2 languages"),
        ({"filtered_resps": [[-1.0, True]]}, "logprobs", "1 scores for 2 languages of 2 options"),
        ({"resps": [["a"]] * 3}, "requests", "its answers do not fit its languages"),
        ({"arguments": {}}, "requests", "is not a sample"),
    ],
)
def test_what_is_broken_is_named_with_its_line(changes: dict[str, Any], attribute: str, said: str) -> None:
    for sample in both(line(**changes)):
        with pytest.raises(DataError, match=f"^f:1: .*{said}"):
            getattr(sample, attribute)


def test_both_readers_stream_the_same_samples(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text(json.dumps(line()) + "\n\n" + json.dumps(line(doc_hash="g")) + "\n")
    scanned, read = list(scan_samples(path)), list(read_samples(path))
    assert [s.where for s in scanned] == [s.where for s in read] == [f"{path}:1", f"{path}:3"]
    assert [s.doc_hash for s in scanned] == [s.doc_hash for s in read] == ["h", "g"]


def test_results_under_the_name_of_the_output_path(tmp_path: Path) -> None:
    """lm_eval --output_path results/mymodel.json writes mymodel_<time>.json, and the samples beside it."""
    stamp = "_2026-01-02T10-00-00.000001"
    old, new = tmp_path / f"mymodel{stamp}.json", tmp_path / f"results_other{NEW}.json"
    samples = {s: tmp_path / f"samples_calm_x{s}.jsonl" for s in (stamp, NEW)}
    for path in (old, new, *samples.values(), tmp_path / "mymodel.json", tmp_path / "notes_2026.json"):
        path.write_text("{}")
    assert samples_beside(old, "calm_x") == samples[stamp]
    assert samples_beside(new, "calm_x") == samples[NEW]
    for path, results in ((samples[stamp], old), (samples[NEW], new)):
        assert results_beside(samples_file(path)) == results
        assert find_samples(results).path == find_samples(results, "calm_x").path == path
    assert newest_results(tmp_path) == new
    assert set(results_below(tmp_path, seen=set(), refused=print)) == {old, new}
    with pytest.raises(DataError, match="has no samples of calm_y; it has calm_x"):
        find_samples(old, "calm_y")
    samples[stamp].unlink()
    with pytest.raises(DataError, match=r"mymodel_2026.*json: has no samples_"):
        find_samples(old)
    with pytest.raises(DataError, match=r"is of calm_x by its name, and --task asks for calm_y"):
        find_samples(samples[NEW], "calm_y")
