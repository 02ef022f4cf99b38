"""Votes on more questions than are kept in memory: as if they were, and what is learned from a part of them."""

from __future__ import annotations

import random
import tempfile
import tracemalloc
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from calm_ext.cli.main import main
from calm_ext.disk.shards import Shards, shards_of
from calm_ext.disk.spill import Kept, Numbers, Spill
from calm_ext.errors import DataError
from calm_ext.jsonl import write_jsonl
from calm_ext.pairing import build, meet
from calm_ext.pairing.build import PairReport, build_pairs
from calm_ext.pairing.groups import build_groups
from calm_ext.pairing.options import PairingOptions
from calm_ext.prompts import Style
from calm_ext.records import Ballot, Generation, Group, Pair
from calm_ext.voting.elect import Election, elect, votes_of_others
from calm_ext.voting.options import VotingOptions
from calm_ext.voting.quality import vote_summary
from calm_ext.voting.rules import RULES
from calm_ext.voting.stored import StoredTable
from calm_ext.voting.table import VoteTable
from tests.test_letters import lettered
from tests.test_voting import invented, scored


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def world(kind: str, n: int = 60) -> list[Generation]:
    """Questions in three languages: some lack a language, a source, a gold answer or an option, or have two alike."""
    rng = random.Random(1)
    if kind == "samples":
        found = []
        for g in invented(n, repeat=0.3):
            number = int(g.id[1:])
            update: dict[str, Any] = {"source_language": ("en", None, "it", "fr")[number % 4 if number % 5 else 0]}
            if number % 7 == 0:
                update["options"] = ["w0", "w1", "w1"]
            if number % 11 == 0:
                update["answer"] = None
            if number % 13 or g.language != "fr":
                found.append(g.model_copy(update=update))
        return found
    if kind == "options":
        return [
            scored(x, *(rng.gauss(-9 + 3 * (o == i % 3), 2) for o in range(3)), name=f"q{i}")
            for i in range(n)
            for x in ("en", "fr", "de")
        ]
    return [
        lettered(f"q{i}", x, [rng.gauss(-2 + (place == 0), 1) for place in range(3)], rng.sample(range(3), 3))
        for i in range(n)
        for x in ("en", "fr", "zh")
    ]


STYLES: dict[str, Style] = {"samples": "direct", "options": "cloze", "letters": "letters"}


def numbered(generations: Sequence[Generation]) -> list[tuple[str, Generation]]:
    return [(f"g.jsonl:{i}", g) for i, g in enumerate(generations, 1)]


def stored(generations: Sequence[Generation], kind: str = "samples", **sizes: int) -> StoredTable:
    sizes = {"few": 30, "block": 21, **sizes}  # ten questions, and seven
    return StoredTable.read(numbered(generations), style=STYLES[kind], **sizes)


def in_memory(generations: Sequence[Generation], kind: str = "samples") -> VoteTable:
    return VoteTable.read(numbered(generations), style=STYLES[kind])


CASES = [
    *(("samples", rule, {}) for rule, own in RULES.items() if not own.needs_scores),
    ("samples", "majority", {"ties": "first", "keep_share": 0.5}),
    ("samples", "majority", {"ties": "pivot", "pivot": "de", "min_margin": 0.2, "min_languages": 2}),
    ("samples", "correlated", {"keep_share": 0.5, "keep": "probability", "weights": {"fr": 2.0}}),
    *(("options", rule, {}) for rule in ("correlated", "zscore", "leave_one_out")),
    ("letters", "correlated", {}),
    ("letters", "majority", {"min_probability": 0.5}),
]


@pytest.mark.parametrize(("kind", "rule", "options"), CASES)
def test_a_table_on_disk_elects_as_one_in_memory(kind: str, rule: str, options: dict[str, Any], tmp_path: Path) -> None:
    chosen = VotingOptions(rule=rule, **options)
    small, large = in_memory(world(kind), kind), stored(world(kind), kind)
    assert len(list(tmp_path.iterdir())) == 1
    wanted, found = elect(small, chosen), elect(large, chosen)
    assert list(found.ballots) == list(wanted.ballots)
    assert found[1:] == wanted[1:]
    assert vote_summary(found.ballots, large.gold, found.estimate) == vote_summary(
        wanted.ballots, small.gold, wanted.estimate
    )
    assert votes_of_others(large, chosen) == votes_of_others(small, chosen)
    assert (large.scoring(), large.equal_options) == (small.scoring(), small.equal_options)


@pytest.mark.parametrize("kind", list(STYLES))
def test_languages_may_come_one_after_the_other(kind: str) -> None:
    by_language = sorted(world(kind), key=lambda g: g.language)
    wanted = {b.id: b for b in elect(in_memory(by_language, kind), VotingOptions()).ballots}
    assert {b.id: b for b in elect(stored(by_language, kind), VotingOptions()).ballots} == wanted


def test_what_does_not_fit_is_refused_wherever_it_stands() -> None:
    rows = invented(40)
    again, other, scores = rows[0], rows[0].model_copy(update={"language": "it", "answer": 2}), scored("it", 0, 1, 2)
    for late, said in (
        (again, "g.jsonl:121: question q0 comes twice in en"),
        (other, r"g.jsonl:121: question q0 has other options .* in it than in en \(g.jsonl:1\)"),
        (scores, "g.jsonl:121: question q has option scores in it, but there are responses at g.jsonl:1"),
    ):
        with pytest.raises(DataError, match=said):
            stored([*rows, late])
    with pytest.raises(DataError, match="no generations"):
        stored([])


def learned(generations: Sequence[Generation], kind: str = "samples", **options: Any) -> Election:
    return elect(stored(generations, kind, learned=600), VotingOptions(**options))


@pytest.mark.parametrize("rule", ["correlated", "dawid_skene", "leave_one_out", "self_consistency"])
def test_a_part_of_the_questions_shows_what_all_would(rule: str) -> None:
    rows = invented(600, repeat=0.3)
    whole, part = elect(in_memory(rows), VotingOptions(rule=rule)), learned(rows, rule=rule)
    assert (whole.learned_from, part.learned_from) == (None, 200)
    assert any("is learned from 200 of 600" in note for note in part.notes)
    same = [a.winner == b.winner for a, b in zip(whole.ballots, part.ballots, strict=True)]
    assert sum(same) / len(same) > 0.97
    assert part.weights == pytest.approx(whole.weights, abs=0.15)
    assert part.weights != whole.weights or rule == "correlated"
    assert whole.estimate is not None
    assert part.estimate is not None
    assert part.estimate.value == pytest.approx(whole.estimate.value, abs=0.05)
    assert part.estimate.low < part.estimate.value < part.estimate.high
    assert part.estimate.high - part.estimate.low > whole.estimate.high - whole.estimate.low


def test_which_part_depends_on_the_ids_alone() -> None:
    rows = invented(400)
    groups = [rows[i : i + 3] for i in range(0, len(rows), 3)]
    random.Random(3).shuffle(groups)
    first = {b.id: b for b in learned(rows, rule="leave_one_out").ballots}
    again = {b.id: b for b in learned([g for own in groups for g in own], rule="leave_one_out").ballots}
    assert first.keys() == again.keys()
    for name, ballot in first.items():
        assert (ballot.winner, ballot.weights) == (again[name].winner, again[name].weights)
        assert ballot.probability == pytest.approx(again[name].probability, abs=1e-6)


def test_letters_are_corrected_by_what_a_part_shows() -> None:
    rows = [
        lettered(f"q{i}", x, [random.Random(f"{i}{x}{p}").gauss(-3 + 2 * (p == 0), 1) for p in range(3)], (2, 0, 1))
        for i in range(400)
        for x in ("en", "fr")
    ]
    whole, part = in_memory(rows, "letters"), stored(rows, "letters", learned=400)
    assert part.letters["en"].corrected
    assert part.letters["en"].after < 0.15 < 0.3 < part.letters["en"].before
    for a, b in zip(whole.likings["en"][3] or (), part.learned.likings["en"][3] or (), strict=True):
        assert a == pytest.approx(b, abs=0.05)
    same = [
        a.votes == b.votes
        for a, b in zip(elect(whole, VotingOptions()).ballots, elect(part, VotingOptions()).ballots, strict=True)
    ]
    assert sum(same) / len(same) > 0.9


# --- memory -----------------------------------------------------------------------------------------------------------


def peak(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_of_a_vote_does_not_grow_with_the_questions() -> None:
    def voted(rows: list[Generation]) -> None:
        table = StoredTable.read(((g.id, g) for g in rows), style="direct", learned=300, few=300, block=150)
        election = elect(table, VotingOptions())
        vote_summary(election.ballots, table.gold, election.estimate)

    few, many = invented(500), invented(2000)
    voted(few)  # what is loaded once
    grown = peak(lambda: voted(many)) - peak(lambda: voted(few))
    assert grown < 1500 * 150  # bytes; the votes of a question alone take some 1,500


@pytest.fixture
def _spills(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meet, "Spill", partial(Spill, few=5))
    monkeypatch.setattr(build, "Numbers", partial(Numbers, few=5))


def cast(rows: Sequence[Generation]) -> list[tuple[str, Ballot]]:
    return [(f"b.jsonl:{i}", b) for i, b in enumerate(elect(in_memory(rows), VotingOptions()).ballots, 1)]


def paired(ballots: Sequence[tuple[str, Ballot]], rows: Sequence[Generation]) -> tuple[list[Pair], dict[str, object]]:
    report = PairReport()
    pairs = build_pairs(ballots, lambda: numbered(rows), PairingOptions(), style="direct", report=report)
    return list(pairs), report.summary()


def test_pairs_are_the_same_where_ballots_are_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = world("samples")
    rows += [g.model_copy(update={"id": f"again {g.id}"}) for g in rows[:30]]  # whose pairs are repeated
    ballots = cast(rows)
    wanted = paired(ballots, rows)
    assert wanted[1]["left_out"]
    monkeypatch.setattr(meet, "Spill", partial(Spill, few=5))
    monkeypatch.setattr(build, "Numbers", partial(Numbers, few=5))
    assert paired(ballots, rows) == wanted
    random.Random(2).shuffle(ballots)
    assert paired(ballots, rows) == wanted


@pytest.mark.usefixtures("_spills")
def test_ballots_on_disk_are_refused_as_in_memory() -> None:
    rows = world("samples")
    ballots = cast(rows)
    with pytest.raises(DataError, match=r"b\.jsonl:9: question q7 has a ballot already at b\.jsonl:8"):
        paired([*ballots[:8], ("b.jsonl:9", ballots[7][1])], rows)
    with pytest.raises(DataError, match=r"b\.jsonl:60: there are no generations of question q59 in de"):
        paired(ballots, rows[:-1])


@pytest.mark.usefixtures("_spills")
def test_memory_of_pairs_does_not_grow_with_the_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meet, "_AHEAD", 10_000)  # characters that are read ahead

    def work(ballots: Sequence[tuple[str, Ballot]], rows: Sequence[tuple[str, Generation]]) -> None:
        for _ in build_pairs(iter(ballots), lambda: rows, PairingOptions(), style="direct"):
            pass

    sizes = []
    for n in (500, 500, 2000):
        rows = invented(n)
        sizes.append(peak(partial(work, cast(rows), numbered(rows))))
    assert sizes[2] - sizes[1] < 1500 * 100  # bytes; a ballot as JSON takes some 300


def test_groups_come_as_soon_as_they_are_whole() -> None:
    rows = [g for g in world("samples") if g.options != ["w0", "w1", "w1"]]
    ballots = cast(rows)
    read: list[str] = []

    def noted() -> Any:
        for where, g in numbered(rows):
            read.append(g.id)
            yield where, g

    def grouped(stream: Any, order: Sequence[tuple[str, Ballot]]) -> Any:
        return build_groups(order, stream, PairingOptions(), style="direct", completions="options")

    found: list[Group] = []
    for group in grouped(noted(), ballots):
        assert read[-1] == group.id, "it waited for a later question"
        found.append(group)
    assert [g.id for g in found] == [b.id for _, b in ballots]
    turned = list(reversed(ballots))
    assert list(grouped(numbered(rows), turned)) == list(reversed(found))


def test_kept_is_a_mapping() -> None:
    kept = Kept(((str(i), {"en": i}) for i in range(9)), few=3)
    assert (kept["7"], kept.get("x"), len(kept), list(kept)[:2]) == ({"en": 7}, None, 9, ["0", "1"])


# --- shards -----------------------------------------------------------------------------------------------------------


def test_shards_are_voted_on_and_paired_as_one_file(tmp_path: Path) -> None:
    rows = world("samples")
    folder = tmp_path / "shards"
    write_jsonl(tmp_path / "whole.jsonl", rows)
    for number, start in ((2, 0), (10, 70), (11, 71)):  # 10 comes after 2, and one shard ends within a question
        stop = {2: 70, 10: 71, 11: len(rows)}[number]
        write_jsonl(folder / f"generations-{number}.jsonl", rows[start:stop])
    (folder / "generations-12.jsonl").write_text("")
    found = []
    for path in (tmp_path / "whole.jsonl", folder, folder / "generations-*.jsonl"):
        ballots, pairs = tmp_path / "b.jsonl", tmp_path / "p.jsonl"
        for arguments in (
            ["vote", str(path), "-o", str(ballots), "--style", "direct"],
            ["pairs", str(ballots), str(path), "-o", str(pairs), "--style", "direct"],
        ):
            result = CliRunner().invoke(main, arguments)
            assert result.exit_code == 0, result.output
        found.append((ballots.read_bytes(), pairs.read_bytes()))
    assert found[0] == found[1] == found[2]
    places = [where.rpartition("/")[2] for where, _ in Shards(folder, Generation)]
    assert places[69:72] == ["generations-2.jsonl:70", "generations-10.jsonl:1", "generations-11.jsonl:1"]


def test_what_names_no_shard_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty: is a folder without \*.jsonl"):
        shards_of(tmp_path / "empty")
    with pytest.raises(DataError, match=r"no-\*.jsonl: no file fits this pattern"):
        shards_of(tmp_path / "no-*.jsonl")
    (tmp_path / "empty/a.jsonl").write_text("")
    (tmp_path / "empty/b.jsonl").write_text("\n")
    with pytest.raises(DataError, match="empty: is empty; generations were expected"):
        list(Shards(tmp_path / "empty", Generation))
