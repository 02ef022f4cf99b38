"""How long do indexing and searching take, how much memory, and how does that compare with rank-bm25?

    python benchmarks/retrieval_speed.py [--passages 200000] [--questions 1000] [--compared 15000] [--runs 1]

Makes passages of 100 to 200 words in three languages, English-like, German-like and Chinese-like (150 to 300
characters), from Zipf vocabularies of 100,000 words, and questions of 20 to 120 words (Chinese: 30 to 190 characters),
most of them from one passage.
Each step runs in a process of its own, so that its peak memory is its own. The comparison needs `pip install rank-bm25`
and is done on a part of the passages and a tenth of the questions: rank-bm25 goes through all passages in Python for
every word of a question. Both get the same tokens there, and only their own indexing and scoring is timed. Prints a
Markdown table.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "de", "zh")
VOCABULARY = 100_000
ENDINGS = {"en": ("", "", "s", "ed", "ing", "ly"), "de": ("", "", "e", "en", "er", "ung")}


def vocabulary(language: str, rng: Any) -> list[str]:
    if language == "zh":
        characters = [chr(0x4E00 + i) for i in range(4000)]
        weights = 1 / (1 + rng.permutation(4000)) ** 0.6
        lengths = rng.choice([1, 2, 2, 2, 3], VOCABULARY)
        drawn = iter(rng.choice(4000, int(lengths.sum()), p=weights / weights.sum()))
        return ["".join(characters[next(drawn)] for _ in range(n)) for n in lengths]
    syllables = [c + v + e for c in "bcdfghklmnprstvw" for v in "aeiou" for e in ("", "n", "r", "l", "s")]
    words = []
    for rank in range(VOCABULARY):
        n = 1 + (rank > 60) + (rank > 5000) + (rank % 3 == 0 and rank > 500)
        words.append("".join(rng.choice(syllables, n)) + str(rng.choice(ENDINGS[language])))
    return words


def make(folder: Path, passages: int, questions: int) -> None:
    import numpy as np

    rng = np.random.default_rng(0)
    weights = 1 / (np.arange(VOCABULARY) + 2.7) ** 1.05  # Zipf and Mandelbrot
    cumulated = np.cumsum(weights / weights.sum())
    asked: list[dict[str, str]] = [{} for _ in range(questions)]
    with (folder / "corpus.jsonl").open("w", encoding="utf-8") as handle:
        for language in LANGUAGES:
            words, join = vocabulary(language, rng), "" if language == "zh" else " "
            stop = "。" if language == "zh" else "."
            sources = set(np.linspace(0, passages // len(LANGUAGES) - 1, questions).astype(int).tolist())
            number = 0
            for i in range(passages // len(LANGUAGES)):
                n = int(rng.integers(75, 150) if language == "zh" else rng.integers(100, 200))
                drawn = np.searchsorted(cumulated, rng.random(n))
                text = join.join(words[w] + (stop if k % 14 == 13 else "") for k, w in enumerate(drawn))
                line = {"id": f"p{i}", "language": language, "title": words[drawn[0]], "text": text}
                if i in sources:
                    own = rng.choice(
                        drawn, int(rng.integers(15, min(90, n)) * (0.75 if language == "zh" else 1)), replace=False
                    )
                    other = np.searchsorted(cumulated, rng.random(int(rng.integers(5, 30))))
                    asked[number][language] = join.join(words[w] for w in [*own, *other])
                    line["answers"] = [f"q{number}"]
                    number += 1
                handle.write(json.dumps(line, ensure_ascii=False) + "\n")
    (folder / "questions.json").write_text(json.dumps(asked, ensure_ascii=False), encoding="utf-8")


def memory() -> dict[str, float]:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    now = {key: int(status[key].split()[0]) / 1024 for key in ("VmRSS", "RssAnon")}
    return {"rss": now["VmRSS"], "anonymous": now["RssAnon"],
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}  # fmt: skip


def build(folder: Path) -> dict[str, Any]:
    from calm_ext.data.corpora import read_corpus
    from calm_ext.retrieval import build_index

    start = time.perf_counter()
    build_index(read_corpus([folder / "corpus.jsonl"]), folder / "index", sources=["synthetic"], force=True)
    seconds = time.perf_counter() - start
    size = sum(p.stat().st_size for p in (folder / "index").rglob("*") if p.is_file()) / 2**20
    return {"seconds": seconds, "size": size, **memory()}


def search(folder: Path) -> dict[str, Any]:
    from calm_ext.records import ParallelQuestion, Version
    from calm_ext.retrieval import Index, Retriever, SearchOptions, measure

    start = time.perf_counter()
    index = Index.open(folder / "index")
    loading = time.perf_counter() - start
    asked = json.loads((folder / "questions.json").read_text(encoding="utf-8"))
    questions = [
        ParallelQuestion(id=f"q{n}", versions={x: Version(question=q, options=["a", "b"]) for x, q in own.items()})
        for n, own in enumerate(asked)
    ]
    retriever = Retriever(index, SearchOptions(k=5))
    start = time.perf_counter()
    found = [own for q in questions for own in retriever.retrieve(q).values()]
    seconds = time.perf_counter() - start
    recall = measure(found, known=retriever.known)["overall"]["recall"]["5"]
    return {"seconds": seconds, "loading": loading, "searches": len(found), "recall": recall, **memory()}


def _tokenised(folder: Path, passages: int) -> Iterator[tuple[list[list[str]], list[list[str]]]]:
    """Per language: tokens of its first passages, tokens of a tenth of the questions."""
    from calm_ext.data.corpora import read_corpus
    from calm_ext.retrieval.tokens import tokens

    texts: dict[str, list[list[str]]] = {x: [] for x in LANGUAGES}
    for _, p in read_corpus([folder / "corpus.jsonl"]):
        if len(texts[p.language]) < passages // len(LANGUAGES):
            texts[p.language].append(tokens(f"{p.title}\n{p.text}", p.language))
    asked = json.loads((folder / "questions.json").read_text(encoding="utf-8"))
    for language, own in texts.items():
        yield own, [tokens(q[language], language) for q in asked[: max(1, len(asked) // 10)]]


def compare(folder: Path, passages: int, engine: str) -> dict[str, Any]:
    indexing = searching = 0.0
    searches = 0
    for texts, questions in list(_tokenised(folder, passages)):
        start = time.perf_counter()
        rank: Callable[[list[str]], Any]
        if engine == "rank-bm25":
            import numpy as np
            from rank_bm25 import BM25Okapi

            model = BM25Okapi(texts)

            def rank(question: list[str], model: Any = model) -> Any:
                return np.argsort(-model.get_scores(question), kind="stable")[:5]

        else:
            from calm_ext.retrieval.lexical import LexicalWriter, top

            writer = LexicalWriter("qaa")  # plain words: the tokens are cut and stemmed already
            for own in texts:
                writer.add(" ".join(own))
            lexical = writer.finish()

            def rank(question: list[str], lexical: Any = lexical) -> Any:
                return top(lexical.scores(" ".join(question)), 5)

        indexing += time.perf_counter() - start
        start = time.perf_counter()
        for question in questions:
            rank(question)
        searching += time.perf_counter() - start
        searches += len(questions)
    return {"indexing": indexing, "searching": searching, "searches": searches, **memory()}


def child(*arguments: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, __file__, *arguments], check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def best(runs: int, *arguments: str) -> dict[str, Any]:
    return min((child(*arguments) for _ in range(runs)), key=lambda r: r.get("seconds", r.get("searching", 0.0)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=200_000)
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--compared", type=int, default=15_000, help="passages for the comparison; 0 leaves it out")
    parser.add_argument("--runs", type=int, default=1, help="the fastest of so many is reported")
    parser.add_argument("--step", nargs=2, metavar=("NAME", "FOLDER"), help=argparse.SUPPRESS)
    parser.add_argument("--engine", help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.step:
        name, folder = a.step[0], Path(a.step[1])
        if name == "make":
            make(folder, a.passages, a.questions)
            print("{}")
        else:
            step = {"build": build, "search": search}.get(name)
            print(json.dumps(step(folder) if step else compare(folder, a.compared, a.engine)))
        return
    with tempfile.TemporaryDirectory() as folder:
        child("--step", "make", folder, "--passages", str(a.passages), "--questions", str(a.questions))
        built = best(a.runs, "--step", "build", folder)
        found = best(a.runs, "--step", "search", folder)
        print(f"\n{a.passages:,} passages in {', '.join(LANGUAGES)}, {found['searches']:,} searches, "
              f"{os.cpu_count()} cores, fastest of {a.runs}\n")  # fmt: skip
        print("| step | seconds | MiB resident | of the index on disk |")
        print("|---|---|---|---|")
        size = built["size"]
        print(f"| build (index of {size:.0f} MiB) | {built['seconds']:.1f} | peak {built['peak']:.0f} | "
              f"{built['peak'] / size:.2f} |")  # fmt: skip
        print(f"| open | {found['loading']:.2f} | | |")
        print(f"| search, recall@5 {found['recall']:.3f} | {found['seconds']:.1f} | after it {found['rss']:.0f}, of it "
              f"{found['anonymous']:.0f} not mapped | {found['rss'] / size:.2f} |")  # fmt: skip
        if not a.compared:
            return
        print(f"\nThe same tokens to both, {a.compared:,} passages:\n")
        print("| engine | indexing, s | searches | searching, s | ms a search | peak MiB |")
        print("|---|---|---|---|---|---|")
        for engine in ("calm-ext (bm25s)", "rank-bm25"):
            r = best(a.runs, "--step", "compare", folder, "--engine", engine, "--compared", str(a.compared))
            print(f"| {engine} | {r['indexing']:.1f} | {r['searches']} | {r['searching']:.2f} | "
                  f"{1000 * r['searching'] / r['searches']:.1f} | {r['peak']:.0f} |")  # fmt: skip


if __name__ == "__main__":
    main()
