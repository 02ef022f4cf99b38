"""The worked example of docs/concepts.md: its samples through vote, pairs and metrics give the numbers written there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from calm_ext import build_pairs, score, vote
from calm_ext.metrics.names import chance

PAGE = Path(__file__).resolve().parents[1] / "docs/concepts.md"
QUESTION = {
    "en": ("Which organ pumps blood?", ["the heart", "the liver", "the kidney"], "Answer: ", "AAAB"),
    "fr": ("Quel organe pompe le sang ?", ["le cœur", "le foie", "le rein"], "Réponse : ", "ABAA"),
    "sw": ("Kiungo gani husukuma damu?", ["moyo", "ini", "figo"], "Jibu: ", "BBCB"),
}


def samples() -> list[dict[str, Any]]:
    return [
        {"id": "q1", "language": x, "question": question, "options": options, "answer": 0,
         "responses": [cue + letter for letter in said]}
        for x, (question, options, cue, said) in QUESTION.items()
    ]  # fmt: skip


def test_the_page_has_this_question() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for question, options, _, said in QUESTION.values():
        assert f"| {question} | {' | '.join(options)} |" in text
        assert f"| {' '.join(said)} |" in text


def test_vote_and_pairs() -> None:
    ballots = vote(samples(), rule="majority")
    (ballot,) = ballots
    assert (ballot.winner, ballot.margin) == (0, pytest.approx(1 / 12))
    text = PAGE.read_text(encoding="utf-8")
    pairs = list(build_pairs(ballots))
    names = {"en": "English", "fr": "French", "sw": "Swahili"}
    assert len(pairs) == 4
    for pair in pairs:
        assert f"| {names[pair.language]} | {pair.chosen.strip()} | {pair.rejected.strip()} |" in text
    assert [p.origin for p in pairs] == ["native", "native", "answer_only", "answer_only"]


def test_measures() -> None:
    found = score([{"id": "q1", "answer": 0, "predictions": {"en": 0, "fr": 0, "sw": 1}}])
    wanted = {"acc": 2 / 3, "consistency": 1 / 3, "consistency_right": 1 / 3, "all_correct": 0.0, "acc_worst": 0.0,
              "overlap_right": 1 / 3, "kappa": -0.5}  # fmt: skip
    assert {m: found[m] for m in wanted} == pytest.approx(wanted)


def test_the_page_says_what_the_code_finds() -> None:
    """Every row of the table of metrics, the interval, and the default rule's margin."""
    page = PAGE.read_text(encoding="utf-8")
    first = [{**row, "responses": [row["responses"][0]]} for row in samples()]  # what each language says most often
    found = score(first)
    rows = re.findall(r"\| `(\w+)` \|[^|]+\| ([−.\d]+) \| ([−.\d]+) \|", page)
    assert len(rows) == 11
    for metric, value, by_chance in rows:
        assert float(value.replace("−", "-")) == pytest.approx(found[metric], abs=5e-4), metric
        assert float(by_chance) == pytest.approx(chance(metric, n_options=3, n_languages=3), abs=5e-4), metric
    low, high = found.measured.ci95["acc"]
    assert f"from {low:.3f} to {high:.3f}" in page
    (ballot,) = vote(samples())
    assert ballot.winner == 0 and f"larger margin, {ballot.margin:.3f}" in page


def test_losses_of_the_page() -> None:
    import torch

    from calm_ext.training.losses import Ratios, sigmoid

    page = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"\| ([−\d]+) \| ([−\d]+) \| ([.\d]+) \| ([.\d]+) \|", page)
    assert len(rows) == 3
    for cells in rows:
        a, b, product, loss = (float(x.replace("−", "-")) for x in cells)
        one = torch.ones(1)
        ratios = Ratios(a * one, b * one, one, one, 0 * one, beta=0.1)
        assert (ratios.margin.item(), sigmoid(ratios).item()) == pytest.approx((product, loss), abs=5e-4)
