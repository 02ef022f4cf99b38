"""How a run went, as the page shows it: the training's log, and what each stage cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calm_ext.prompts import letter_of
from calm_ext.report.plots.method import training_rows
from calm_ext.report.rundata import RunData
from calm_ext.report.watch import kept_words, watch_summary
from calm_ext.report.words import NONE, duration, is_number, training_words

N_ROWS = 20
_OPTIONS = ("learning_rate", "beta", "label_smoothing", "noise", "anchors", "epochs", "batch_size", "lora_r")
#: Values that go without saying.
_PLAIN = {"label_smoothing": 0, "noise": "none", "anchors": "pair"}


def training_context(data: RunData) -> dict[str, Any] | None:
    """What the page's section on the training shows; None where it has not begun."""
    if not data.log and not data.training:
        return None
    options = data.recipe.get("training")
    options = options if isinstance(options, dict) else {}
    checks = training_rows(data.log, "check") or list(data.training.get("checks") or [])
    rows = training_rows(data.log, "train")
    step = max(1, -(-len(rows) // N_ROWS))
    took = {stage: entry.get("seconds") for stage, entry in data.stages.items()}
    loss = f"{str(options.get('method', 'dpo')).upper()}"
    if options.get("loss") not in (None, "sigmoid"):
        loss += f" ({options['loss']})"
    if is_number(options.get("nll_weight")) and options["nll_weight"] > 0:
        loss += f" + {options['nll_weight']:g} × NLL of the chosen response"
    return {
        "words": training_words(data.training, took)
        if data.training
        else "Training did not end; the log goes this far.",
        "warnings": list(dict.fromkeys(str(r["message"]) for r in data.log if r.get("message"))),
        "chosen": data.training.get("chosen_step"),
        "checks": checks,
        "watch": _watch_context(data),
        "rows": rows[::-1][::step][::-1],
        "thinned": step > 1,
        "loss": loss,
        "options": {k: options[k] for k in _OPTIONS if k in options and options[k] != _PLAIN.get(k)},
    }


def _watch_context(data: RunData) -> dict[str, Any] | None:
    watch = watch_summary(data)
    if watch is None:
        return None
    lost = [
        {**q, "changes": ", ".join(f"{x} {letter_of(a)} → {letter_of(b)}" for x, (a, b) in q["turned"].items())}
        for q in watch["lost"]
    ]
    return {**watch, "lost": lost, "words": kept_words(watch)}


def cost_context(data: RunData, summary: Mapping[str, Any]) -> list[dict[str, str]]:
    """The table of stages."""
    rows = []
    for stage in data.stages:
        entry = data.stages[stage]
        memory = entry.get("peak_memory_mib")
        # Training runs in a process of its own; its summary has that process's memory.
        if stage == "train" and is_number(data.training.get("peak_memory_mib")):
            memory = data.training["peak_memory_mib"]
        shown = f"{memory:,.0f} MiB" if is_number(memory) else NONE
        if stage == "train" and is_number(data.training.get("peak_gpu_memory_mib")):
            shown += f" + {data.training['peak_gpu_memory_mib']:,.0f} MiB on the GPU"
        rate = summary.get("throughput", {}).get(stage)
        rows.append(
            {
                "stage": stage,
                "time": duration(entry.get("seconds")),
                "amount": f"{rate['amount']:,.0f}" if rate else NONE,
                "rate": f"{rate['per_second']:,.0f}" if rate else NONE,
                "unit": rate["unit"] if rate else "",
                "memory": shown,
                "finished": str(entry.get("finished") or NONE).replace("T", " ")[:19],
            }
        )
    return rows
