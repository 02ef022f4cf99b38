"""What a check found: the metrics of its task, the weakest and strongest pair, what is lost, warnings, examples."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import combinations
from typing import Any, NamedTuple

from calm_ext.checkup.examples import Example, lost_counts, pick
from calm_ext.checkup.run import Asked
from calm_ext.checkup.words import clean, name_of, share
from calm_ext.metrics.answered import parts_of
from calm_ext.metrics.measure import Measured, measure
from calm_ext.metrics.table_intervals import method_words
from calm_ext.models.paths import local_folder
from calm_ext.report.words import counted
from calm_ext.results.aggregates import read_aggregates
from calm_ext.results.answers import read_answers
from calm_ext.results.folders import find_samples
from calm_ext.results.samples import read_samples

#: The three numbers of the screen: metric -> what stands behind its value.
NUMBERS = {
    "consistency": "of questions get the same answer in two languages (mean of pairs)",
    "acc": "of answers are right",
    "all_correct": "of questions are right in every language",
}


class Pair(NamedTuple):
    """Two languages, and the share of questions on which they give the same answer."""

    languages: tuple[str, str]
    consistency: float

    @property
    def name(self) -> str:
        """Both names."""
        return "–".join(map(name_of, self.languages))


class Next(NamedTuple):
    """What to do next: the purpose, and the command."""

    purpose: str
    command: str


@dataclass(frozen=True, kw_only=True)
class Checkup:
    """What a check found.

    Attributes:
        asked: what was asked, and how.
        measured: the metrics, with intervals and chance values.
        pairs: every pair of languages, weakest first.
        pivot: the language that the others are held against; None where there is none, or questions differ in it.
        pivot_right: number of questions that are right in their pivot.
        lost: language -> how many of these are wrong in it, most first.
        examples: questions that show it.
    """

    asked: Asked
    measured: Measured
    pairs: tuple[Pair, ...]
    pivot: str | None
    pivot_right: int
    lost: Mapping[str, int]
    examples: tuple[Example, ...]

    @property
    def label(self) -> str:
        """What the model is called on the screen: a folder by its own name."""
        folder = local_folder(self.asked.model)
        return clean(self.asked.model if folder is None else folder.resolve().name, 60)

    @property
    def weakest(self) -> Pair:
        """The pair that agrees least."""
        return self.pairs[0]

    @property
    def strongest(self) -> Pair:
        """The pair that agrees most."""
        return self.pairs[-1]

    @property
    def worst(self) -> tuple[str, int] | None:
        """The language that loses most of what is right in the pivot, and how many questions; None without a pivot."""
        return next(iter(self.lost.items()), None)

    @property
    def by_accuracy(self) -> list[str]:
        """The languages, most accurate first."""
        return sorted(self.measured.languages, key=lambda x: -self.measured.metrics[f"acc_{x}"])

    def near_chance(self, metric: str) -> bool:
        """Whether a metric is not clearly above its chance value: its 95 % interval does not lie above that."""
        chance, (low, _) = self.measured.chance.get(metric), self.measured.ci95[metric]
        return chance is not None and (math.isnan(low) or low <= chance)

    @property
    def pivot_name(self) -> str:
        """The pivot in words."""
        return name_of(self.pivot) if self.pivot else "the language it was written in"

    @property
    def headline(self) -> str:
        """What was found, in a sentence."""
        m = self.measured.metrics
        if len(self.pairs) > 1:
            parts = [
                f"{self.label} gives the same answer in two languages to {share(m['consistency'])} of the questions "
                f"(mean of {len(self.pairs)} pairs)",
                f"weakest: {self.weakest.name} ({share(self.weakest.consistency)})",
            ]
        else:
            both = " and ".join(map(name_of, self.weakest.languages))
            parts = [f"{self.label} gives the same answer in {both} to {share(m['consistency'])} of the questions"]
        if self.worst is not None:
            language, n = self.worst
            parts.append(f"{counted(n, 'question')} right in {self.pivot_name} and wrong in {name_of(language)}")
        return "; ".join(parts) + "."

    @property
    def made(self) -> str:
        """The version of calm-ext and the day of the results, as far as they are known."""
        version = parts_of(self.measured.signature).get("calm-ext", "")
        results = self.asked.folder / "results.json"
        date = read_aggregates(results).date if results.is_file() else 0.0
        day = datetime.fromtimestamp(date, timezone.utc).date().isoformat() if date else ""
        return " · ".join(x for x in (f"calm-ext {version}" if version else "calm-ext", day) if x)

    @property
    def setting(self) -> str:
        """What was asked, in a sentence."""
        a = self.asked
        few = f"{a.questions} of {a.available} questions" if a.questions < a.available else f"{a.questions} questions"
        languages = len(self.measured.languages)
        return clean(f"{few} in {languages} languages ({a.task}); {a.why}.")

    @property
    def shortened(self) -> str:
        """Why not all questions were asked, and how to ask them; empty where all were."""
        a = self.asked
        if a.questions >= a.available or a.minutes is None:
            return ""
        return (
            f"The first {a.questions} of {a.available} questions: all would take about {math.ceil(a.minutes)} minutes "
            f"on this machine; --questions {a.available} asks them."
        )

    @property
    def part(self) -> str:
        """How many of the questions were asked, for everybody; empty where all were."""
        a = self.asked
        return "" if a.questions >= a.available else f"Only {a.questions} of {a.available} questions were asked."

    @property
    def cautions(self) -> list[str]:
        """What a reader of the numbers must know, most important first; the kinds of intervals are in ``--json``."""
        return self._cautions(self.shortened)

    @property
    def shared_cautions(self) -> list[str]:
        """The same on a card to share, which says nothing of this machine."""
        return self._cautions(self.part)

    def _cautions(self, shortened: str) -> list[str]:
        found = [shortened] if shortened else []
        chance = self.measured.chance
        if self.near_chance("acc"):
            more = "more questions, " if self.asked.questions < self.asked.available else ""
            found.insert(
                0,
                f"Its accuracy is not clearly above chance ({share(chance['acc'])}), so its agreement says little "
                f"about what it knows: try {more}a larger model, or another form of asking (--tasks).",
            )
        else:
            near = [name_of(x) for x in self.measured.languages if self.near_chance(f"acc_{x}")]
            if near:
                found.append(
                    f"Accuracy is not clearly above chance ({share(chance['acc'])}) in {', '.join(near)}: there "
                    f"agreement says little."
                )
        return [*found, *(w for w in self.measured.warnings if w not in self._kinds)]

    @property
    def _kinds(self) -> list[str]:
        return method_words(self.measured.ci95_method)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able: the headline numbers at the top, then all metrics by name."""
        m = self.measured
        return {
            "model": self.asked.model,
            "consistency": m.metrics["consistency"],
            "acc": m.metrics["acc"],
            "languages": m.languages,
            "weakest_pair": _pair(self.weakest),
            "examples": [e.as_dict() for e in self.examples],
            "headline": self.headline,
            "strongest_pair": _pair(self.strongest),
            "pivot": self.pivot,
            "pivot_right": self.pivot_right,
            "lost": dict(self.lost),
            "acc_by_language": {x: m.metrics[f"acc_{x}"] for x in m.languages},
            "near_chance": [x for x in m.languages if self.near_chance(f"acc_{x}")],
            "warnings": [*self.cautions, *self._kinds],
            "task": self.asked.task,
            "chat_template": self.asked.chat_template,
            "asked": self.asked.why,
            "n_questions": m.n_questions,
            "n_available": self.asked.available,
            "metrics": m.metrics,
            "stderr": m.stderr,
            "ci95": m.ci95,
            "chance": m.chance,
            "by_pair": m.by_pair,
            "signature": m.signature,
            "output": str(self.asked.folder.parent),
            "reused": self.asked.again,
        }

    @property
    def next_steps(self) -> list[Next]:
        """Three commands to go on with; of Babel's model, which needs no benchmark, two."""
        return self._steps(self.asked.model, str(self.asked.folder))

    @property
    def shared_steps(self) -> list[Next]:
        """The same on a card to share: a model's folder goes by its own name, and no path of this machine is told."""
        model = self.asked.model if local_folder(self.asked.model) is None else self.label
        return self._steps(model, f"runs/check-{self.label.rpartition('/')[2]}/{self.asked.task}")

    def _steps(self, named: str, at: str) -> list[Next]:
        a, folder, model = self.asked, shlex.quote(clean(at)), shlex.quote(clean(named))
        if a.model == "babel":
            return [
                Next("check a real model", "calm-ext check Qwen/Qwen3-0.6B"),
                Next("align this one", "calm-ext align demo"),
            ]
        number = f" --questions {a.questions}" if a.questions < a.available else ""
        chat = " --chat-template" if a.chat_template else ""
        form = {"cloze": "_mc", "letters": "_letters"}.get(a.style, "")
        recipe = "llama" if a.chat_template else "xcsqa-gemma-270m"
        return [
            Next(
                "compare with another model",
                f"calm-ext check OTHER --tasks {a.task}{number} -o runs/other && calm-ext compare {folder} runs/other",
            ),
            Next(
                "measure on real benchmarks",
                f"calm-ext eval --model {model} --tasks calm_belebele_xl{form},calm_mmmlu_xl{form}{chat} "
                f"-o runs/benchmarks",
            ),
            Next(
                "make it more consistent",
                f"calm-ext align {recipe} --set model.path={model} --run runs/aligned --dry-run",
            ),
        ]


def _pair(pair: Pair) -> dict[str, Any]:
    return {"languages": list(pair.languages), "consistency": pair.consistency}


def read_checkup(asked: Asked) -> Checkup:
    """What the results of a check say.

    Raises:
        DataError: they are not there or cannot be read.
    """
    answers = read_answers([asked.folder], task=asked.task)
    samples = list(read_samples(find_samples(asked.folder, asked.task).path))
    measured = measure(answers)
    questions = list(answers.questions.values())
    pairs = [Pair((a, b), measured.by_pair[f"{a}-{b}"]["consistency"]) for a, b in combinations(measured.languages, 2)]
    pivots = list(measured.pivots)
    return Checkup(
        asked=asked,
        measured=measured,
        pairs=tuple(sorted(pairs, key=lambda p: p.consistency)),
        pivot=pivots[0] if len(pivots) == 1 else None,
        pivot_right=sum(bool(q.pivot and q.right[q.pivot]) for q in questions),
        lost=lost_counts(questions),
        examples=tuple(pick(samples, answers.questions)),
    )
