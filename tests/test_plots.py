"""The plots of a report: what stands on them for a reader who has not seen one before."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.text import Text

from calm_ext.report.collect import read_run, summarize
from calm_ext.report.plots.draw import accuracy_plot, consistency_plot, flow_plot, matrices
from calm_ext.report.plots.method import calibration_plot, margins_plot, pairs_plot, training_plot
from tests.test_report import make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "toy", languages=["en", "ar", "ja"], n=40, n_test=60)


def test_plots_say_in_words_what_they_show(run: Path) -> None:
    """Axes with units, legends, names of languages and not their codes alone."""
    data = read_run(run)
    summary = summarize(data, resamples=200)
    task = summary["toy_xl"]
    figures = {
        "accuracy": accuracy_plot(task), "consistency": consistency_plot(task, matrices(data, "toy_xl")),
        "flow": flow_plot(task["flow"]), "margins": margins_plot(data), "calibration": calibration_plot(summary["vote"]),
        "pairs": pairs_plot(data.pairs or [], summary["pairs"]), "training": training_plot(data),
    }  # fmt: skip
    for name, figure in figures.items():
        assert figure is not None
        texts = [t.get_text() for t in figure.findobj(Text) if t.get_visible()]
        assert not {*task["languages"], "native", "answer_only", "ECE"} & set(texts), name
        assert figure.get_suptitle()[0].isupper() or figure.get_suptitle()[0].isdigit()
        assert figure.legends or any(a.get_legend() for a in figure.axes) or name in ("consistency", "flow"), name
        for axes in figure.axes if name not in ("consistency", "flow") else ():
            ticks = [t.get_text() for t in axes.get_yticklabels()]
            named = axes.get_ylabel() or any(" (" in t for t in ticks) or not any(ticks)
            assert not axes.get_visible() or named, (name, axes.get_title())
    training = figures["training"]
    assert training is not None
    assert {a.get_ylabel() for a in training.axes if a.get_visible()} >= {"nats", "share of answers", "share of pairs"}
    shares = [a for a in training.axes if a.get_ylabel().startswith("share")]
    assert shares and all(a.get_ylim()[1] <= 1.011 for a in shares), "no share is above 1"
    flow = figures["flow"]
    assert flow is not None and flow.get_suptitle().endswith("changed between these states")
    assert any(t.get_text().endswith(" questions") for t in flow.axes[0].texts)
