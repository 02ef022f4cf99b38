"""Measure two models on the same questions through lm-eval, and test their difference.

python examples/measure_two_models.py                     the built-in model, and one that read a tenth of its corpus
python examples/measure_two_models.py MODEL OTHER --task calm_sample_xl_mc
"""

from __future__ import annotations

import argparse
from typing import Any

import lm_eval

from calm_ext import compare, score
from calm_ext.babel import BabelConfig, build
from calm_ext.harness.evaluate import task_manager


def answers(model: str, task: str, limit: int | None) -> list[dict[str, Any]]:
    """One row a question: what the model answers in each language, and the right answer."""
    found = lm_eval.simple_evaluate(
        model="hf",
        model_args={"pretrained": model},
        tasks=[task],
        task_manager=task_manager([task]),
        limit=limit,
        batch_size=64,
        device="cpu",
        log_samples=True,
        bootstrap_iters=0,
    )
    # lm-eval logs a question a line; the answers of all languages stand under kappa, which is computed from them.
    return [
        {"id": row["doc"]["id"], "answer": row["doc"]["answer"], "predictions": row["kappa"]}
        for row in found["samples"][task]
    ]


def main() -> None:
    """Measure, score, compare."""
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="*", help="two folders or names on the hub")
    parser.add_argument("--task", default="calm_babel_xl_mc")
    parser.add_argument("--limit", type=int, default=60, help="how many questions")
    options = parser.parse_args()
    models = options.models or [str(build(BabelConfig(n_sentences=8000))), str(build())]

    before, after = (answers(model, options.task, options.limit) for model in models)
    scores, changes = score(after), compare(before, after)
    print(scores, end="\n\n")
    for metric in ("acc", "consistency"):
        change, chance = changes[metric], scores.measured.chance[metric]
        low, high = change.ci95
        print(f"{metric:12}{change.before:.3f} → {change.after:.3f} (by chance {chance:.3f}), ", end="")
        print(f"{change.difference:+.3f} [{low:+.3f}, {high:+.3f}], p = {change.p:.4f}")
    print(f"right in every language now, and not before: {len(changes['all_correct'].gained)} questions")


if __name__ == "__main__":
    main()
