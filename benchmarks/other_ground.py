"""The vote, and each way to normalise scores, on facts and questions that calm-ext was not built on.

    python benchmarks/other_ground.py DATA MODEL OUT [--sets klar,bmlama,xcopa] [--questions 128]

DATA holds the folders ``klar`` (https://github.com/cisnlp/KLAR-CLC), ``bmlama17`` (https://github.com/Betswish/
Cross-Lingual-Consistency) and ``xcopa`` (https://github.com/cambridgeltl/xcopa). Options are scored by MODEL in style
``cloze``, with their priors, and written to OUT/<set>.jsonl, where a second run finds them. The order of the options is
shuffled: KLAR and BMLAMA have the right one last. No rule sees the right answers, which the tables are measured by.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

from calm_ext.harness.sampler import sample
from calm_ext.jsonl import read_numbered
from calm_ext.models.backends import BACKENDS
from calm_ext.models.options import ModelOptions
from calm_ext.records import Generation, ParallelQuestion, Version
from calm_ext.voting.elect import elect
from calm_ext.voting.options import VotingOptions
from calm_ext.voting.quality import vote_summary
from calm_ext.voting.rules import RULES
from calm_ext.voting.table import VoteTable

KLAR = ("en", "fr", "es", "zh", "ja", "ru", "ar")
BMLAMA = ("en", "fr", "es", "zh", "ja", "ru", "ar", "nl", "vi")
#: "because" and "so", by which a premise of XCOPA is continued.
XCOPA = {
    "et": ("sest", "seetõttu"), "ht": ("paske", "donk"), "id": ("karena", "maka"), "it": ("perché", "quindi"),
    "qu": ("imataq", "chaymi"), "sw": ("kwa sababu", "kwa hiyo"), "ta": ("காரணமாக", "எனவே"),
    "th": ("เพราะ", "ดังนั้น"), "tr": ("çünkü", "bu yüzden"), "vi": ("bởi vì", "vì vậy"), "zh": ("因为", "所以"),
}  # fmt: skip

Row = dict[str, tuple[str, list[str]]]


def klar(data: Path) -> Iterator[tuple[str, int, Row]]:
    """The second template of each relation, without its cue."""
    rows: dict[str, Row] = {}
    for code in KLAR:
        for path in sorted((data / "klar" / code).glob("*.json")):
            facts = json.loads(path.read_text("utf-8"))
            asked = re.split(r"(?<=[?？؟])", facts["prompt_templates"][1].replace("<mask>", ""))[0].strip()
            for fact in facts["samples"]:
                options = [x.strip() for x in re.split("[,،、，]", fact["object_candidates"])]
                row = rows.setdefault(f"{path.stem}-{fact['index']}", {})
                row[code] = (asked.replace("<subject>", fact["subject"]), options)
    for identity, row in rows.items():
        if len(row) == len(KLAR):
            yield identity, -1, row


def bmlama(data: Path) -> Iterator[tuple[str, int, Row]]:
    tables = {x: (data / "bmlama17" / f"{x}.tsv").read_text("utf-8").splitlines()[1:] for x in BMLAMA}
    for i in range(len(tables["en"])):
        cells = {x: tables[x][i].split("\t") for x in BMLAMA}
        yield str(i), -1, {x: (c[0].replace("<mask>", "____"), c[2].split(", ")) for x, c in cells.items()}


def xcopa(data: Path) -> Iterator[tuple[str, int, Row]]:
    tables = {x: (data / f"xcopa/data/{x}/test.{x}.jsonl").read_text("utf-8").splitlines() for x in XCOPA}
    for i in range(len(tables["it"])):
        rows = {x: json.loads(tables[x][i]) for x in XCOPA}
        asked = {x: f"{r['premise'].strip()[:-1]} {XCOPA[x][r['question'] == 'effect']}" for x, r in rows.items()}
        yield str(i), rows["it"]["label"], {x: (asked[x], [r["choice1"], r["choice2"]]) for x, r in rows.items()}


def questions(rows: Iterator[tuple[str, int, Row]], n: int) -> list[ParallelQuestion]:
    """``n`` of the rows, their options shuffled, the same way in all languages."""
    found = [row for row in rows if len({len(options) for _, options in row[2].values()}) == 1]
    random.Random(0).shuffle(found)
    result = []
    for identity, gold, row in found[:n]:
        size = len(next(iter(row.values()))[1])
        order = random.Random(identity).sample(range(size), size)
        versions = {x: Version(question=q, options=[options[i] for i in order]) for x, (q, options) in row.items()}
        result.append(ParallelQuestion(id=identity, answer=order.index(gold % size), versions=versions))
    return result


def tables(path: Path) -> None:
    """Print how right every language, way and rule is."""
    for how in ("auto", "byte", "token", "sum", "pmi"):
        table = VoteTable.read(read_numbered(path, Generation), style="cloze", normalize=how)  # type: ignore[arg-type]
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
    parser.add_argument("--sets", default="klar,bmlama,xcopa")
    parser.add_argument("--questions", type=int, default=128)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with BACKENDS["hf"].load(ModelOptions(path=given.model), arguments={}, batch_size=16, chat=False) as backend:
        for name in given.sets.split(","):
            path = given.out / f"{name}.jsonl"
            asked = questions({"klar": klar, "bmlama": bmlama, "xcopa": xcopa}[name](given.data), given.questions)
            sample(backend, asked, path, mode="options", style="cloze", priors=True)
    for name in given.sets.split(","):
        tables(given.out / f"{name}.jsonl")


if __name__ == "__main__":
    main()
