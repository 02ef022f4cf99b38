"""What an alignment changed, and why: counts by hand, tests against scipy and simulation, hostile text, the verb."""

from __future__ import annotations

import dataclasses
import io
import json
import random
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from scipy.stats import spearmanr

from calm_ext.babel import BabelConfig, questions
from calm_ext.cli.main import cli
from calm_ext.errors import RunError
from calm_ext.jsonl import write_jsonl
from calm_ext.metrics.intervals import wilson
from calm_ext.records import Ballot
from calm_ext.report import write_report
from calm_ext.report.explain.categories import categories
from calm_ext.report.explain.cells import Cells, outcome_counts
from calm_ext.report.explain.depends import depends_p
from calm_ext.report.explain.explain import Explained, explain, explain_part
from calm_ext.report.explain.factors import factors_of
from calm_ext.report.explain.parts import Elected, Part, Row, parts_of_task
from calm_ext.report.explain.shown import moved_questions
from calm_ext.report.explain.telling import KINDS, kind_of, telling
from calm_ext.report.explain.terminal import render
from calm_ext.report.explain.towards import spearman
from calm_ext.report.rundata import read_run
from calm_ext.results.evaluation import Shown, Text

from .test_report import EVIL, check_html, make_answers, make_questions, make_run, write_evaluation

Answers = Sequence[int | None]
LANGUAGES = ["en", "fr", "ru"]


def make_row(
    identity: str, gold: int | None, before: Answers, after: Answers, *, names: Sequence[Sequence[str]] | None = None,
    elected: Elected | None = None, question: str = "Which?",
) -> Row:  # fmt: skip
    """A question with four options in as many languages as there are answers."""
    languages = LANGUAGES[: len(before)]
    texts = names or [[f"{x}{i}" for i in range(4)] for x in languages]
    options = {x: [Text(o, len(o)) for o in own] for x, own in zip(languages, texts, strict=True)}
    shown = Shown({x: Text(question, len(question)) for x in languages}, options, {}, {})
    sides = (dict(zip(languages, side, strict=True)) for side in (before, after))
    return Row(identity, gold, "en" if len(before) > 1 else None, *sides, shown, elected)


def make_part(rows: Sequence[Row], kind: str = "held out") -> Part:
    return Part("toy", kind, list(rows[0].before), list(rows), "")


def explained(rows: Sequence[Row], **options: Any) -> Explained:
    return explain_part(make_part(rows), resamples=200, permutations=99, **options)


#: en, fr, ru before and after; the right answer is 0.
ROWS = [
    make_row("a-1", 0, (0, 1, 2), (0, 0, 2)),  # fr won, to the pivot's answer; the others of fr were at odds
    make_row("a-2", 0, (0, 0, 1), (0, 0, 0)),  # ru won, to the majority: right in all
    make_row("a-3", 0, (1, 1, 0), (1, 1, 1)),  # ru lost, to the majority: wrong in all
    make_row("b-1", 0, (1, 1, 1), (0, 2, None)),  # en won, fr another wrong one, ru none: no longer wrong alike
    make_row("b-2", 0, (0, 0, 0), (0, 0, 0)),
    make_row("b-3", 0, (None, 3, 3), (3, 3, 3)),  # en found an answer, a wrong one
]


# --- counting ---------------------------------------------------------------------------------------------------------


def test_outcomes_by_hand() -> None:
    counts = outcome_counts(make_part(ROWS))
    assert counts["all"] == {"kept": 6, "won": 3, "lost": 1, "other": 3, "same": 5}
    assert counts["en"] == {"kept": 3, "won": 1, "lost": 0, "other": 1, "same": 1}
    assert counts["ru"] == {"kept": 1, "won": 1, "lost": 1, "other": 1, "same": 2}
    unlabelled = outcome_counts(make_part([r._replace(gold=None) for r in ROWS]))
    assert unlabelled["all"] == {"changed": 7, "unchanged": 11}


def test_towards_by_hand() -> None:
    found = explained(ROWS).values["towards"]
    majority, misleading = found["targets"]["majority"], found["targets"]["misleading"]
    # Two others that differ have no majority. Cells that differ from it: a-2 ru, a-3 ru, b-3 en; of a-1 none.
    assert (majority["differed"], majority["changed"], majority["to"], majority["right"]) == (3, 3, 3, 1)
    assert (misleading["differed"], misleading["changed"], misleading["to"], misleading["right"]) == (2, 2, 2, 0)
    # Two of the three had an answer, which leaves three others; one had none, so that four were left.
    assert majority["chance"] == pytest.approx((1 / 3 + 1 / 3 + 1 / 4) / 3)
    # b-1 and b-2 agreed with their majority in all languages, b-3 in two; b-1 left it in all three.
    assert (majority["agreed"], majority["left"]) == (8, 3)
    pivot = found["targets"]["pivot"]
    # fr and ru of a-1, ru of a-2 and of a-3 differed from English; ru of a-1 did not change, the others came to it.
    assert (pivot["differed"], pivot["changed"], pivot["to"], pivot["right"]) == (4, 3, 3, 2)
    gold = found["targets"]["gold"]
    assert (gold["differed"], gold["to"]) == (11, 3)
    assert found["gain"] == pytest.approx({"majority": 0.0, "elsewhere": 2 / 18, "none": 0.0})
    assert "elected" not in found["targets"]


@pytest.mark.parametrize(("to", "bounds"), [(1, wilson(0.0, 3)), (0, wilson(1.0, 3))])
def test_a_share_of_three_is_not_certain(to: int, bounds: tuple[float, float]) -> None:
    """All or none of three moves came to the answer that the others gave: a score interval, not a single point."""
    rows = [make_row(f"a-{i}", 0, (1, 1, 2), (1, 1, 1 if to == 0 else 3)) for i in range(3)]
    found = explained([*rows, *(make_row(f"b-{i}", 0, (1, 1, 1), (1, 1, 1)) for i in range(5))]).values["towards"]
    target = found["targets"]["majority"]
    assert (target["changed"], target["to"]) == (3, 0 if to else 3)
    assert target["ci95"][0] <= target["share"] <= target["ci95"][1]
    assert target["ci95"] == pytest.approx(bounds, abs=0.01) and target["ci95"][1] - target["ci95"][0] > 0.4


def test_elected_answers_count_in_the_options_of_the_evaluated_question(tmp_path: Path) -> None:
    """The alignment may have asked a question with its options in another order."""
    run = make_run(tmp_path / "run", languages=["en", "fr", "ar"], n=12, n_test=6, evil=False)
    before = _elected(run)
    rows = [json.loads(x) for x in (run / "questions.jsonl").read_text().splitlines()]
    for row in rows:
        row["answer"] = 3 - row["answer"]
        for version in row["versions"].values():
            version["options"].reverse()
    (run / "questions.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    ballots = [json.loads(x) for x in (run / "ballots.jsonl").read_text().splitlines()]
    for ballot in ballots:
        ballot["winner"] = None if ballot.get("winner") is None else 3 - ballot["winner"]
    write_jsonl(run / "ballots.jsonl", [Ballot(**b) for b in ballots])
    assert before == _elected(run)
    assert {0, 1, 2, 3} & {e.winner for e in before.values() if e}


def _elected(run: Path) -> dict[str, Elected | None]:
    (part,) = parts_of_task(read_run(run), "toy_xl_asked")
    return {row.id: row.elected for row in part.rows}


def test_wrong_alike_by_hand() -> None:
    alike = explained(ROWS).values["alike"]
    moves = {(a, b): n for a, own in alike["moves"].items() for b, n in own.items() if n}
    assert moves == {
        ("mixed", "most_right"): 1, ("most_right", "right"): 1, ("most_wrong", "wrong"): 2, ("wrong", "mixed"): 1,
        ("right", "right"): 1,
    }  # fmt: skip
    assert (alike["new"], alike["solved"], alike["same_answer"]) == (0, 0, 2)


def test_pairs_by_hand() -> None:
    found = explained(ROWS).values["pairs"]
    pairs = {(p["a"], p["b"]): p for p in found["pairs"]}
    assert pairs["en", "fr"]["before"] == pytest.approx(4 / 6)
    assert pairs["en", "fr"]["after"] == pytest.approx(5 / 6)
    assert pairs["en", "fr"]["right"] == pytest.approx(1 / 6)
    assert pairs["en", "fr"]["wrong"] == pytest.approx(0)
    assert [pairs[x]["same_script"] for x in (("en", "fr"), ("en", "ru"), ("fr", "ru"))] == [True, False, False]
    scripts = found["scripts"]
    assert (scripts["same"]["n_pairs"], scripts["different"]["n_pairs"]) == (1, 2)
    expected = pairs["en", "fr"]["difference"] - (pairs["en", "ru"]["difference"] + pairs["fr", "ru"]["difference"]) / 2
    assert scripts["contrast"]["difference"] == pytest.approx(expected)


def test_levels_by_hand() -> None:
    factors = {f["key"]: f for f in explained(ROWS).values["factors"]}
    levels = {key: {x["level"]: x for x in f["levels"]} for key, f in factors.items()}
    pivot = levels["pivot"]
    # English knew a-1, a-2, b-2: of the other languages' 3 wrong answers 2 were won, of 3 right ones none was lost.
    assert [pivot["yes"][k] for k in ("n_questions", "n_answers", "won", "wrong", "lost", "right")] == [
        3,
        6,
        2,
        3,
        0,
        3,
    ]
    assert [pivot["no"][k] for k in ("n_questions", "n_answers", "won", "wrong", "lost", "right")] == [3, 6, 0, 5, 1, 1]
    assert pivot["yes"]["difference"] == pytest.approx((1 / 2 + 1 / 2 + 0) / 3)
    n_right = levels["n_right"]
    assert {x: own["n_questions"] for x, own in n_right.items()} == {"0": 2, "1": 2, "2": 1, "3": 1}
    assert (n_right["0"]["won"], n_right["0"]["wrong"]) == (1, 6)
    assert np.isnan(n_right["2"]["ci95"]).all(), "one question has no interval"
    assert levels["language"]["Russian (ru)"]["difference"] == pytest.approx(0)
    assert {"Latin (Latn)", "Cyrillic (Cyrl)"} == set(levels["script"])
    corrected = [t["p_holm"] for f in factors.values() for t in f["tests"].values() if not np.isnan(t["p"])]
    raw = [t["p"] for f in factors.values() for t in f["tests"].values() if not np.isnan(t["p"])]
    assert all(c >= p for c, p in zip(corrected, raw, strict=True))


@pytest.mark.parametrize(
    ("names", "level"),
    [
        ([["Paris"] * 4, ["Paris"] * 4, ["Париж"] * 4], "under half"),
        ([["México"] * 4, ["Mexico"] * 4, ["MEXICO"] * 4], "all pairs"),
        ([["Mexico City"] * 4, ["Ciudad de México"] * 4, ["Мехико"] * 4], "under half"),
        ([["sea"] * 4, ["mer"] * 4, ["море"] * 4], "no pair"),
    ],
)
def test_shared_names(names: list[list[str]], level: str) -> None:
    rows = [make_row("q-1", 0, (0, 1, 0), (0, 0, 0), names=names), make_row("q-2", 0, (0, 0, 0), (0, 0, 0))]
    if level == "no pair":  # a factor needs two levels
        rows[1] = make_row("q-2", 0, (0, 0, 0), (0, 0, 0), names=[["Rome"] * 4] * 3)
    factor = next(f for f in factors_of(Cells(make_part(rows))) if f.key == "shared")
    assert factor.levels[factor.at[0, 0]] == level


def test_the_vote_is_a_factor_of_asked_questions_only() -> None:
    asked = [r._replace(elected=Elected(0, i / 10, i / 10, i % 2 == 0)) for i, r in enumerate(ROWS)]
    keys = {f.key for f in factors_of(Cells(make_part(asked, "asked")))}
    assert {"margin", "probability", "trained"} <= keys
    assert not {"margin", "probability", "trained"} & {f.key for f in factors_of(Cells(make_part(ROWS)))}


# --- categories -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("questions", "of"),
    [
        ({f"klar-{x}-{i}": "?" for x in ("place_of_birth", "capital") for i in range(5)}, "place_of_birth"),
        ({f"mmlu-{x}/test/{i}": "?" for x in ("law", "virology") for i in range(5)}, "law"),
        ({f"bmlama17-{k:03d}{i:02d}": f"{n} {x}" for k, x in enumerate(("plays the ____.", "was born in ____."))
          for i, n in enumerate("ABCDE")}, "… plays the ____."),
        ({f"medqa-{i:03d}": " ".join(random.Random(i).choices("abcdefgh", k=9)) for i in range(30)}, None),
        ({f"link-{i}-1": "?" for i in range(30)}, None),
    ],
)  # fmt: skip
def test_categories(questions: Mapping[str, str], of: str | None) -> None:
    found = categories(questions)
    assert (found and next(iter(found.of.values()))) == of


# --- tests ------------------------------------------------------------------------------------------------------------


def rejected(simulate: Callable[[np.random.Generator], tuple[Any, ...]], n: int = 120, **how: Any) -> float:
    """How often p < .05 in n simulations."""
    rng = np.random.default_rng(1)
    values = [depends_p(*simulate(rng), permutations=99, **how) for _ in range(n)]
    return float(np.mean([p <= 0.05 for p in values]))


def test_a_factor_of_the_question_is_found_only_where_there_is_one() -> None:
    """Languages of a question that move together, and easy questions with more trials, make no effect."""

    def simulate(rng: np.random.Generator, effect: float = 0.0) -> tuple[Any, ...]:
        level = rng.integers(0, 4, 60)
        trials = rng.random((60, 5)) < (0.3 + 0.2 * level)[:, None]
        together = rng.random((60, 1)) < 0.5
        events = np.where(together, rng.random((60, 1)), rng.random((60, 5))) < 0.4 + effect * (level[:, None] - 1.5)
        return np.repeat(level[:, None], 5, axis=1), events, trials

    for ordered in (True, False):
        assert rejected(simulate, ordered=ordered, within=False) < 0.12
        assert rejected(lambda rng: simulate(rng, 0.25), 30, ordered=ordered, within=False) > 0.8


def test_a_factor_of_the_language_is_found_only_where_there_is_one() -> None:
    def simulate(rng: np.random.Generator, effect: float = 0.0) -> tuple[Any, ...]:
        level = np.repeat(np.array([[0, 0, 1, 1, 2]]), 60, axis=0)
        easy = rng.random((60, 1))
        return level, rng.random((60, 5)) < 0.2 + 0.5 * easy + effect * (level - 1), rng.random((60, 5)) < 0.8

    assert rejected(simulate, ordered=False, within=True) < 0.12
    assert rejected(lambda rng: simulate(rng, 0.2), 30, ordered=False, within=True) > 0.8


def test_nothing_to_test_is_no_p() -> None:
    levels, some = np.array([[0, 0], [1, 1]]), np.array([[True, False], [True, True]])
    for events, trials in ((some & False, some), (some, some), (some[:1], some[:1])):
        assert np.isnan(depends_p(levels[: len(events)], events, trials, ordered=False, within=False))


def test_spearman_is_scipys() -> None:
    rng = np.random.default_rng(3)
    x = rng.integers(-3, 4, 80) / 3
    y = np.round(x + rng.normal(size=80), 1)
    value, (low, high) = spearman(x, y, resamples=500)
    assert value == pytest.approx(spearmanr(x, y).statistic)
    drawn = [spearmanr(x[i], y[i]).statistic for i in (rng.integers(0, 80, 80) for _ in range(500))]
    assert (low, high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.05)
    assert np.isnan(spearman(x, np.zeros(80), resamples=100)[0])


# --- questions to read ------------------------------------------------------------------------------------------------


def test_every_kind_is_represented() -> None:
    assert [kind_of(r) for r in ROWS] == ["gained", "won", "mixed", "gained", None, "mixed"]
    came = make_row("c-1", 0, (0, 0, 1), (1, 1, 1))
    lost = make_row("c-2", 0, (0, 0, 1), (0, 2, 1))
    assert (kind_of(came), kind_of(lost)) == ("wrong", "lost")
    many = [r._replace(id=f"x-{i}") for i in range(30) for r in (ROWS[0],)]
    chosen = telling(make_part([*many, came, lost, *ROWS]), 8)
    assert [t.kind for t in chosen] == sorted((t.kind for t in chosen), key=list(KINDS).index)
    assert {t.kind for t in chosen} == {"won", "gained", "lost", "wrong", "mixed"}
    assert len(telling(make_part(ROWS), 50)) == 5, "a question that did not move is not shown"
    unlabelled = [r._replace(gold=None) for r in ROWS]
    assert [kind_of(r) for r in unlabelled] == ["together", "mixed", "mixed", "apart", None, "mixed"]


def test_a_card_says_whom_an_answer_followed() -> None:
    from calm_ext.report.explain.cards import cards_of, followed
    from calm_ext.report.explain.page import render_explanation

    assert followed(ROWS[1], "ru") == "followed the majority: English, French"
    assert followed(ROWS[0], "fr") == "followed English", "the others were at odds"
    assert followed(ROWS[3], "en") == "no other language had given it"
    assert followed(ROWS[3], "ru") == "", "no answer"
    voted = make_row("v", 0, (0, 1, 2), (0, 1, 3), elected=Elected(3, 0.9, 0.5, False))
    assert followed(voted, "ru") == "followed the vote; no other language had given it"
    voted = make_row("v", 0, (0, 0, 2), (0, 0, 0), elected=Elected(0, 0.9, 0.5, False))
    assert followed(voted, "ru") == "followed the majority: English, French; the vote, too"
    rows = [ROWS[1], make_row('q7/../"> b', 0, (1, 1, 1), (0, 2, 1))]
    found = explained(rows)
    page = render_explanation("toy", [found])
    check_html(page)
    for kind in cards_of(found):
        for card in kind["cards"]:
            assert f'id="{card["anchor"]}"' in page
            assert " " not in card["anchor"]
    assert "followed the majority: English, French" in page


def test_sentences_leave_out_what_is_none() -> None:
    values = explained([make_row(f"q{i}", 0, (0, 1, 2), (0, 0, 2)) for i in range(3)]).values
    words = " ".join(values["words"].values())
    assert "(33.3 %) changed: 3 answers became right." in words
    assert "On 0 questions" not in words
    assert "0 answers became" not in words
    assert "0 questions came to it" not in " ".join(explained(ROWS[:2]).values["words"].values())


def test_a_category_does_not_fill_a_kind() -> None:
    best = [make_row(f"a-{i}", 0, (1, 1, 2), (0, 0, 2)) for i in range(5)]
    other = make_row("b-1", 0, (1, 0, 2), (0, 0, 2))
    chosen = telling(make_part([*best, other]), 3, {**{r.id: "a" for r in best}, "b-1": "b"})
    assert [t.row.id for t in chosen] == ["a-0", "a-1", "a-2"]
    chosen = telling(make_part([*best, other]), 4, {**{r.id: "a" for r in best}, "b-1": "b"})
    assert "b-1" in [t.row.id for t in chosen]


# --- runs -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "toy", languages=["en", "ar", "ja"], n=40, n_test=50)


def verb(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["explain", *map(str, arguments)])


def test_the_verb_prints_and_writes(run: Path, tmp_path: Path) -> None:
    done = verb(run, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "Of 150 answers (50 questions in 3 languages, held out)" in done.output
    assert "also in the page: toy_xl_asked: 40 questions in 3 languages, asked in the alignment" in done.output
    assert done.output.splitlines()[-1] == f"page: {tmp_path / 'out/explain.html'}"
    found = json.loads(verb(run, "-o", tmp_path / "out", "--json", "--questions", 3).output)
    first, second = found["parts"]
    assert (first["task"], first["kind"], second["task"], second["kind"]) == (
        "toy_xl", "held out", "toy_xl_asked", "asked",
    )  # fmt: skip
    assert len(first["telling"]) == 3
    rows = {w: [json.loads(x) for x in (run / f"eval/{w}/samples_toy_xl.jsonl").read_text().splitlines()]
            for w in ("before", "after")}  # fmt: skip
    gain = np.mean([b["acc"] - a["acc"] for a, b in zip(rows["before"], rows["after"], strict=True)])
    assert first["acc"]["difference"] == pytest.approx(gain)
    counts = first["outcomes"]["all"]
    assert (counts["won"] - counts["lost"]) / 150 == pytest.approx(gain)
    assert sum(first["towards"]["gain"].values()) == pytest.approx(gain)
    for factor in first["factors"]:
        assert sum(x["won"] for x in factor["levels"]) <= counts["won"]
    assert {"elected", "majority"} <= set(second["towards"]["targets"])
    assert [e.part.task for e in explain(read_run(run), task="toy_xl_asked", questions=0)] == ["toy_xl_asked"]


def test_three_questions_for_a_terminal(run: Path, tmp_path: Path) -> None:
    """What was answered before and now, in a language that changed, of questions that were held out."""
    from rich.console import Console

    with (tmp_path / "out").open("w") as out:
        console = Console(width=100, record=True, file=out)
        for part in moved_questions(read_run(run)):
            console.print(part)
    title, *lines = [x.strip() for x in console.export_text().splitlines()]
    assert title.startswith("3 questions with changed answers, held out")
    heads = [x for x in lines if x.startswith(("all right", "more right", "fewer right", "alike and wrong", "changed"))]
    assert len(heads) == 3 and heads[0].startswith("all right")
    rows = {x["doc"]["id"]: x for x in map(json.loads, (run / "eval/after/samples_toy_xl.jsonl").open())}
    asked = {q: row["doc"] for row in rows.values() for q in row["doc"]["questions"]}
    doc = asked[next(q for q in asked if q in heads[0])]
    options = lines[lines.index(heads[0]) + 1]
    right = {own[doc["answer"]] for own in doc["options"]}
    assert any(f"→ [{x}] ✓" in options for x in right), options
    assert moved_questions(dataclasses.replace(read_run(run), evaluations={})) == []


def test_babel_is_shown_in_english_too(tmp_path: Path) -> None:
    """In the terminal and in both pages, by the numbers of the world's relations and values."""
    from rich.console import Console

    asked = questions(BabelConfig(seed=1), "test")[:40]
    for when, share in (("before", 0.4), ("after", 0.9)):
        answers = make_answers(asked, dict.fromkeys(asked[0].versions, share), len(when))
        write_evaluation(tmp_path / "run/eval" / when, {"babel_xl": (asked, answers)})
    (tmp_path / "run/recipe.yaml").write_text("name: b\n")
    console = Console(width=120, record=True, file=io.StringIO())
    for part in moved_questions(read_run(tmp_path / "run")):
        console.print(part)
    shown = console.export_text()
    assert shown.count("in English") == 3
    lines = [x.strip() for x in shown.splitlines()]
    for at in (i for i, x in enumerate(lines) if x.startswith("in English")):
        words, right = lines[at - 1], lines[at + 1]
        assert [x.count("✓") for x in (words, right)] == [1, 1]
        place = [re.split(r" {3}", x) for x in (words, right)]
        assert [i for i, x in enumerate(place[0]) if "✓" in x] == [i for i, x in enumerate(place[1]) if "✓" in x]
    write_report(tmp_path / "run")
    explained = (tmp_path / "run/report/explain.html").read_text()
    assert explained.count('<p class="english">In English: The ') == len(
        re.findall('<article class="telling"', explained)
    )
    assert re.search(
        r'<small lang="en" dir="ltr">The \w+ of \w+\?</small>', (tmp_path / "run/report/index.html").read_text()
    )


def test_several_runs_are_read_as_one(run: Path, tmp_path: Path) -> None:
    """Two folds; and runs that measured the same questions, each of which still weighs the same."""
    for name, mine in (("one", lambda i: i < 30), ("two", lambda i: i >= 30)):
        shutil.copytree(run, tmp_path / name)
        for when in ("before", "after"):
            path = tmp_path / name / f"eval/{when}/samples_toy_xl.jsonl"
            lines = path.read_text().splitlines(keepends=True)
            path.write_text("".join(x for i, x in enumerate(lines) if mine(i)))
    whole = json.loads(verb(run, "-o", tmp_path / "out", "--json").output)["parts"][0]
    folds = json.loads(verb(tmp_path / "one", tmp_path / "two", "-o", tmp_path / "out", "--json").output)
    assert folds["run"].endswith("and 1 more, pooled")
    assert folds["parts"][0]["n_questions"] == 50
    assert {k: folds["parts"][0][k] for k in ("acc", "outcomes", "factors", "pairs")} == {
        k: whole[k] for k in ("acc", "outcomes", "factors", "pairs")
    }
    twice = json.loads(verb(tmp_path / "one", run, "-o", tmp_path / "out", "--json").output)["parts"][0]
    assert (twice["n_questions"], twice["n_answers"], twice["repeated"]["n_rows"]) == (50, 80 * 3, 80)
    assert {k: twice["acc"][k] for k in ("before", "after", "difference")} == pytest.approx(
        {k: whole["acc"][k] for k in ("before", "after", "difference")}
    )
    assert twice["acc"]["ci95"] == pytest.approx(whole["acc"]["ci95"])
    assert [t["id"] for t in twice["telling"]] == [t["id"] for t in whole["telling"]]
    assert "name one for explain.html with -o" in str(verb(run, run).exception)
    path = tmp_path / "one/eval/after/samples_toy_xl.jsonl"
    (line, *rest) = path.read_text().splitlines()
    other = json.loads(line)
    other["doc"]["questions"] = [f"{q} Or not?" for q in other["doc"]["questions"]]
    path.write_text("\n".join([json.dumps(other), *rest]) + "\n")
    assert "of one run is another in a second" in str(verb(tmp_path / "one", run, "-o", tmp_path / "out").exception)


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", languages=["en", "ar"], n=12, n_test=20)
    for when in ("before", "after"):
        path = run / f"eval/{when}/samples_toy_xl.jsonl"
        rows = [json.loads(x) for x in path.read_text().splitlines()]
        for row in rows:
            doc = row["doc"]
            doc["id"] += EVIL
            doc["questions"] = [f"{EVIL} {q}" for q in doc["questions"]]
            doc["options"] = [[f"{EVIL} {o}" for o in own] for own in doc["options"]]
            row["kappa"] = {
                x: "ABCD".index(r[-1]) for x, r in zip(doc["languages"], row["filtered_resps"], strict=True)
            }
            row["filtered_resps"] = [f"{EVIL}\n{r}" for r in row["filtered_resps"]]
        path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    recipe = (run / "recipe.yaml").read_text()
    (run / "recipe.yaml").write_text(recipe.replace("name: toy", f"name: 'toy {EVIL}'"))
    done = verb(run, "-o", tmp_path)
    assert done.exit_code == 0, done.output
    page = (tmp_path / "explain.html").read_text(encoding="utf-8")
    tags = check_html(page)
    assert "alert" in page and not {"script", "iframe"} & tags
    assert "<img src=x" not in page


def test_one_language_no_gold_and_abstentions(tmp_path: Path) -> None:
    for languages, gold in ((["en"], True), (["en", "fr"], False), (["en"], False)):
        run = make_run(tmp_path / f"{len(languages)}-{gold}", languages=["en", "fr"], n=8, n_test=12, evil=False)
        questions = make_questions(12, languages, "test", gold)
        answers = [dict.fromkeys(languages, i % 4) for i in range(12)]
        moved = [{x: (i + (x == "fr")) % 3 for x in languages} for i in range(12)]
        for when, own in (("before", answers), ("after", moved)):
            write_evaluation(run / "eval" / when, {"toy_xl": (questions, own)})
            path = run / f"eval/{when}/samples_toy_xl.jsonl"
            path.write_text(path.read_text().replace("Answer: D", "I do not know."))
            _score_again(path, languages)
        done = verb(run, "-o", tmp_path, "--json")
        assert done.exit_code == 0, done.output
        (part,) = (p for p in json.loads(done.output)["parts"] if p["task"] == "toy_xl")
        assert part["gold"] is gold
        assert (part["towards"] is None) == (len(languages) == 1)
        assert part["telling"][0]["before"].keys() == set(languages)
        assert any(None in t["before"].values() for t in part["telling"])
        check_html((tmp_path / "explain.html").read_text(encoding="utf-8"))
        assert list(render(part))


def _score_again(path: Path, languages: Sequence[str]) -> None:
    """Metrics of answers that were made unreadable."""
    from calm_ext.metrics.question import question_metrics

    rows = [json.loads(x) for x in path.read_text().splitlines()]
    for row in rows:
        given = ["ABCD".find(r[-1]) for r in row["filtered_resps"]]
        answers = {x: None if a < 0 else a for x, a in zip(languages, given, strict=True)}
        row.update(question_metrics(answers, row["doc"]["answer"]))
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))


def test_a_task_in_other_languages_than_before_and_than_asked(run: Path, tmp_path: Path) -> None:
    other = make_run(tmp_path / "run", languages=["en", "ar", "ja"], n=20, n_test=16, evil=False)
    questions = make_questions(16, ["ja", "de"], "test")
    write_evaluation(other / "eval/after", {"toy_xl": (questions, [{"ja": 0, "de": 1}] * 16)})
    (part, *_) = explain(read_run(other), task="toy_xl")
    assert part.part.languages == ["ja"]
    assert part.values["n_answers"] == 16


@pytest.mark.parametrize(
    ("gone", "task", "message"),
    [
        ("eval/after", None, "the evaluation after alignment is missing (eval/after)"),
        ("", "other", "has no task 'other'; its tasks: toy_xl, toy_xl_asked, arc_easy"),
        ("", "arc_easy", "arc_easy: no answers to compare question by question"),
    ],
)
def test_what_cannot_be_explained_is_one_line(tmp_path: Path, gone: str, task: str | None, message: str) -> None:
    run = make_run(tmp_path / "run", languages=["en", "fr"], n=8, n_test=8, evil=False)
    if gone:
        (run / gone).rename(tmp_path / "gone")
    done = verb(run, *(("--task", task) if task else ()))
    assert isinstance(done.exception, RunError)
    assert message in str(done.exception) and "\n" not in str(done.exception)
    assert not (run / "report/explain.html").exists()


def test_one_question_says_whom_it_followed_and_what_was_trained(run: Path) -> None:
    def told(*arguments: str) -> str:
        done = CliRunner().invoke(cli, ["explain", str(run), *arguments], catch_exceptions=False)
        assert done.exit_code == 0
        return done.output

    data = read_run(run)
    parts = [p for task in data.tasks for p in parts_of_task(data, task)]
    part, moved = next((p, r) for p in parts for r in p.rows if r.before != r.after)
    said = told("--id", moved.id)
    changed = [x for x in moved.before if moved.before[x] != moved.after[x]]
    assert f"\n{part.task}, " in said and said.count(": from ") >= len(changed)
    assert ("The alignment did not ask this question" in said) == (part.kind == "held out")
    (values,) = (v for v in json.loads(told("--id", moved.id, "--json"))["tasks"] if v["task"] == part.task)
    assert values["before"] == moved.before and len(values["why"]) == len(changed)
    trained = next(b for b in data.ballots if b.id in {p.id for p in data.pairs or []})
    said = told("--id", trained.id)
    assert f"Elected: {'ABCD'[trained.winner or 0]}, by a margin of {trained.margin:.2f}" in said
    assert said.count("  pair in ") == sum(p.id == trained.id for p in data.pairs or [])
    with pytest.raises(RunError, match=r"has no question babel-x.*; its first: "):
        told("--id", "babel-x")
