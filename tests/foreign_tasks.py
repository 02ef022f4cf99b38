"""Small local copies of parallel benchmarks with the columns of the published ones, and lm-eval's own tasks on them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

Row = dict[str, Any]

#: Words of each language, so that questions and options differ in length and script.
WORDS = {
    "en": "air water stone river house tree bread night light field",
    "fr": "air eau pierre rivière maison arbre pain nuit lumière champ",
    "sw": "hewa maji jiwe mto nyumba mti mkate usiku mwanga shamba",
    "zh": "空气 水 石头 河流 房子 树 面包 夜晚 光 田野",
    "et": "õhk vesi kivi jõgi maja puu leib öö valgus põld",
    "es": "aire agua piedra río casa árbol pan noche luz campo",
}
N = 6


def words(language: str, start: int, n: int) -> str:
    """Some words of a language, the same ones in each."""
    own = WORDS[language].split()
    return " ".join(own[(start * 3 + i) % len(own)] for i in range(n))


def options(language: str, i: int, n: int) -> list[str]:
    """The options of question i, of different lengths."""
    return [words(language, i + k, 1 + (i + k) % 3) + f" {k}" for k in range(n)]


def belebele(x: str) -> list[Row]:
    return [
        {"link": f"https://w/{i // 2}", "question_number": i % 2 + 1, "flores_passage": words(x, i, 9),
         "question": words(x, i, 4) + "?", **{f"mc_answer{k + 1}": o for k, o in enumerate(options(x, i, 4))},
         "correct_answer_num": str(i % 4 + 1), "dialect": x, "ds": "2023-05-03"}
        for i in range(N)
    ]  # fmt: skip


def xcopa(x: str) -> list[Row]:
    return [
        {"premise": words(x, i, 5) + ".", "choice1": options(x, i, 2)[0] + ".", "choice2": options(x, i, 2)[1] + ".",
         "question": ["cause", "effect"][i % 2], "label": i // 2 % 2, "idx": 100 + i, "changed": False}
        for i in range(N)
    ]  # fmt: skip


def _lettered(x: str, i: int) -> Row:
    return {f"option_{'abcd'[k]}": o for k, o in enumerate(options(x, i, 4))}


def global_mmlu(x: str) -> list[Row]:
    # Another order of the subjects in each language, so that no row number is a key.
    subjects = ["anatomy", "virology"] if x == "en" else ["virology", "anatomy"]
    return [
        {"sample_id": f"{s}/test/{i}", "subject": s, "subject_category": "STEM", "question": words(x, i, 6),
         **_lettered(x, i), "answer": "ABCD"[(i + len(s)) % 4], "cultural_sensitivity_label": "CA"}
        for s in subjects for i in range(N)
    ]  # fmt: skip


def global_mmlu_lite(x: str) -> list[Row]:
    rows = [r for r in global_mmlu(x) if r["subject"] == "anatomy"]
    return [r | {"subject_category": "Business" if i % 2 else "Medical"} for i, r in enumerate(rows)]


def mmmlu(x: str) -> list[Row]:
    return [
        {"Unnamed: 0": n, "Question": words(x, i, 6), **dict(zip("ABCD", options(x, i, 4), strict=True)),
         "Answer": "ABCD"[(i * 3 + n) % 4], "Subject": s}
        for n, (s, i) in enumerate((s, i) for s in ("anatomy", "virology") for i in range(N))
    ]  # fmt: skip


def m_mmlu(x: str) -> list[Row]:
    rows = [{"instruction": words(x, i, 6), **_lettered(x, i), "answer": "ABCD"[i * 3 % 4], "id": f"anatomy/test/{i}"}
            for i in range(N)]  # fmt: skip
    return rows if x == "en" else rows[::-1]  # joined by id, not by row


def arc(x: str) -> list[Row]:
    rows = [
        {"id": f"Mercury_{i}", "instruction": words(x, i, 5), **_lettered(x, i),
         "option_e": words(x, i, 2) if i % 3 == 0 else None, "answer": "ABCDE"[i % (5 if i % 3 == 0 else 4)]}
        for i in range(N)
    ]  # fmt: skip
    return rows if x == "fr" else rows[1:] + rows[:1]


def arc_challenge_mt(x: str) -> list[Row]:
    return [
        {"id": f"Mercury_{i}", "question": words(x, i, 5), "answerKey": "ABCD"[i % 4],
         "choices": {"text": options(x, i, 4), "label": list("ABCD")}}
        for i in range(N)
    ]  # fmt: skip


def hellaswag(x: str) -> list[Row]:
    return [
        {"ind": 10 * i, "activity_label": words(x, i, 1), "ctx_a": words(x, i, 4), "ctx_b": words(x, i + 1, 2),
         "ctx": words(x, i, 6), "endings": options(x, i, 4), "source_id": "s", "split": "val", "split_type": "indomain",
         "label": str(i % 4)}
        for i in range(N)
    ]  # fmt: skip


def truthfulqa(x: str) -> list[Row]:
    return [
        {"question": words(x, i, 4) + "?", "mc1_targets_choices": options(x, i, 3), "mc1_targets_labels": [1, 0, 0],
         "mc2_targets_choices": options(x, i, 3), "mc2_targets_labels": [1, 0, 0]}
        for i in range(N)
    ]  # fmt: skip


def truthfulqa_multi(x: str) -> list[Row]:
    return [
        {"id": 7 + i, "type": "Adversarial", "category": "Myths", "question": words(x, i, 4) + "?", "best_answer": options(x, i, 3)[0],
         "correct_answers": options(x, i, 3)[:1], "incorrect_answers": options(x, i, 3)[1:], "lang": x, "source": "s",
         "mc1_targets": {"choices": options(x, i, 3 + i % 2), "labels": [1, 0, 0, 0][: 3 + i % 2]},
         "mc2_targets": {"choices": options(x, i, 3), "labels": [1, 0, 0]}}
        for i in range(N)
    ]  # fmt: skip


def xnli(x: str) -> list[Row]:
    return [{"premise": words(x, i, 6), "hypothesis": words(x, i + 2, 3), "label": i % 3} for i in range(N)]


def xstorycloze(x: str) -> list[Row]:
    return [
        {"story_id": f"{x and 'story'}-{i}", **{f"input_sentence_{k}": words(x, i + k, 4) + "." for k in range(1, 5)},
         "sentence_quiz1": options(x, i, 2)[0], "sentence_quiz2": options(x, i, 2)[1], "answer_right_ending": i % 2 + 1}
        for i in range(N)
    ]  # fmt: skip


def paws(x: str) -> list[Row]:
    rows = [{"id": i + 1, "sentence1": words(x, i, 6) + ".", "sentence2": words(x, i + 1, 6) + ".", "label": i % 2}
            for i in range(N)]  # fmt: skip
    if x == "fr":
        rows[0]["sentence2"] = ""  # the task filters it, and all others move up
    return rows


def mmlu_prox(x: str) -> list[Row]:
    return [
        {"question_id": 70 + i, "src": "s", "question": words(x, i, 5), "category": c, "cot_content": words(x, i, 3),
         **{f"option_{k}": (options(x, i, 10)[k] if k < 6 + i % 5 else None) for k in range(10)},
         "answer": "ABCD"[i % 4], "answer_index": i % 4, "question_id_src": i}
        for c in ("biology", "law") for i in range(N)
        if (c == "biology") == (i % 2 == 0)
    ]  # fmt: skip


def global_piqa(x: str) -> list[Row]:
    return [
        {"prompt": words(x, i, 5), **{f"solution{k}": o for k, o in enumerate(options(x, i, 4))}, "label": i % 4,
         "language": x, "example_id": f"p{i}"}
        for i in range(N)
    ]  # fmt: skip


Rows = Callable[[str], list[Row]]
#: family -> the folder of lm-eval's tasks, the tasks with their language, the rows, the columns of the key
FAMILIES: dict[str, tuple[dict[str, str], Rows]] = {
    "belebele": ({f"belebele/belebele_{c}.yaml": c for c in ("eng_Latn", "fra_Latn", "zho_Hans")}, belebele),
    "xcopa": ({f"xcopa/default_{c}.yaml": c for c in ("et", "sw", "zh")}, xcopa),
    "global_mmlu": (
        {f"global_mmlu/full/{c}/global_mmlu_full_{c}_{s}.yaml": c
         for c in ("en", "fr", "sw") for s in ("anatomy", "virology")}, global_mmlu,
    ),
    "global_mmlu_lite": (
        {f"global_mmlu/default/{c}/global_mmlu_{c}_{s}.yaml": c
         for c in ("en", "fr", "sw") for s in ("business", "medical")}, global_mmlu_lite,
    ),
    "mmmlu": (
        {f"openai-mmmlu/default/{c}_{s}.yaml": c
         for c in ("fr_fr", "sw_ke", "zh_cn") for s in ("anatomy", "virology")}, mmmlu,
    ),
    "m_mmlu": ({f"okapi/mmlu_multilingual/m_mmlu_{c}.yaml": c for c in ("en", "fr", "zh")}, m_mmlu),
    "arc": ({f"okapi/arc_multilingual/arc_{c}.yaml": c for c in ("es", "fr", "zh")}, arc),
    "arc_challenge_mt": ({f"arc_mt/arc_challenge_mt_{c}.yaml": c for c in ("da", "fi", "es")}, arc_challenge_mt),
    "hellaswag": ({f"okapi/hellaswag_multilingual/hellaswag_{c}.yaml": c for c in ("es", "fr")}, hellaswag),
    "truthfulqa": (
        {f"okapi/truthfulqa_multilingual/truthfulqa_{c}_mc1.yaml": c for c in ("es", "fr", "zh")}, truthfulqa,
    ),
    "truthfulqa_multi_mc1": (
        {f"truthfulqa-multi/truthfulqa-multi_mc1_{c}.yaml": c for c in ("en", "es", "eu")}, truthfulqa_multi,
    ),
    "truthfulqa_multi_gen": (
        {f"truthfulqa-multi/truthfulqa-multi_gen_{c}.yaml": c for c in ("en", "es", "eu")}, truthfulqa_multi,
    ),
    "xnli": ({f"xnli/xnli_{c}.yaml": c for c in ("en", "fr", "sw")}, xnli),
    "xstorycloze": ({f"xstorycloze/default_{c}.yaml": c for c in ("en", "es", "sw")}, xstorycloze),
    "paws": ({f"paws-x/paws_{c}.yaml": c for c in ("en", "fr", "zh")}, paws),
    "mmlu_prox": (
        {f"mmlu_prox/{c}/mmlu_prox_{c}_{s}.yaml": c for c in ("en", "fr", "sw") for s in ("biology", "law")}, mmlu_prox,
    ),
    "mmlu_prox_lite": (
        {f"mmlu_prox/{c}/mmlu_prox_lite_{c}_{s}.yaml": c for c in ("en", "fr") for s in ("biology", "law")}, mmlu_prox,
    ),
    "global_piqa_cloze": (
        {f"global_piqa/parallel_cloze/{c}.yaml": c for c in ("eng_latn", "fra_latn_fran", "swh_latn")}, global_piqa,
    ),
    "global_piqa_generation": (
        {f"global_piqa/parallel_generation/{c}.yaml": c for c in ("eng_latn", "fra_latn_fran", "swh_latn")}, global_piqa,
    ),
}  # fmt: skip

#: The data's code of a language -> the words it is written in here.
_WRITTEN = {"eng_Latn": "en", "fra_Latn": "fr", "zho_Hans": "zh", "fr_fr": "fr", "sw_ke": "sw", "zh_cn": "zh",
            "eng_latn": "en", "fra_latn_fran": "fr", "swh_latn": "sw", "eu": "et", "da": "fr", "fi": "et"}  # fmt: skip


def write_tasks(folder: Path, names: list[str]) -> dict[str, list[str]]:
    """family -> the tasks that were written: lm-eval's own YAMLs, only the data being local."""
    import lm_eval.tasks
    import yaml

    theirs = Path(lm_eval.tasks.__file__).parent
    folder.mkdir(parents=True)
    written: dict[str, list[str]] = {}
    for family in names:
        files, rows = FAMILIES[family]
        for file, code in files.items():
            data = folder / f"{family}-{code}.jsonl"
            if not data.exists():
                own = rows(_WRITTEN.get(code, code))
                data.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in own), encoding="utf-8")
            source = theirs / file
            if family == "mmmlu":  # its files are named otherwise
                source = next((theirs / "openai-mmmlu/default").glob(f"*{Path(file).name}"))
            task = _task_of(source)
            splits = dict.fromkeys(("train", "validation", "test", "val", "dev", "eval"), str(data))
            value = {
                "include": str(source), "task": task, "dataset_path": "json", "dataset_name": None,
                "dataset_kwargs": {"data_files": splits},
            }  # fmt: skip
            (folder / f"{task}.yaml").write_text(yaml.safe_dump(value), encoding="utf-8")
            written.setdefault(family, []).append(task)
    return written


def _task_of(path: Path) -> str:
    for line in path.read_text(encoding="utf-8").splitlines():
        name, colon, value = line.replace('"', "").partition(":")
        if colon and name.strip() == "task" and value.strip():
            return value.strip()
    raise AssertionError(path)


#: What lm-eval's filters look for in a response, by what stands in the prompt.
_SAYS = {"La réponse": "La réponse est", "Jibu": "Jibu ni", "Option A:": "The best answer is:", "": "the answer is"}


def _response(prompt: str) -> str:
    """A response as a model might write it: mostly one that the task's filter finds a letter in."""
    drawn = random.Random(prompt)
    if prompt.startswith("Q: "):
        return prompt[3:].rstrip("?") + f" {drawn.randrange(3)}"
    phrase = next(phrase for sign, phrase in _SAYS.items() if sign in prompt)
    return drawn.choice(
        [f"Well, {phrase} {'(' if k % 2 else ''}{'ABCD'[k % 4]}" for k in range(6)] + ["I do not know."]
    )


def byte_model() -> Any:
    """lm-eval's own class around a random GPT-2 that reads bytes; what it would write is replaced."""
    import torch
    from lm_eval.models.huggingface import HFLM
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    plain = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate([*alphabet, "<end>"])}, merges=[]))
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, eos_token="<end>", pad_token="<end>")
    torch.manual_seed(3)
    config = GPT2Config(
        vocab_size=257, n_embd=16, n_layer=1, n_head=2, n_positions=4096, initializer_range=0.4,
        bos_token_id=256, eos_token_id=256,
    )  # fmt: skip

    class Bytes(HFLM):  # type: ignore[misc]
        def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
            return [_response(r.args[0]) for r in requests]

    return Bytes(pretrained=GPT2LMHeadModel(config).eval(), tokenizer=tokenizer, batch_size=8, max_length=4096)


def run_tasks(folder: Path, names: list[str], *, limit: int | None = None) -> dict[str, list[str]]:
    """Run lm-eval's tasks of some families with the byte model, and log the samples below ``folder/<family>``."""
    import lm_eval
    from lm_eval.loggers import EvaluationTracker
    from lm_eval.tasks import TaskManager

    written = write_tasks(folder / "tasks", names)
    manager = TaskManager(include_path=str(folder / "tasks"), include_defaults=False)
    lm = byte_model()
    every = [task for tasks in written.values() for task in tasks]
    found = lm_eval.simple_evaluate(
        model=lm, tasks=every, task_manager=manager, log_samples=True, bootstrap_iters=0, limit=limit,
        gen_kwargs="max_gen_toks=24", num_fewshot=0, cache_requests=False,
    )  # fmt: skip
    assert found is not None
    samples = found.pop("samples")
    found["config"]["model_args"] = {"pretrained": "random/bytes"}
    found["model_name"] = "random/bytes"
    for family, tasks in written.items():
        tracker = EvaluationTracker(output_path=str(folder / family / "mymodel.json"))
        own = {
            k: {t: v for t, v in found[k].items() if t in tasks}
            for k in ("results", "configs", "versions", "n-shot", "n-samples")
        }
        tracker.save_results_aggregated(results={**found, **own}, samples={t: samples[t] for t in tasks})
        for task in tasks:
            tracker.save_results_samples(task_name=task, samples=samples[task])
    return written
