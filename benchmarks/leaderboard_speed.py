"""How long does `calm-ext leaderboard` take on many result folders?

    python benchmarks/leaderboard_speed.py [--folders 200] [--questions 100 1000] [--languages 6] [--characters 700]

Writes synthetic results in lm-eval's own format, a folder a model, with prompts and responses of about the length of an
explained answer (--characters a language each), and times the command with -o, start included, best of --runs. The
folders are deleted afterwards. Prints a Markdown table.
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
from typing import Any

from calm_ext.metrics.answered import Answered
from calm_ext.metrics.names import PARTIAL, family_of
from calm_ext.metrics.sets import acc_worst, fleiss_kappa, overlap_right

LANGUAGES = ("en", "zh", "fr", "de", "it", "ja", "es", "pt", "ru", "ar", "sw", "hi", "nl", "pl", "ur", "vi")
SIGNATURE = (
    "task:{task}|langs:{langs}|options:4|style:explain|prompts:prompts-2|score:answers-2|calm-ext:0.1.0|lm_eval:0.4.13"
)
TEXT = "The answer follows from what the question says of the patient, who has had a fever for three days. "


def write_results(
    folder: Path,
    *,
    model: str,
    skill: float,
    questions: int = 100,
    languages: int = 6,
    characters: int = 700,
    seed: int = 0,
    task: str = "calm_medqa_xl",
    samples: bool = True,
    n_shot: int = 0,
    prefix: str = "q",
    stamp: str = "_2026-11-23T20-43-19.930000",
    changes: dict[str, Any] | None = None,
) -> Path:
    """One results file and its samples, as lm-eval writes them, of a model that is right with probability `skill`.

    Args:
        changes: keys of the results to set otherwise.
    """
    rng, codes = random.Random(seed), LANGUAGES[:languages]
    text = (TEXT * (characters // len(TEXT) + 1))[:characters]
    options = [[f"option {i} {x}" for i in range(4)] for x in codes]
    sums: dict[str, list[float]] = {}
    answers, lines = [], []
    for index in range(questions):
        gold, hard = index % 4, random.Random(f"{prefix}{index}").uniform(-0.3, 0.3)
        given = {
            x: None if rng.random() < 0.02 else gold if rng.random() < skill + hard else rng.randrange(4) for x in codes
        }
        asked = Answered(f"{prefix}{index:05d}", gold, given, source_language="en")
        metrics: dict[str, Any] = dict.fromkeys(PARTIAL) | asked.metrics()
        metrics = {m: value for m, value in metrics.items() if family_of(m)[0] != "transfer"}
        answers.append(asked)
        for m, value in metrics.items():
            sums.setdefault(m, []).extend([] if value is None else [value])
        metrics |= asked.set_items()
        doc = {
            "id": f"{prefix}{index:05d}", "answer": gold, "source_language": "en", "languages": list(codes),
            "questions": [f"{text[:300]} {index}?" for _ in codes], "options": options,
        }  # fmt: skip
        responses = [f"{text}\nAnswer: {'?' if a is None else 'ABCD'[a]}" for a in given.values()]
        digest = hashlib.sha256(json.dumps(doc).encode()).hexdigest()
        lines.append({
            "doc_id": index, "doc": doc, "target": str(gold),
            "arguments": {f"gen_args_{i}": {"arg_0": text, "arg_1": {"until": []}} for i in range(languages)},
            "resps": [[r] for r in responses], "filtered_resps": responses, "filter": "none", "metrics": list(metrics),
            "doc_hash": digest, "prompt_hash": digest, "target_hash": digest, **metrics,
        })  # fmt: skip
    values: dict[str, Any] = {"alias": task, "sample_len": questions}
    values |= {f"{m},none": sum(v) / len(v) for m, v in sums.items() if v}
    values |= {f"{m}_stderr,none": "N/A" for m in sums}
    values["kappa,none"] = fleiss_kappa(a.answers for a in answers)
    values["acc_worst,none"] = acc_worst(a.right for a in answers)
    values["overlap_right,none"] = overlap_right(a.right for a in answers)
    signature = SIGNATURE.format(task=task, langs=".".join(codes))
    results = {
        "results": {task: values}, "group_subtasks": {}, "versions": {task: 1.0}, "n-shot": {task: n_shot},
        "configs": {task: {
            "task": task, "output_type": "generate_until", "generation_kwargs": {"until": [], "do_sample": False},
            "metadata": {
                "version": 1.0, "style": "explain", "languages": list(codes), "pivots": ["en"], "signature": signature,
            },
        }},
        "n-samples": {task: {"original": questions, "effective": questions}},
        "config": {"model": "hf", "model_args": {"pretrained": model}, "limit": None, "fewshot_seed": 1234},
        "date": 1795562751.0 + seed, "chat_template": None, "system_instruction": None, "fewshot_as_multiturn": False,
        "model_name": model,
    }  # fmt: skip
    results |= changes or {}
    folder.mkdir(parents=True, exist_ok=True)
    if samples:
        with (folder / f"samples_{task}{stamp}.jsonl").open("w", encoding="utf-8") as handle:
            handle.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    path = folder / f"results{stamp}.json"
    path.write_text(json.dumps(results, indent=2), encoding="utf-8")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folders", type=int, default=200)
    parser.add_argument("--questions", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--languages", type=int, default=6)
    parser.add_argument("--characters", type=int, default=700)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {given.folders} folders, {given.languages} languages\n"
    )
    print("| questions | samples (MB) | best (s) | of each run | ranks | peak memory (MB) |\n|--:|--:|--:|:--|--:|--:|")
    for n in given.questions:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for i in range(given.folders):
                write_results(
                    folder / f"m{i:03d}", model=f"org/model-{i:03d}", skill=0.3 + 0.4 * i / given.folders, questions=n,
                    languages=given.languages, characters=given.characters, seed=i,
                )  # fmt: skip
            size = sum(p.stat().st_size for p in folder.rglob("samples_*")) / 1e6
            command = [sys.executable, "-m", "calm_ext", "leaderboard", name, "-o", f"{name}/site", "--json"]
            times = []
            for _ in range(given.runs):
                start = time.perf_counter()
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                times.append(time.perf_counter() - start)
            models = json.loads(done.stdout)["tables"][0]["models"]
            assert len(models) == given.folders
            ranks = len({m["ranks"]["acc"]["rank"] for m in models})
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
            told = ", ".join(f"{t:.1f}" for t in times)
            print(f"| {n} | {size:,.0f} | {min(times):.1f} | {told} | {ranks} | {peak:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
