"""How good each vote rule is on real generations, and how well it knows.

    python benchmarks/vote_rules.py GENERATIONS.jsonl... [--style explain] [--languages en,fr] [--samples 2]

GENERATIONS must carry gold answers, which no rule sees. Printed: accuracy over all questions (ties are not decided, and
not right), how many of the surest 60 % are right, the accuracy the rule estimates, and its expected calibration error.
Then the same where every half of the questions has to do for itself (20 random halvings, mean and standard deviation),
and where each language gives one sample less, so that nobody takes a lucky draw for a better rule. Of several files,
the mean and standard deviation over the files are printed.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterable
from pathlib import Path
from statistics import mean, stdev

from calm_ext.jsonl import read_numbered
from calm_ext.records import Generation
from calm_ext.voting.elect import elect
from calm_ext.voting.options import VotingOptions
from calm_ext.voting.quality import vote_summary
from calm_ext.voting.rules import RULES
from calm_ext.voting.table import VoteTable

COLUMNS = ("accuracy", "right of surest 60 %", "estimated accuracy", "calibration error")


def table_of(table: VoteTable, rows: Iterable[int], drop: random.Random | None = None) -> VoteTable:
    """Some of the questions; with ``drop``, one sample of each language less."""
    part = VoteTable()
    part._first = table._first
    for row, i in enumerate(rows):
        part.questions.append(table.questions[i])
        part.scores[row] = table.scores[i]
        part.equal[row] = table.equal[i]
        votes = table.votes[i]
        if drop:
            votes = {x: tuple(drop.sample(answers, len(answers) - 1)) for x, answers in votes.items()}
        part.votes.append(votes)
    return part


def figures(table: VoteTable, rule: str) -> tuple[float, ...]:
    summary = vote_summary(elect(table, VotingOptions(rule=rule)).ballots, table.gold)
    return summary["accuracy"], summary["precision_at_coverage"]["0.6"], summary["estimated_accuracy"], summary["ece"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("generations", type=Path, nargs="+")
    parser.add_argument("--languages", help="only these, joined by commas")
    parser.add_argument("--samples", type=int, help="only the first so many of each language")
    parser.add_argument("--style", choices=("explain", "direct", "cloze"), default="explain")
    options = parser.parse_args()
    tables = [_read(path, options) for path in options.generations]
    table = tables[0]
    if any(q.gold is None for t in tables for q in t.questions) or len(table) < 2:
        raise SystemExit("the generations need gold answers, and two questions at least")
    if len(tables) > 1:
        _print("mean over the files", [(t,) for t in tables], _rules(scored=False))
        return
    rules = _rules(scored=table.scored)
    for language in table.languages:
        answers = [(v.get(language, ()), q.gold) for v, q in zip(table.votes, table.questions, strict=True)]
        right = mean(sum(a == g for a in own) / max(len(own), 1) for own, g in answers)
        print(f"{language}: a sample is right {right:.3f}")
    n = len(table)
    print(f"\n{n} questions\n| rule | {' | '.join(COLUMNS)} |\n|---|" + "---|" * len(COLUMNS))
    for rule in rules:
        print(f"| {rule} | " + " | ".join(f"{x:.3f}" for x in figures(table, rule)) + " |")
    halves = []
    for seed in range(20):
        order = random.Random(seed).sample(range(n), n)
        halves += [(table_of(table, order[: n // 2]),), (table_of(table, order[n // 2 :]),)]
    _print("halves", halves, rules)
    if not table.scored and table.counts().n.max() > 1:
        _print("one sample less", [(table_of(table, range(n), random.Random(s)),) for s in range(20)], rules)


def _rules(*, scored: bool) -> list[str]:
    """The rules that do without gold, and without option scores where there are none."""
    return [name for name, rule in RULES.items() if not rule.needs_gold and rule.needs_scores <= scored]


def _read(path: Path, options: argparse.Namespace) -> VoteTable:
    wanted = options.languages.split(",") if options.languages else None
    found = (
        (where, g.model_copy(update={"responses": g.responses[: options.samples]}))
        for where, g in read_numbered(path, Generation)
        if wanted is None or g.language in wanted
    )
    return VoteTable.read(found, style=options.style)


def _print(name: str, parts: list[tuple[VoteTable]], rules: list[str]) -> None:
    print(f"\n{name}\n| rule | {' | '.join(COLUMNS)} |\n|---|" + "---|" * len(COLUMNS))
    for rule in rules:
        rows = [figures(part, rule) for (part,) in parts]
        cells = (f"{mean(c):.3f} ± {stdev(c):.3f}" for c in zip(*rows, strict=True))
        print(f"| {rule} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
