"""The vote, and each way to normalise scores, on facts and questions that calm-ext was not built on.

    python benchmarks/other_ground.py DATA MODEL OUT [--sets klar,bmlama17,xcopa] [--questions 128]

DATA holds the folders ``klar`` (https://github.com/cisnlp/KLAR-CLC), ``bmlama17`` (https://github.com/Betswish/
Cross-Lingual-Consistency) and ``xcopa`` (https://github.com/cambridgeltl/xcopa). Options are scored by MODEL in style
``cloze``, with their priors, and written to OUT/<set>.jsonl, where a second run finds them. No source language is
marked, and no rule sees the right answers, which the tables are measured by.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

from calm_ext.data import load_questions
from calm_ext.harness.sampler import sample
from calm_ext.jsonl import read_numbered
from calm_ext.models.backends import BACKENDS
from calm_ext.models.options import ModelOptions
from calm_ext.records import Generation, ParallelQuestion
from calm_ext.voting.elect import elect
from calm_ext.voting.options import VotingOptions
from calm_ext.voting.quality import vote_summary
from calm_ext.voting.rules import RULES
from calm_ext.voting.table import VoteTable

LANGUAGES = {
    "klar": ["en", "fr", "es", "zh", "ja", "ru", "ar"],
    "bmlama17": ["en", "fr", "es", "zh", "ja", "ru", "ar", "nl", "vi"],
    "xcopa": ["et", "ht", "id", "it", "qu", "sw", "ta", "th", "tr", "vi", "zh"],
}


def questions(name: str, data: Path, n: int) -> list[ParallelQuestion]:
    """``n`` questions of a benchmark, drawn with seed 0."""
    found = load_questions(name, languages=LANGUAGES[name], data_dir=str(data / name))
    random.Random(0).shuffle(found)
    return [q.model_copy(update={"source_language": None}) for q in found[:n]]


def tables(path: Path) -> None:
    """Print how right every language, way and rule is."""
    for how in ("auto", "byte", "token", "sum", "pmi"):
        table = VoteTable.read(read_numbered(path, Generation), style="cloze", normalize=how)
        assert table.normalized is not None
        print(f"\n{path.stem}, {len(table)} questions, by {how}: {table.normalized.note or ''}")
        for name, rule in RULES.items():
            if rule.needs_gold or (how != "auto" and name != VotingOptions().rule):
                continue
            election = elect(table, VotingOptions(rule=name))
            s = vote_summary(election.ballots, table.gold, election.estimate)
            languages = {x: row["accuracy"] for x, row in s["languages"].items()}
            if name == next(iter(RULES)) or how != "auto":
                print("languages: " + ", ".join(f"{x} {a:.3f}" for x, a in languages.items()))
            low, high = s["estimated_accuracy_range"]
            print(
                f"| {name} | {s['accuracy']:.3f} | {max(languages.values()):.3f} | "
                f"{s['precision_at_coverage']['0.6']:.3f} | {s['estimated_accuracy']:.3f} [{low:.3f}, {high:.3f}] | "
                f"{s['ece']:.3f} | {s['calibration_doubt'] or ''} |"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("model")
    parser.add_argument("out", type=Path)
    parser.add_argument("--sets", default="klar,bmlama17,xcopa")
    parser.add_argument("--questions", type=int, default=128)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with BACKENDS["hf"].load(ModelOptions(path=given.model), arguments={}, batch_size=16, chat=False) as backend:
        for name in given.sets.split(","):
            path = given.out / f"{name}.jsonl"
            sample(
                backend, questions(name, given.data, given.questions), path, mode="options", style="cloze", priors=True
            )
    for name in given.sets.split(","):
        tables(given.out / f"{name}.jsonl")


if __name__ == "__main__":
    main()
