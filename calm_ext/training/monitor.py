"""Watch training on questions that were held out of the pairs, without gold labels.

At each check the held-out questions are asked in every language, as they were when the model was sampled. Tracked are

- ``agreement``: share of (question, language) whose answer is what the *untrained* model's vote of the *other*
  languages elected. A vote that had counted the language's own answer would favour the untrained model, whose answer
  it was;
- ``consistency``: mean pairwise agreement of the languages (:mod:`calm_ext.metrics.question`);
- ``answered``: share of answers that could be read;
- ``kept``: of the untrained model's answers that agreed with that vote, the share still given; and ``lost``, the
  questions on which all languages agreed before and do not now (:mod:`calm_ext.training.kept`);
- ``chosen_nll``: mean NLL per token of the held-out pairs' chosen responses.

Consistency alone is no guide: a model that collapses onto one answer is consistent. The vote of the untrained model is
a guide: where agreement with it falls, training is unlearning, and the monitor warns in words. It warns as well where
too few answers are kept, though others may have been won meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from calm_ext.jsonl import read_jsonl
from calm_ext.metrics.question import question_metrics
from calm_ext.metrics.stats import sign_flip_p
from calm_ext.models.scoring import score_continuations
from calm_ext.records import Pair, ParallelQuestion, Passages
from calm_ext.training.asking import Examiner
from calm_ext.training.encoding import encode_pairs
from calm_ext.training.job import TrainingJob
from calm_ext.training.kept import Answered, Kept, kept_answers, kept_warning

#: The chance of more than one standard error above 0, of a normal distribution.
_ONE_ERROR = 0.1587


class Check(NamedTuple):
    """What one check found.

    Attributes:
        scores: of each held-out question, its agreement with the vote plus a quarter of its consistency.
        n: number of held-out (question, language) answers that have a vote to agree with.
        kept, kept_error, kept_by_language, lost: what is left of the untrained model's agreeing answers, as in
            :class:`~calm_ext.training.kept.Kept`; ``kept`` is None where that is not known, as in the log of an
            earlier version.
    """

    step: int
    agreement: float
    consistency: float
    answered: float
    chosen_nll: float
    scores: list[float]
    n: int
    kept: float | None = None
    kept_error: float | None = None
    kept_by_language: dict[str, list[int]] = {}
    lost: list[str] = []

    @property
    def score(self) -> float:
        """Mean of ``scores``, what checkpoints are chosen by.

        ``kept`` has no part of its own in it. An answer that agreed and is lost lowers its question's agreement by as
        much as an answer that is won raises it, and consistency falls besides where the other languages stay: a check
        that loses what it wins is no better than the untrained model. Counting the loss a second time would prefer the
        model that changes nothing, also where the vote that an answer agreed with was wrong.
        """
        return sum(self.scores) / len(self.scores)

    @property
    def left(self) -> Kept:
        """What is left of the untrained model's agreeing answers."""
        return Kept(self.kept, self.kept_error, self.kept_by_language, self.lost)

    def clearly_below(self, other: Check) -> bool:
        """Whether its score is lower than another check's by more than one standard error of the paired difference.

        Where few questions changed their scores, the exact test that flips the signs of the changes must say so, too:
        two questions of thirty that are both lost are more than one standard error, and one time in four chance.
        """
        return clearly_positive([b - a for a, b in zip(self.scores, other.scores, strict=True)])


def clearly_positive(differences: Sequence[float]) -> bool:
    """Whether the mean of paired differences is above 0, as :meth:`Check.clearly_below` asks."""
    n = len(differences)
    mean = sum(differences) / n
    error = (sum((d - mean) ** 2 for d in differences) / max(n - 1, 1) / n) ** 0.5
    return mean > error and sign_flip_p(differences) < _ONE_ERROR


def heldout_score(answers: Mapping[str, int | None], votes: Mapping[str, int]) -> float:
    """Of one held-out question the share of languages that answer what the others elected, plus a quarter of its
    consistency; :attr:`Check.scores` has one a question.

    Args:
        answers: language -> option, None where no answer could be read.
        votes: language -> option that the untrained model elected in the other languages.
    """
    agree = [answers[x] == vote for x, vote in votes.items() if x in answers]
    return round(sum(agree) / len(agree) + 0.25 * question_metrics(answers, None).get("consistency", 1.0), 6)


def chosen_nll(model: Any, encoded: Sequence[tuple[list[int], list[int]]]) -> float:
    """Mean NLL per token (nats) of responses after their prompts; NaN where there are none."""
    # Few at a time: each of a response's tokens is scored over the whole vocabulary.
    scored = score_continuations(model, [(prompt, [target]) for prompt, target in encoded], batch_size=4)
    count = sum(len(target) for _, target in encoded)
    return -sum(logprob for ((logprob, _),) in scored) / count if count else float("nan")


class Monitor:
    """Asks the held-out questions, keeps the answers' checks, and judges them.

    Args:
        votes: question id -> language -> option that the untrained model elected in the other languages.
        encoded: (prompt ids, chosen ids) of held-out pairs.
        keys: the options that the training method has, for the advice in warnings.
        advice: what a recipe can change so that agreeing answers are kept, besides the learning rate.

    Attributes:
        before: the untrained model's answers; empty where they are not known.
        last: the answers of the latest check.
    """

    keys: Collection[str] = ("nll_weight", "beta")
    advice: Sequence[str] = ()
    questions: Sequence[ParallelQuestion] = ()

    def __init__(
        self,
        *,
        questions: Sequence[ParallelQuestion],
        votes: Mapping[str, Mapping[str, int]],
        encoded: Sequence[tuple[list[int], list[int]]],
        examiner: Examiner,
        patience: int,
        keys: Collection[str] = keys,
        advice: Sequence[str] = (),
    ) -> None:
        self.keys = keys
        self.advice = advice
        self.before: Answered = {}
        self.last: Answered = {}
        self.questions = list(questions)
        self.items = examiner.encode(self.questions)
        self.votes = votes
        self.encoded = encoded
        self.examiner = examiner
        self.patience = patience
        self.checks: list[Check] = []

    def check(self, model: Any, step: int) -> Check:
        """Ask, and remember the result."""
        training = model.training
        model.eval()
        try:
            self.items = self.examiner.with_priors(model, self.items)
            answers = self.examiner.answers(model, self.items)
            nll = chosen_nll(model, self.encoded)
        finally:
            model.train(training)
        metrics = [question_metrics(a, None) for a in answers]
        agree = [
            [float(by_language[x] == vote) for x, vote in self.votes[q.id].items() if x in by_language]
            for q, by_language in zip(self.questions, answers, strict=True)
        ]
        consistency = [m.get("consistency", 1.0) for m in metrics]
        counted = sum(map(len, agree))
        self.last = {q.id: a for q, a in zip(self.questions, answers, strict=True)}
        if step == 0:
            self.before = self.last
        left = kept_answers(self.before, self.last, self.votes)
        check = Check(
            step=step,
            agreement=sum(map(sum, agree)) / counted,
            consistency=sum(consistency) / len(metrics),
            answered=sum(m["answered"] for m in metrics) / len(metrics),
            chosen_nll=nll,
            scores=[heldout_score(a, self.votes[q.id]) for q, a in zip(self.questions, answers, strict=True)],
            n=counted,
            kept=left.share,
            kept_error=left.error,
            kept_by_language=left.by_language,
            lost=left.lost,
        )
        self.checks.append(check)
        return check

    @property
    def best(self) -> Check:
        """The check with the highest score, the earliest of equals."""
        return max(self.checks, key=lambda c: (c.score, -c.step))

    @property
    def chosen(self) -> Check:
        """The latest check that is not clearly below the best one.

        A few dozen held-out questions show a collapse but not a small gain, so noise must not undo training: an
        earlier check, the untrained model among them, is chosen only where the later ones are clearly worse
        (the one-standard-error rule of Breiman et al. 1984, section 3.4.3, towards more training).
        """
        best = self.best
        return [c for c in self.checks if not c.clearly_below(best)][-1]

    def should_stop(self) -> bool:
        """Whether the last ``patience`` checks are all clearly below the best one."""
        if not self.patience or len(self.checks) <= self.patience:
            return False
        best = self.best
        return all(c.clearly_below(best) for c in self.checks[-self.patience :])

    def warning(self) -> str | None:
        """Words for a run that is collapsing, or None.

        A run collapses when agreement with the untrained model's vote has fallen by more than two standard errors, the
        share of readable answers by more than 0.1, or when the chosen NLL has risen by more than half a nat a token. It
        unlearns when clearly too few agreeing answers are kept (:attr:`~calm_ext.training.kept.Kept.fell`). The first
        of these is told.
        """
        first, last = self.checks[0], self.checks[-1]
        error = (2 * max(first.agreement * (1 - first.agreement), 0.01) / max(first.n, 1)) ** 0.5
        if last.agreement < first.agreement - 2 * error:
            also = " or raise training.nll_weight" if "nll_weight" in self.keys else ""
            return (
                f"step {last.step}: COLLAPSING: agreement with the other languages' vote on held-out questions fell "
                f"from {first.agreement:.3f} to {last.agreement:.3f}; lower training.learning_rate{also}"
            )
        if last.answered < first.answered - 0.1:
            return (
                f"step {last.step}: COLLAPSING: answers that can be read fell from {first.answered:.0%} to "
                f"{last.answered:.0%}; {self._remedy('nll_weight', 'beta')}"
            )
        if last.left.fell:
            advice = [*(f"set {x}" for x in self.advice), "lower training.learning_rate"]
            texts = {q.id: q.versions[q.shown_language].question for q in self.questions}
            return kept_warning(last.left, advice=advice, text=f"step {last.step}", shown=texts)
        if last.chosen_nll > first.chosen_nll + 0.5:
            return (
                f"step {last.step}: WARNING: the chosen responses themselves become unlikely (NLL per token "
                f"{first.chosen_nll:.2f} to {last.chosen_nll:.2f}); {self._remedy('nll_weight')}"
            )
        return None

    def _remedy(self, *keys: str) -> str:
        """What to change: one of some keys, where the method has them."""
        known = [f"training.{key}" for key in keys if key in self.keys]
        return f"raise {' or '.join(known)}" if known else "lower training.learning_rate"


def append_log(path: Path, kind: str, values: dict[str, Any]) -> None:
    """Append one line to a training log: ``{"kind": "train" | "check" | …, …}``."""
    with path.open("a", encoding="utf-8") as handle:
        handle.write(json.dumps({"kind": kind, **values}) + "\n")


def monitor_of(job: TrainingJob, tokenizer: Any) -> Monitor | None:
    """The monitor of a job's held-out questions, as they were sampled; None where the vote decided none of them."""
    options, sampling = job.options, job.sampling
    if job.heldout is None or not job.heldout_votes:
        return None
    questions = [q for q in read_jsonl(job.heldout, ParallelQuestion) if q.id in job.heldout_votes]
    questions = questions[: options.heldout_questions]
    ids = {q.id for q in questions}
    encoded = []
    if job.heldout_pairs:
        pairs = [p for p in read_jsonl(job.heldout_pairs, Pair, allow_empty=True) if p.id in ids]
        rows, _ = encode_pairs(
            pairs[:200],
            tokenizer,
            append_eos=job.append_eos,
            max_length=options.max_length,
            template_args=sampling.template_args,
        )
        encoded = [(r["prompt_ids"], r["chosen_ids"]) for r in rows]
    examiner = Examiner(
        tokenizer,
        sampling.mode,
        sampling.resolved_style,
        sampling.chat_template,
        sampling.max_new_tokens,
        passages=_passages(job),
        template_args=sampling.template_args,
        thoughts=sampling.thoughts,
        order_seed=sampling.seed,
        normalize=job.normalize,
    )
    return Monitor(
        questions=questions,
        votes=job.heldout_votes,
        encoded=encoded,
        examiner=examiner,
        patience=options.patience,
        keys=type(options).model_fields,
        advice=job.advice,
    )


def _passages(job: TrainingJob) -> dict[tuple[str, str], list[str]]:
    if job.heldout_passages is None:
        return {}
    return {(p.id, p.language): [x.shown() for x in p.passages] for p in read_jsonl(job.heldout_passages, Passages)}
