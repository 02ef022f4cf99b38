"""Damaged and hostile inputs for every reader: how many are read or refused, how many end otherwise, and the slowest.

    python benchmarks/fuzz.py [--inputs 10000] [--seed 0] [--readers results,index] [--minutes 60] [--keep DIR]

Prints a Markdown table, a row a reader. Each input is a valid one with a few damages: bytes flipped, cut out, repeated,
put elsewhere, or values of its JSON or YAML replaced by hostile ones (numbers of hundreds of digits, deep lists, half
characters, other types, alias bombs, markup, paths, long texts). "read": it was still valid. "refused": one error of
calm-ext. "faults" are to be 0: a traceback, an endless message, more than ``SECONDS`` of time, or more than ``MEMORY``
taken by all inputs of a reader; --keep writes the inputs that made them, and what was raised.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import json
import logging
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from calm_ext.errors import CalmError
from calm_ext.metrics.question import question_metrics
from calm_ext.pipeline.bundled import recipes_dir

#: Processor seconds that one input may take, MiB that all of a reader may take, characters that a message may have.
SECONDS, MEMORY, MESSAGE = 10.0, 2048, 20_000
#: Problems that the command line shows, a line each, before it says how many more there are.
LINES = 50
LANGUAGES = ("en", "fr", "zh")
Lines = list[dict[str, Any]]


class Reader(NamedTuple):
    """A reader: what makes a valid input in a folder, which of its files are damaged, and what reads it."""

    make: Callable[[Path], Sequence[str]]
    read: Callable[[Path], object]


class Result(NamedTuple):
    """What became of a reader's inputs."""

    inputs: int
    read: int
    refused: int
    faults: Counter[str]
    slowest: float
    memory: float


class TooLong(BaseException):
    """An input that takes longer than it may."""


# --- valid inputs -----------------------------------------------------------------------------------------------------


def write(folder: Path, name: str, rows: Lines) -> list[str]:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return [name]


def version(i: int, language: str) -> dict[str, Any]:
    return {"question": f"{language} {i}?", "options": [f"{language} {w} {i}" for w in ("ant", "bee", "cat", "dog")]}


def questions(folder: Path) -> list[str]:
    rows = [
        {"id": f"q{i}", "answer": i % 4, "source_language": "en", "versions": {x: version(i, x) for x in LANGUAGES}}
        for i in range(12)
    ]
    return write(folder, "q.jsonl", rows)


def generations(folder: Path) -> list[str]:
    rows = [
        {"id": f"q{i}", "language": x, **version(i, x), "answer": i % 4, "prompt": "Which?",
         "responses": [f"Because. Answer: {'ABCD'[(i + j) % 4]}" for j in range(3)]}
        for i in range(8) for x in LANGUAGES
    ]  # fmt: skip
    return write(folder, "g.jsonl", rows)


def predictions(folder: Path) -> list[str]:
    rows = [{"id": f"q{i}", "answer": i % 4, "predictions": {"en": i % 3, "fr": None, "zh": 1}} for i in range(12)]
    return write(folder, "p.jsonl", rows)


def evaluation(folder: Path, shift: int = 0) -> list[str]:
    """lm-eval's files of a task of ours."""
    lines: Lines = []
    for i in range(10):
        answers = {x: (i * k + shift) % 4 for k, x in enumerate(LANGUAGES, 1)}
        metrics = {**question_metrics(answers, i % 4), "kappa": answers}
        doc = {"id": f"q{i}", "answer": i % 4, "source_language": "en", "languages": list(LANGUAGES),
               "questions": [version(i, x)["question"] for x in LANGUAGES],
               "options": [version(i, x)["options"] for x in LANGUAGES]}  # fmt: skip
        said = [f"Answer: {'ABCD'[a]}" for a in answers.values()]
        asked = {f"gen_args_{k}": {"arg_0": "Which?", "arg_1": {}} for k in range(3)}
        lines.append({"doc_id": i, "doc": doc, "target": str(i % 4), "arguments": asked, "resps": [[x] for x in said],
                      "filtered_resps": said, "filter": "none", "metrics": list(metrics), "doc_hash": f"h{i}",
                      **metrics})  # fmt: skip
    names = [name for name in lines[0]["metrics"] if name != "kappa"]
    values = {f"{m},none": sum(float(x[m]) for x in lines if m in x) / len(lines) for m in names}
    signature = f"task:t|langs:{'.'.join(LANGUAGES)}|options:4|style:explain|calm-ext:0|lm_eval:0"
    metadata = {"version": 1.0, "style": "explain", "languages": list(LANGUAGES), "signature": signature}
    table = {"results": {"t": {"alias": "t", **values}}, "configs": {"t": {"task": "t", "metadata": metadata}},
             "n-samples": {"t": {"original": 10, "effective": 10}}, "n-shot": {"t": 0}, "config": {"limit": None},
             "model_name": "m", "date": 1.0}  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(table))
    return ["results.json", *write(folder, "samples_t.jsonl", lines)]


def run(folder: Path) -> list[str]:
    names = [
        f"eval/{w}/{name}" for k, w in enumerate(("before", "after")) for name in evaluation(folder / "eval" / w, k)
    ]
    questions(folder)
    (folder / "q.jsonl").rename(folder / "questions.jsonl")
    write(folder, "training/log.jsonl", [{"kind": "train", "step": s, "loss": 0.5} for s in range(5)])
    check = {"step": 1, "agreement": 0.5, "consistency": 0.5, "answered": 1.0, "chosen_nll": 1.0, "n": 20}
    texts = {
        "training/summary.json": json.dumps({"n_pairs": 4, "seconds": 1.5, "chosen_step": 1, "checks": [check]}),
        "manifest.json": json.dumps(
            {"name": "t", "stages": {"questions": {"seconds": 1.0, "versions": {"torch": "2"}}}}
        ),
        "recipe.yaml": "name: t\nevaluation:\n  tasks: [t]\ntraining:\n  method: dpo\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    return [*names, "questions.jsonl", "training/log.jsonl", *texts]


def recipe(folder: Path) -> list[str]:
    shutil.copyfile(recipes_dir() / "demo.yaml", folder / "r.yaml")
    return ["r.yaml"]


def study(folder: Path) -> list[str]:
    recipe(folder)
    text = "name: s\nrecipe: r.yaml\nvary: {training.epochs: [1, 2]}\nseeds: {training.seed: [0, 1]}\n"
    (folder / "s.yaml").write_text(text)
    return ["s.yaml", "r.yaml"]


def index(folder: Path) -> list[str]:
    from calm_ext.records import CorpusPassage
    from calm_ext.retrieval import build_index

    rows = [CorpusPassage(id=f"p{i}", language="en", text=f"the fish word{i} number {i}") for i in range(20)]
    build_index(((f"line {i}", row) for i, row in enumerate(rows, 1)), folder / "index")
    return [str(p.relative_to(folder)) for p in sorted((folder / "index").rglob("*")) if p.is_file()]


def response(folder: Path) -> list[str]:
    (folder / "r.txt").write_text("<think>Is it B?</think> I first thought of A, but it is not.\n**Answer: (C)** cat")
    return ["r.txt"]


# --- reading ----------------------------------------------------------------------------------------------------------


def calm(*arguments: str) -> Callable[[Path], object]:
    """The command line in this process; ``{}`` stands for the folder."""

    def read(folder: Path) -> object:
        from calm_ext.cli.main import cli

        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return cli.main([x.replace("{}", str(folder)) for x in arguments], standalone_mode=False)

    return read


def read_index(folder: Path) -> object:
    """A stranger's index says the sizes of its files itself."""
    manifest = folder / "index/index.json"
    with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError, OSError, RecursionError):
        values = json.loads(manifest.read_bytes())
        values["files"] = {x: (folder / "index" / x).stat().st_size for x in values["files"]}
        manifest.write_text(json.dumps(values))
    return calm("index", "search", "{}/index", "fish word3 number", "-k", "3", "--json")(folder)


def read_run(folder: Path) -> object:
    from calm_ext.report.card.front import render_card
    from calm_ext.report.collect import read_run as read
    from calm_ext.report.collect import summarize
    from calm_ext.report.page.html import render_page
    from calm_ext.report.plots.draw import Plots

    data = read(folder)
    summary = summarize(data, resamples=20)
    json.dumps(summary, allow_nan=False).encode()
    return render_page(data, summary, Plots({}, {})).encode(), render_card(data, summary).encode()


def read_grid(folder: Path) -> object:
    from calm_ext.study.grid import make_grid
    from calm_ext.study.read import read_study

    return make_grid(read_study(folder / "s.yaml"), folder / "run")


def read_response(folder: Path) -> object:
    from calm_ext.answers.read import read_answer

    text = (folder / "r.txt").read_bytes().decode(errors="replace")
    return [read_answer(text, ["ant", "bee", "cat", "dog"], x) for x in ("en", "zh", "ar")]


READERS = {
    "questions": Reader(questions, calm("data", "check", "{}/q.jsonl", "--json")),
    "generations": Reader(generations, calm("vote", "{}/g.jsonl", "--json")),
    "predictions": Reader(predictions, calm("metrics", "{}/p.jsonl", "--resamples", "100", "--by-pair")),
    "samples": Reader(evaluation, calm("metrics", "{}", "--resamples", "100", "--json")),
    "results": Reader(evaluation, calm("leaderboard", "{}", "--markdown")),
    "runs": Reader(run, read_run),
    "recipes": Reader(recipe, calm("recipes", "validate", "{}/r.yaml")),
    "studies": Reader(study, read_grid),
    "index": Reader(index, read_index),
    "answers": Reader(response, read_response),
}


# --- damages ----------------------------------------------------------------------------------------------------------

DEEP: Any = []
for _ in range(300):
    DEEP = [DEEP]
VALUES: list[Any] = [
    None, True, -1, 0, 3, 10**6, 3 * 10**8, 10**18, 10**30, 10**400, -(10**400), 0.5, float("nan"), float("inf"),
    "", " ", "a", "en", "\ud800", "\x00", "\x1b[31m", "\u202ex", "<script>x</script>", "[/x]", "=1+1", "../../x",
    "/dev/zero", "x" * 100_000, "Answer: A " * 5_000, "((" * 5_000, "2001-99-99", "1e999",
    [], ["a", "b"], [1] * 10_000, {}, {"a": {}}, {"en": [1]}, [[]], DEEP,
]  # fmt: skip
BOMB = "a: &a [x,x,x,x,x,x,x,x]\n"
BOMB += "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 8)}]\n" for a, b in ("ab", "bc", "cd", "de", "ef", "fg"))
TEXTS = [
    b"[" * 100_000, b"{" * 2_000, b'{"a":' * 200, b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"1" * 5_000, b'"' * 3, b"\r",
    b"\n" * 1_000, b"&a [*a, *a]", b"!!python/name:os.system", b"? ", b"- " * 500, b"<<: *x", b"\\ud800", b"9" * 400,
    b": ", b"\xe2\x80\xa8", b" " * 200_000, BOMB.encode(),
]  # fmt: skip


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a value, as its container and key."""
    waiting = [value]
    while waiting:
        here = waiting.pop()
        keys = list(here) if isinstance(here, dict) else range(len(here)) if isinstance(here, list) else ()
        for key in keys:
            yield here, key
            waiting.append(here[key])


def replaced(value: Any, rng: random.Random) -> Any:
    """A value with one of its parts replaced, taken away, or called otherwise."""
    value = copy.deepcopy(value)
    found = list(places(value))
    if not found:
        return rng.choice(VALUES)
    container, key = rng.choice(found)
    way = rng.random()
    if way < 0.7:
        container[key] = rng.choice(VALUES)
    elif way < 0.85:
        del container[key]
    elif isinstance(container, dict):
        container[rng.choice(["a", "", "\ud800", "x" * 1_000, "zh", "<b>"])] = container.pop(key)
    else:
        container.append(rng.choice(VALUES))
    return value


def damaged(content: bytes, name: str, rng: random.Random) -> bytes:
    """The content of a file with one damage."""
    if name.endswith((".jsonl", ".json", ".yaml")) and rng.random() < 0.6:
        with contextlib.suppress(ValueError, yaml.YAMLError, TypeError, RecursionError, IndexError):
            if name.endswith(".yaml"):
                return yaml.safe_dump(replaced(yaml.safe_load(content), rng)).encode("utf-8", "surrogatepass")
            lines = content.split(b"\n") if name.endswith(".jsonl") else [content]
            at = rng.choice([i for i, line in enumerate(lines) if line.strip()])
            lines[at] = json.dumps(replaced(json.loads(lines[at]), rng)).encode()
            return b"\n".join(lines)
    at, to = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    to = min(to, at + rng.choice([1, 3, 30, 10_000]))
    return rng.choice([
        lambda: content[:at],
        lambda: content[:at] + content[to:],
        lambda: content[:at] + rng.choice(TEXTS) + content[to:],
        lambda: content[:to] + content[at:to] * rng.choice([1, 3, 50]) + content[to:],
        lambda: content[:at] + bytes(b ^ (1 << rng.randrange(8)) for b in content[at:to][:4]) + content[at + 4 :],
    ])()  # fmt: skip


# --- counting ---------------------------------------------------------------------------------------------------------


def fuzz(reader: Reader, *, inputs: int, seed: int, deadline: float, keep: Path | None) -> Result:
    """Damage a reader's input again and again; ends before ``inputs`` where the time is over."""
    rng = random.Random(seed)
    counts: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    slowest = 0.0
    with tempfile.TemporaryDirectory() as place:
        valid, folder = Path(place) / "valid", Path(place) / "damaged"
        valid.mkdir()
        names = reader.make(valid)
        shutil.copytree(valid, folder)
        reader.read(folder)  # what is not damaged is read; and what has to be loaded is loaded
        before = taken()
        for number in range(inputs):
            if time.monotonic() > deadline:
                break
            shutil.rmtree(folder)
            shutil.copytree(valid, folder)
            for name in rng.sample(list(names), k=rng.choice([1, 1, 1, min(2, len(names))])):
                (folder / name).write_bytes(damaged((folder / name).read_bytes(), name, rng))
            started = time.process_time()
            kind, fault = outcome(reader.read, folder)
            slowest = max(slowest, time.process_time() - started)
            counts[kind] += 1
            if fault:
                faults[fault.splitlines()[-1][:160]] += 1
                if keep is not None:
                    shutil.copytree(folder, keep / str(number))
                    (keep / str(number) / "raised.txt").write_text(fault, encoding="utf-8", errors="replace")
    memory = taken() - before
    if memory > MEMORY:
        faults[f"{memory:.0f} MiB of memory"] += 1
    return Result(counts.total(), counts["read"], counts["refused"], faults, slowest, memory)


def outcome(read: Callable[[Path], object], folder: Path) -> tuple[str, str]:
    """``read``, ``refused`` or ``fault``; and of a fault what was raised, its last line the kind and the place."""

    def too_long(*_: object) -> None:
        raise TooLong

    signal.signal(signal.SIGVTALRM, too_long)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        read(folder)
        return "read", ""
    except (CalmError, OSError) as error:  # the command line makes one line of the one as of the other
        shown = "\n".join(str(error).split("\n")[:LINES])
        return ("fault", f"message of {len(shown)} characters") if len(shown) > MESSAGE else ("refused", "")
    except (Exception, TooLong) as error:
        steps = traceback.extract_tb(error.__traceback__)
        own = [x for x in steps if "calm_ext" in x.filename] or steps
        where = f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""
        return "fault", f"{traceback.format_exc(limit=-30)}\n{type(error).__name__} at {where}: {str(error)[:80]!r}"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def taken() -> float:
    """The most that this process has taken so far, MiB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1024 if sys.platform != "darwin" else 2**20)


def options(description: str | None) -> argparse.ArgumentParser:
    """The options of this benchmark and of fuzz_guided.py."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=10_000, help="of each reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--readers", default=",".join(READERS))
    parser.add_argument("--minutes", type=float, default=60.0, help="for all readers together")
    parser.add_argument("--keep", type=Path, help="folder for the inputs that made faults")
    return parser


def main() -> None:
    given = options(__doc__).parse_args()
    logging.disable(logging.WARNING)
    names = given.readers.split(",")
    print("| reader | inputs | read | refused | faults | slowest, s | memory, MiB |")
    print("|---|---|---|---|---|---|---|", flush=True)
    found: Counter[str] = Counter()
    end = time.monotonic() + given.minutes * 60
    for number, name in enumerate(names):
        now = time.monotonic()
        deadline = now + (end - now) / (len(names) - number)
        keep = given.keep / name if given.keep else None
        r = fuzz(READERS[name], inputs=given.inputs, seed=given.seed, deadline=deadline, keep=keep)
        n = r.faults.total()
        print(f"| {name} | {r.inputs} | {r.read} | {r.refused} | {n} | {r.slowest:.2f} | {r.memory:.0f} |", flush=True)
        found.update({f"{name}: {fault}": n for fault, n in r.faults.items()})
    for fault, n in found.most_common():
        print(f"{n} × {fault}", file=sys.stderr)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
