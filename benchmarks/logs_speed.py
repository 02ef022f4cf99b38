"""How long does `calm-ext leaderboard` take on logs of other people's tasks, which it joins over their languages?

    python benchmarks/logs_speed.py [--folders 50] [--questions 900] [--languages 8]

Writes synthetic logs of lm-eval's `belebele_<language>` in its own format, a folder a model, with passages and prompts
as long as Belebele's, and runs the command once. The folders are deleted afterwards. Prints a Markdown table; CPU time
and memory are those of the command alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LANGUAGES = ("eng_Latn", "fra_Latn", "zho_Hans", "swh_Latn", "deu_Latn", "arb_Arab", "hin_Deva", "ell_Grek")
WORDS = {
    "Latn": "the river rises in the hills and runs through three towns before it reaches the sea ",
    "Hans": "河流发源于山区流经三个城镇最后注入大海",
    "Arab": "ينبع النهر من التلال ويمر عبر ثلاث مدن قبل أن يصل إلى البحر ",
    "Deva": "नदी पहाड़ियों से निकलती है और समुद्र तक पहुँचने से पहले तीन नगरों से होकर बहती है ",
    "Grek": "ο ποταμός πηγάζει από τους λόφους και διασχίζει τρεις πόλεις πριν φτάσει στη θάλασσα ",
}
STAMP = "_2026-11-23T20-43-19.930000"


def write_logs(folder: Path, *, model: str, skill: float, questions: int, languages: int, seed: int) -> int:
    """The logs of one model; returns their size in bytes."""
    rng = random.Random(seed)
    folder.mkdir(parents=True)
    results: dict[str, dict[str, object]] = {}
    for code in LANGUAGES[:languages]:
        task, right = f"belebele_{code}", 0
        passage = (WORDS[code[-4:]] * 12)[:480]
        with (folder / f"samples_{task}{STAMP}.jsonl").open("w", encoding="utf-8") as handle:
            for i in range(questions):
                gold = i % 4
                answer = gold if rng.random() < skill else rng.randrange(4)
                scores = [round(-3 - rng.random(), 6) + (2 if k == answer else 0) for k in range(4)]
                doc = {
                    "link": f"https://en.wikinews.org/wiki/page_{i // 2}", "question_number": i % 2 + 1,
                    "flores_passage": passage, "question": f"{passage[:70]} {i}?",
                    **{f"mc_answer{k + 1}": f"{passage[k:40]} {k}" for k in range(4)},
                    "correct_answer_num": str(gold + 1), "dialect": code, "ds": "2023-05-03",
                }  # fmt: skip
                prompt = f"P: {passage}\nQ: {doc['question']}\n" + "".join(
                    f"{'ABCD'[k]}: {doc[f'mc_answer{k + 1}']}\n" for k in range(4)
                ) + "Answer:"  # fmt: skip
                acc = float(max(range(4), key=scores.__getitem__) == gold)
                right += int(acc)
                said = [[str(s), "False"] for s in scores]
                digest = hashlib.sha256(f"{code}{i}".encode()).hexdigest()
                row = {
                    "doc_id": i, "doc": doc, "target": str(gold),
                    "arguments": {f"gen_args_{k}": {"arg_0": prompt, "arg_1": f" {'ABCD'[k]}"} for k in range(4)},
                    "resps": [[s] for s in said], "filtered_resps": said, "filter": "none",
                    "metrics": ["acc", "acc_norm"], "doc_hash": digest, "prompt_hash": digest, "target_hash": digest,
                    "acc": acc, "acc_norm": acc,
                }  # fmt: skip
                handle.write(json.dumps(row, ensure_ascii=False) + "\n")
        results[task] = {"alias": task, "acc,none": right / questions, "acc_norm,none": right / questions}
    tasks = list(results)
    settings = {
        "results": results, "versions": dict.fromkeys(tasks, 0.0), "n-shot": dict.fromkeys(tasks, 0),
        "configs": {t: {"task": t, "output_type": "multiple_choice"} for t in tasks},
        "n-samples": {t: {"original": 900, "effective": questions} for t in tasks},
        "config": {"model": "hf", "model_args": {"pretrained": model}, "limit": None}, "date": 1795562751.0 + seed,
        "chat_template": None, "system_instruction": None, "model_name": model, "lm_eval_version": "0.4.13",
    }  # fmt: skip
    (folder / f"results{STAMP}.json").write_text(json.dumps(settings), encoding="utf-8")
    return sum(p.stat().st_size for p in folder.iterdir())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folders", type=int, default=50)
    parser.add_argument("--questions", type=int, default=900)
    parser.add_argument("--languages", type=int, default=8)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        size = 0
        for i in range(given.folders):
            size += write_logs(
                Path(name) / f"m{i:03d}", model=f"org/model-{i:03d}", skill=0.1 + 0.5 * i / given.folders,
                questions=given.questions, languages=given.languages, seed=i,
            )  # fmt: skip
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "calm_ext", "leaderboard", name, "--json"],
            check=True,
            capture_output=True,
            text=True,
        )
        wall = time.perf_counter() - start
    models = json.loads(done.stdout)["tables"][0]["models"]
    assert len(models) == given.folders, done.stderr
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print("| folders | languages | questions | logs (MB) | CPU (s) | wall (s) | peak memory (MB) |")
    print("|--:|--:|--:|--:|--:|--:|--:|")
    print(
        f"| {given.folders} | {given.languages} | {given.questions} | {size / 1e6:,.0f} | "
        f"{used.ru_utime + used.ru_stime:.1f} | {wall:.1f} | {used.ru_maxrss / 1e3:,.0f} |"
    )


if __name__ == "__main__":
    main()
