"""From responses that lm-eval sampled to preference pairs for TRL, by a vote rule of one's own.

python examples/pairs_by_own_rule.py
python examples/pairs_by_own_rule.py --model MODEL --task calm_sample_xl

The rule is entered by its decorator, as a package of one's own would do (CONTRIBUTING.md). Recipes and the command line
then know it by its name, too.
"""

from __future__ import annotations

import argparse
from typing import Any

import lm_eval

from calm_ext import build_pairs, vote
from calm_ext.babel import build
from calm_ext.harness.evaluate import task_manager
from calm_ext.voting.evidence import weighted
from calm_ext.voting.rules import Case, Verdict, rule


@rule("unanimous", "a language counts twice where all its samples agree")
def unanimous(case: Case) -> Verdict:
    """The option with the largest share of the samples, unanimous languages doubled."""
    evidence = weighted(case.votes, case.weights)
    agree = case.votes.counts.max(2, keepdims=True) == case.votes.counts.sum(2, keepdims=True)
    return Verdict(evidence._replace(values=evidence.values * (1 + agree)))


def sampled(model: str, task: str, n: int, limit: int) -> list[dict[str, Any]]:
    """One row a question and language, with n responses that lm-eval sampled."""
    manager = task_manager([task])
    loaded = manager.load([task])["tasks"][task]
    loaded.set_config("repeats", n)
    found = lm_eval.simple_evaluate(
        model="hf",
        model_args={"pretrained": model},
        tasks=[loaded],
        task_manager=manager,
        gen_kwargs={"do_sample": True, "temperature": 1.0},
        limit=limit,
        batch_size=256,
        device="cpu",
        log_samples=True,
        bootstrap_iters=0,
    )
    rows = []
    for line in found["samples"][task]:
        doc = line["doc"]
        for i, language in enumerate(doc["languages"]):
            rows.append(
                {
                    "id": doc["id"], "language": language, "source_language": doc["source_language"],
                    "question": doc["questions"][i], "options": doc["options"][i], "responses": line["resps"][i],
                    "prompt": line["arguments"][i][0], "answer": doc["answer"],
                }
            )  # fmt: skip
    return rows


def main() -> None:
    """Sample, vote by two rules, build pairs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", help="a folder or a name on the hub; default: the built-in model")
    parser.add_argument("--task", default="calm_babel_xl")
    parser.add_argument("--style", default="direct", help="how the task asks: explain for calm_sample_xl")
    parser.add_argument("--limit", type=int, default=40, help="how many questions")
    options = parser.parse_args()
    rows = sampled(options.model or str(build()), options.task, n=4, limit=options.limit)

    votes = {name: vote(rows, style=options.style, rule=name) for name in ("majority", "unanimous")}
    for name, found in votes.items():
        print(f"{name:10} decided {found.summary['n_decided']} of {found.summary['n_questions']}, ", end="")
        print(f"right on {found.summary['accuracy']:.0%} of all")
    changed = [b.id for b, other in zip(*votes.values(), strict=True) if b.winner != other.winner]
    print(f"the two rules elect different answers on {len(changed)} questions")

    pairs = build_pairs(votes["unanimous"])
    dataset = pairs.to_trl()
    print(f"\n{len(dataset)} pairs for TRL's DPOTrainer; the first:")
    print("\n".join(f"{key:9}{dataset[0][key]!r}" for key in ("prompt", "chosen", "rejected")))


if __name__ == "__main__":
    main()
