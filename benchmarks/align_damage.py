"""How much of the damage done to real parallel files on purpose does their content alone show?

    CALM_DATA_DIR=../shared/data/wangym2-CALM python benchmarks/align_damage.py [--seeds 3] [--data xcsqa_test …]

Prints a Markdown table: per data set, damaged language and kind of damage, what was found. "Found" is a refusal or, of
exchanges and shuffles, a warning; for rows inserted and deleted also a repair that leaves exactly the right rows in.
What is known of the published files (benchmarks/align_published.py) is not used. Kinds whose effect on other rows is
small (exchanges, shuffled options) are done ten at a time in a copy of the file and counted one by one; the others one
at a time. "false alarms" counts findings about rows that were not damaged.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import sys
import time
from collections.abc import Sequence

from calm_ext.data.fetch import read_json
from calm_ext.data.parallel.align import join_parallel
from calm_ext.data.parallel.doubts import find_doubts
from calm_ext.data.parallel.evidence import read_texts
from calm_ext.data.parallel.rows import Row
from calm_ext.data.sources import paper
from calm_ext.data.sources.medqa import files_of
from calm_ext.errors import DataError

Rows = dict[str, list[Row]]
_XCSQA = {
    "xcsqa_test": "data/xcsqa/test/x_csqa_{}_test.json",
    "xcsqa_train": "data/xcsqa/samples/x_csqa_{}_train_sampled.json",
}
DATA = {
    "medqa": files_of("en", "test", ("en", "zh", "fr")),
    "medqa_zh": files_of("zh", "test", ("zh", "en", "fr")),
    **{name: {x: f.format(paper.CODES.get(x, x)) for x in ("en", "zh", "fr", "de", "it", "ja")}
       for name, f in _XCSQA.items()},
}  # fmt: skip


def read(name: str, base: str) -> Rows:
    rows = {x: [paper.parse_row(r, x, f).row for r in read_json(base, f)] for x, f in DATA[name].items()}
    if name == "medqa":
        del rows["zh"][298]  # the orphan; `tests/test_align.py` is about it
    return rows


def shuffled(row: Row, rng: random.Random, *, move_gold: bool) -> Row:
    question, options, answer = row
    order = list(range(len(options)))
    free = [k for k in order if move_gold or k != answer]
    while True:
        mixed = rng.sample(free, len(free))
        order = list(range(len(options)))
        for place, k in zip(free, mixed, strict=True):
            order[place] = k
        new = [options[k] for k in order]
        if new != options and (not move_gold or order[answer] != answer):
            return question, new, order.index(answer)


def exchangeable(own: Sequence[Row], rng: random.Random, pairs: int) -> list[tuple[int, int]]:
    """Disjoint pairs of different rows with the same gold letter."""
    places = rng.sample(range(len(own)), len(own))
    found = []
    while len(found) < pairs:
        i = places.pop()
        j = next(k for k in places if own[k][2] == own[i][2] and own[k][:2] != own[i][:2])
        places.remove(j)
        found.append((i, j))
    return found


def doubted(rows: Rows, pivot: str) -> set[int]:
    texts = {x: read_texts([(q, o) for q, o, _ in own]) for x, own in rows.items()}
    return {r for d in find_doubts(texts, [a for _, _, a in rows[pivot]], pivot=pivot) for r in d.rows}


def in_bulk(rows: Rows, language: str, kind: str, rng: random.Random) -> tuple[int, int, int]:
    """Found, done, false alarms."""
    own = list(rows[language])
    pivot = next(iter(rows))
    done = 10 if len(own) > 200 else 3
    if kind == "exchanged":
        groups = exchangeable(own, rng, done)
        for i, j in groups:
            own[i], own[j] = own[j], own[i]
    else:
        groups = []
        for i in rng.sample(range(len(own)), done):
            before = own[i]
            if kind == "options, gold kept":
                own[i] = shuffled(before, rng, move_gold=False)
            else:  # two options that are not gold
                a, b = rng.sample([k for k in range(len(before[1])) if k != before[2]], 2)
                new = list(before[1])
                new[a], new[b] = new[b], new[a]
                own[i] = (before[0], new, before[2])
            groups.append((i,))
    hits = doubted({**rows, language: own}, pivot)
    damaged = {i for g in groups for i in g}
    return sum(bool(hits & set(g)) for g in groups), len(groups), len(hits - damaged)


def one_at_a_time(rows: Rows, language: str, kind: str, rng: random.Random) -> tuple[int, int, int]:
    own = list(rows[language])
    place = rng.randrange(len(own))
    truth = {x: [r[0] for r in r_] for x, r_ in rows.items()}
    if kind == "inserted":
        own.insert(place, rng.choice(own))
    elif kind == "deleted":
        del own[place]
        truth = {x: t[:place] + t[place + 1 :] for x, t in truth.items()}
    elif kind == "gold changed":
        question, options, answer = own[place]
        own[place] = (question, options, rng.choice([k for k in range(len(options)) if k != answer]))
    else:
        own[place] = shuffled(own[place], rng, move_gold=True)
    pivot = next(iter(rows))
    try:
        joined = join_parallel(
            {**rows, language: own}, name="x", files={x: x for x in rows}, source_language=pivot
        )  # fmt: skip
    except DataError:
        return 1, 1, 0
    right = all([q.versions[x].question for q in joined.questions] == truth[x] for x in rows)
    return int(bool(joined.repairs) and right), 1, 0


BULK = ("exchanged", "options, gold kept", "two options, gold kept")
SINGLE = ("inserted", "deleted", "gold changed", "options, gold moved")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", nargs="*", default=list(DATA))
    parser.add_argument("--languages", nargs="*")
    parser.add_argument("--kinds", nargs="*", default=[*BULK, *SINGLE])
    args = parser.parse_args()
    logging.getLogger("calm_ext").setLevel(logging.ERROR)
    base = os.environ.get("CALM_DATA_DIR", "../shared/data/wangym2-CALM")
    print("| data | language | damage | found | of | false alarms |\n|---|---|---|---:|---:|---:|")
    for name in args.data:
        rows = read(name, base)
        start = time.perf_counter()
        clean = len(doubted(rows, next(iter(rows))))
        print(f"| {name} | all | none | | | {clean} |", flush=True)
        print(f"{name}: proof takes {time.perf_counter() - start:.1f} s", file=sys.stderr)
        for language in rows:
            if args.languages and language not in args.languages:
                continue
            for kind in args.kinds:
                found = done = false = 0
                for seed in range(args.seeds):
                    rng = random.Random(f"{name} {language} {kind} {seed}")
                    run = in_bulk if kind in BULK else one_at_a_time
                    a, b, c = run(rows, language, kind, rng)
                    found, done, false = found + a, done + b, false + c
                print(f"| {name} | {language} | {kind} | {found} | {done} | {false} |", flush=True)


if __name__ == "__main__":
    main()
