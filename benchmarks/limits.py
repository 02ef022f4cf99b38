"""What must not take longer than so many seconds: each is run and timed.

    python benchmarks/limits.py [NAME ...]

Prints seconds measured, the limit and ok; ends with code 1 where one is over. The limits have room for a slow machine.
What needs ../shared/data is left out where that is not there. That the results are right is tested in tests/.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from calm_ext.jsonl import read_numbered, write_jsonl
from calm_ext.languages import LANGUAGES
from calm_ext.records import Generation, ParallelQuestion, Prediction, Version
from tests.conftest import ROOT, SHARED

NATURAL = [x for x in LANGUAGES if not LANGUAGES[x].invented]
Timed = Callable[[Path], float]


def seconds(function: Callable[[], object]) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def command(*arguments: str | Path) -> None:
    done = [sys.executable, "-m", "calm_ext", *map(str, arguments)]
    subprocess.run(done, check=True, capture_output=True, cwd=ROOT)


def help_of_the_command(_: Path) -> float:
    """`calm-ext --help`, the best of three, start of Python included."""
    return min(seconds(lambda: command("--help")) for _ in range(3))


def reading_long_answers(_: Path) -> float:
    """Responses of 20,000 to 160,000 characters, which patterns could take forever to read."""
    from calm_ext.answers.read import read_answer

    options = ["air", "water", "fire", "earth"]
    texts = ("\nSo" + " " * 20_000 + "x", "Answer: B\n" * 5_000, "A. air\n" * 20_000)
    return seconds(lambda: [read_answer(text, options, "en") for text in texts])


def metrics_of_a_thousand_questions(folder: Path) -> float:
    """`calm-ext metrics` with 10,000 resamples of 1,000 questions in 16 languages, imports included."""
    rng, rows = random.Random(0), []
    for i in range(1000):
        scores = {x: [round(rng.random(), 6) for _ in range(5)] for x in NATURAL[:16]}
        predictions: dict[str, int | None] = {x: s.index(max(s)) for x, s in scores.items()}
        rows.append(Prediction(id=f"q{i}", answer=rng.randrange(5), predictions=predictions, scores=scores))
    write_jsonl(folder / "p.jsonl", rows)
    return seconds(lambda: command("metrics", folder / "p.jsonl", "--json"))


def requests_of_a_thousand_questions(_: Path) -> float:
    """80,000 requests of lm-eval for 1,000 questions in 16 languages with five options each, loading apart."""
    from calm_ext.harness.task import CrossLingualTask

    def version(language: str, i: int) -> Version:
        options = [f"{language} option {i} {k}" for k in range(5)]
        return Version(question=f"{language} question number {i}, " * 4, options=options)

    questions = [
        ParallelQuestion(id=f"q{i}", answer=i % 5, versions={x: version(x, i) for x in NATURAL[:16]})
        for i in range(1000)
    ]
    task = CrossLingualTask.from_questions(questions, name="t", style="cloze")
    return seconds(lambda: task.build_all_requests(rank=0, world_size=1))


def report_with_a_long_response(folder: Path) -> float:
    """The report of a small run in which one response has a million characters."""
    import json

    from calm_ext.report import write_report
    from tests.test_report import make_run

    run = make_run(folder / "toy", languages=["en", "fr"], n=12, n_test=12)
    samples = run / "eval/after/samples_toy_xl.jsonl"
    rows = [json.loads(x) for x in samples.read_text().splitlines()]
    rows[0]["filtered_resps"][0] = "so " * 350_000 + rows[0]["filtered_resps"][0]
    samples.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return seconds(lambda: write_report(run))


def vote_of_the_published_samples(folder: Path) -> float:
    """Table, vote and pairs of the paper's 16,182 responses to X-CSQA; 0.8 s on two quiet cores."""
    from calm_ext.pairing.build import build_pairs
    from calm_ext.pairing.options import PairingOptions
    from calm_ext.results.generations import import_paper
    from calm_ext.voting.elect import elect
    from calm_ext.voting.options import VotingOptions
    from calm_ext.voting.table import VoteTable

    names = {"en": "en", "zh": "cn", "fr": "fr", "de": "de", "it": "it", "ja": "ja"}
    samples = SHARED / "wangym2-CALM/data/xcsqa/samples"
    files = {x: samples / f"x_csqa_{n}_train_sampled.json" for x, n in names.items()}
    path = folder / "g.jsonl"
    write_jsonl(path, import_paper(files, source_language="en"))

    def run() -> None:
        election = elect(VoteTable.read(read_numbered(path, Generation), style="explain"), VotingOptions())
        cast = ((b.id, b) for b in election.ballots)
        list(build_pairs(cast, lambda: read_numbered(path, Generation), PairingOptions(), style="explain"))

    return seconds(run)


# What is timed -> at most so many seconds.
LIMITS: dict[Timed, float] = {
    help_of_the_command: 0.5,
    reading_long_answers: 10,
    metrics_of_a_thousand_questions: 10,
    requests_of_a_thousand_questions: 2,
    report_with_a_long_response: 30,
    vote_of_the_published_samples: 5,
}


def main() -> int:
    wanted = sys.argv[1:]
    chosen = {f: limit for f, limit in LIMITS.items() if not wanted or f.__name__ in wanted}
    if not chosen:
        sys.exit(f"no such limit; there are {', '.join(f.__name__ for f in LIMITS)}")
    over = 0
    for function, limit in chosen.items():
        if function is vote_of_the_published_samples and not SHARED.is_dir():
            print(f"{function.__name__:34}  left out: {SHARED} is not here")
            continue
        with tempfile.TemporaryDirectory() as folder:
            took = function(Path(folder))
        over += took > limit
        print(f"{function.__name__:34}{took:8.2f} s{limit:8.1f} s  {'ok' if took <= limit else 'OVER'}", flush=True)
    return int(over > 0)


if __name__ == "__main__":
    sys.exit(main())
