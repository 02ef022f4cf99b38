"""How long a report takes to write, how large its page is, and how fast it opens and filters in Chromium.

    PYTHONPATH=. python benchmarks/report_speed.py [--questions 1000] [--tasks 1] [--responses 400] [--keep DIR]

A synthetic run of 1,000 questions in six languages: as many questions asked in the alignment (three responses a
language), their vote and pairs, a training log, and each task evaluated before and after, with responses of 400
characters that are all different. The report is written by `calm-ext report`, as a command, start included. Opening is
from the navigation to the moment when the first questions are listed and painted; filtering from the change of a filter
to the moment when the new list is. Must be: 15 s, 10 MiB, 1 s each.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from calm_ext.jsonl import read_numbered, write_jsonl
from calm_ext.languages import get_language
from calm_ext.metrics.names import PARTIAL
from calm_ext.metrics.question import question_metrics
from calm_ext.pairing.build import build_pairs
from calm_ext.pairing.options import PairingOptions
from calm_ext.records import Ballot, Generation, ParallelQuestion, Version
from calm_ext.voting.elect import elect
from calm_ext.voting.options import VotingOptions
from calm_ext.voting.table import VoteTable
from tests.chromium import CHROMIUM, Page

LANGUAGES = ("en", "zh", "fr", "de", "it", "ja")
SYLLABLES = {
    "zh": "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面",
    "ja": "のにはをたがでてとしれさあいるもなこれからよりまでだけそして日本人年大出中学生国会社時間今後前同高新長",
}


def words(rng: random.Random, language: str, length: int) -> str:
    """About ``length`` characters of made-up text."""
    if language in SYLLABLES:
        return "".join(rng.choices(SYLLABLES[language], k=length // 2))  # half the characters say as much
    letters = "aeinorstlucdmp" + {"fr": "éèà", "de": "äöü", "it": "àòù"}.get(language, "")
    text = ""
    while len(text) < length:
        text += "".join(rng.choices(letters, k=rng.randint(2, 9))) + " "
    return text.strip()


def make(path: Path, n: int, n_tasks: int, length: int) -> None:
    """Write the run."""
    rng = random.Random(0)

    def question(identity: str) -> ParallelQuestion:
        versions = {
            x: Version(question=words(rng, x, 100) + "?", options=[words(rng, x, 12) + str(i) for i in range(5)])
            for x in LANGUAGES
        }
        return ParallelQuestion(id=identity, answer=rng.randrange(5), source_language="en", versions=versions)

    def response(q: ParallelQuestion, language: str, answer: int) -> str:
        own = get_language(language)
        option = q.versions[language].options[answer]
        said = words(rng, language, length)
        return f"{own.explanation}: {said}\n\n{own.answer}{own.colon}{own.space}{'ABCDE'[answer]}. {option}"

    def answer(q: ParallelQuestion, share: float) -> int:
        assert q.answer is not None
        return q.answer if rng.random() < share else rng.randrange(5)

    asked = [question(f"train-{i}") for i in range(n)]
    write_jsonl(path / "questions.jsonl", asked)
    generations = [
        Generation(
            id=q.id, language=x, source_language="en", question=q.versions[x].question, options=q.versions[x].options,
            answer=q.answer, prompt=q.versions[x].question,
            responses=[response(q, x, answer(q, 0.55)) for _ in range(3)],
        )
        for q in asked
        for x in LANGUAGES
    ]  # fmt: skip
    write_jsonl(path / "generations.jsonl", generations)
    table = VoteTable.read(read_numbered(path / "generations.jsonl", Generation), style="explain")
    write_jsonl(path / "ballots.jsonl", elect(table, VotingOptions()).ballots)
    ballots = read_numbered(path / "ballots.jsonl", Ballot)
    source = path / "generations.jsonl"
    write_jsonl(
        path / "pairs.jsonl",
        build_pairs(ballots, lambda: read_numbered(source, Generation), PairingOptions(), style="explain"),
    )
    log = [{"kind": "train", "step": s, "loss": 0.7 - s / 2000, "rewards/margins": s / 400, "learning_rate": 1e-5,
            "rewards/accuracies": 0.5 + s / 1200, "num_tokens": 9000.0 * s} for s in range(5, 501, 5)]  # fmt: skip
    (path / "training").mkdir()
    (path / "training/log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in log))
    (path / "training/summary.json").write_text(json.dumps({"n_pairs": 1, "loss": 0.5, "seconds": 900.0}))
    stages = {s: {"seconds": 100.0} for s in ("questions", "before", "sample", "vote", "pairs", "train", "after")}
    (path / "manifest.json").write_text(json.dumps({"name": "speed", "stages": stages}))
    tasks = {f"speed_{t}_xl": [question(f"test-{t}-{i}") for i in range(n)] for t in range(n_tasks)}
    for when, share in (("before", 0.5), ("after", 0.65)):
        results: dict[str, dict[str, object]] = {"results": {}, "configs": {}, "n-samples": {}}
        folder = path / "eval" / when
        folder.mkdir(parents=True)
        for task, questions in tasks.items():
            rows = []
            for q in questions:
                given = {x: answer(q, share) for x in LANGUAGES}
                metrics = question_metrics(given, q.answer)
                doc = {"id": q.id, "answer": q.answer, "source_language": "en", "languages": list(LANGUAGES),
                       "questions": [v.question for v in q.versions.values()],
                       "options": [v.options for v in q.versions.values()]}  # fmt: skip
                said = [response(q, x, a) for x, a in given.items()]
                rows.append({"doc": doc, "filtered_resps": said, "metrics": list(metrics), **metrics, "kappa": given})
            lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            (folder / f"samples_{task}.jsonl").write_text("".join(lines), encoding="utf-8")
            names = [m for m in rows[0]["metrics"] if m not in PARTIAL]  # type: ignore[attr-defined]
            results["results"][task] = {f"{m},none": sum(r[m] for r in rows) / n for m in names}
            metadata = {"style": "explain", "languages": list(LANGUAGES), "signature": f"task:{task}"}
            results["configs"][task] = {"task": task, "metadata": metadata}
        (folder / "results.json").write_text(json.dumps(results))


FILTER = """
new Promise(done => {
  const start = performance.now();
  const field = document.getElementById('%s');
  field.value = '%s';
  field.dispatchEvent(new Event(field.tagName === 'INPUT' ? 'input' : 'change'));
  const wait = () => {
    document.body.getBoundingClientRect();
    requestAnimationFrame(() => requestAnimationFrame(() => done([performance.now() - start,
      document.getElementById('found').textContent])));
  };
  // Typing is answered after a pause of 120 ms, which counts.
  field.tagName === 'INPUT' ? setTimeout(wait, 125) : wait();
})
"""


def measure(index: Path) -> None:
    """Open the page and filter, three times each; the median."""
    opened: list[float] = []
    filtered: dict[str, list[float]] = {}
    told: dict[str, str] = {}
    for _ in range(3):
        with Page(width=1280) as page:
            start = time.perf_counter()
            page.open(index)
            assert page.run("document.querySelectorAll('#list details').length") > 0
            page.run("new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")
            opened.append(time.perf_counter() - start)
            steps = (
                ("f-move", "gained"),
                ("f-language", "ja"),
                ("f-move", "to-right"),
                ("f-move", "any"),
                ("f-text", "出"),
            )
            for field, value in steps:
                key = f"{field} = {value}"
                milliseconds, told[key] = page.run(FILTER % (field, value))
                filtered.setdefault(key, []).append(milliseconds / 1000)
    print(f"opened in           {sorted(opened)[1]:6.2f} s")
    for key, times in filtered.items():
        print(f"{key:<19} {sorted(times)[1]:6.2f} s   {told[key]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--tasks", type=int, default=1)
    parser.add_argument("--responses", type=int, default=400, help="characters of a response")
    parser.add_argument("--keep", type=Path, help="where to leave the run")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        path = (arguments.keep or Path(temporary)) / "speed"
        path.mkdir(parents=True)
        make(path, arguments.questions, arguments.tasks, arguments.responses)
        samples = sum(p.stat().st_size for p in path.glob("eval/*/samples_*")) / 2**20
        n, k = arguments.questions, len(LANGUAGES)
        print(f"{arguments.tasks} x {n} questions x {k} languages: {samples:.1f} MiB of samples")
        start, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "calm_ext", "report", str(path)], check=True, stdout=subprocess.DEVNULL)
        taken, now = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
        print(f"report written in   {taken:6.2f} s ({cpu:.2f} s of processor time)")
        index = path / "report/index.html"
        print(f"page                {index.stat().st_size / 2**20:6.2f} MiB")
        if CHROMIUM is None:
            print("chromium is not installed: nothing was opened")
            return
        measure(index)


if __name__ == "__main__":
    main()
