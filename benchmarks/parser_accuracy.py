"""How well answers are read from the paper's Llama responses, beside the paper's own reading.

    python benchmarks/parser_accuracy.py [--data ../shared/data/wangym2-CALM]

Labels: tests/data/answer_labels.jsonl (how they were made: tests/data/answer_labels.md). Precision: of the responses
that were read, the share read as labelled. Coverage: of the responses that have an answer, the share read as labelled.
The reference is what utils/votingfunc.py of https://github.com/wangym2/CALM does: of the text behind the last cue, the
second character if it is a letter A to E, else the first if it is; its cues are ``Answer:`` and its translations.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

from calm_ext.answers.read import read_answer
from calm_ext.data.sources.paper import parse_row

LABELS = Path(__file__).parent.parent / "tests/data/answer_labels.jsonl"
CODES = {"en": "en", "zh": "cn", "fr": "fr", "de": "de", "it": "it", "ja": "ja"}
CUES = {
    "en": ("Answer:",),
    "zh": ("答案:", "答案："),
    "fr": ("Réponse:", "Réponse :"),
    "de": ("Antwort:",),
    "it": ("Risposta:",),
    "ja": ("答え:", "答え："),
}


def reference(text: str, language: str) -> int | None:
    for cue in CUES[language]:
        text = text.split(cue)[-1].strip()
    candidates = (text[1:2], text[:1]) if len(text) > 1 else (text[:1],)
    return next(("ABCDE".index(c) for c in candidates if c and c in "ABCDE"), None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/wangym2-CALM"))
    data = parser.parse_args().data
    texts: dict[tuple[str, str], tuple[list[str], str]] = {}
    read = {}
    for language, code in CODES.items():
        rows = json.loads((data / f"data/xcsqa/samples/x_csqa_{code}_train_sampled.json").read_text(encoding="utf-8"))
        own = [(parse_row(r, language, "row").row[1], t) for r in rows for t in r["pred"]]
        texts |= {(language, hashlib.sha256(t.encode()).hexdigest()): (o, t) for o, t in own}
        ours = sum(read_answer(t, o, language) is not None for o, t in own)
        read[language] = (ours, sum(reference(t, language) is not None for _, t in own), len(own))
    print("all responses: language, read, read by the reference, of")
    for language, row in read.items():
        print(f"  {language} {row[0]} {row[1]} {row[2]}")
    labels = [json.loads(line) for line in LABELS.read_text(encoding="utf-8").splitlines()]
    for name, meaning in (
        ("hard", "hard responses"),
        ("held", "responses at random, labelled after the parser was done"),
    ):
        print(f"\n{meaning}")
        print("| language | labelled | with an answer | precision | coverage | reference: precision | coverage |")
        print("|---|---|---|---|---|---|---|")
        total = [0] * 6
        for language in CODES:
            counts = [0] * 6
            for row in labels:
                if row["set"] != name or row["language"] != language:
                    continue
                options, text = texts[language, row["sha256"]]
                text = text[: row["cut"]]
                found = (read_answer(text, options, language), reference(text, language))
                counts[0] += 1
                counts[1] += row["label"] is not None
                for i, answer in enumerate(found):
                    counts[2 + 2 * i] += answer is not None
                    counts[3 + 2 * i] += answer is not None and answer == row["label"]
            total = [a + b for a, b in zip(total, counts, strict=True)]
            print(_row(language, counts))
        print(_row("all", total))


def _row(name: str, c: list[int]) -> str:
    def share(a: int, b: int) -> str:
        return f"{a / b:.3f} ({a}/{b})" if b else "–"

    shares = (share(c[3], c[2]), share(c[3], c[1]), share(c[5], c[4]), share(c[5], c[1]))
    return f"| {name} | {c[0]} | {c[1]} | {' | '.join(shares)} |"


if __name__ == "__main__":
    main()
