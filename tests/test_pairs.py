from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from calm_ext.answers.read import contradicts, read_answer
from calm_ext.errors import CalmError, DataError
from calm_ext.pairing.build import PairReport, build_pairs, pair_summary
from calm_ext.pairing.export import write_pairs
from calm_ext.pairing.options import PairingOptions
from calm_ext.pairing.translate import load_restater, restate_missing
from calm_ext.records import Ballot, Generation, Pair
from calm_ext.voting.elect import elect
from calm_ext.voting.options import VotingOptions

from .test_voting import said, scored, table


def ballot(winner: int | None, *, name: str = "q", **votes: list[int | None]) -> Ballot:
    return Ballot(id=name, winner=winner, margin=0.5, votes=votes, weights=dict.fromkeys(votes, 1.0))


def plain(**options: Any) -> PairingOptions:
    """Pairs of disagreement alone; tests/test_anchors.py has the others."""
    return PairingOptions(**{"anchors": "none", **options})


def built(
    ballots: Sequence[Ballot],
    group: Sequence[Generation],
    options: PairingOptions | None = None,
    *,
    style: str = "direct",
    report: PairReport | None = None,
    **more: Any,
) -> list[Pair]:
    numbered = [(f"b.jsonl:{i}", b) for i, b in enumerate(ballots, 1)]
    stream = [(f"g.jsonl:{i}", g) for i, g in enumerate(group, 1)]
    return list(build_pairs(numbered, lambda: stream, options or plain(), style=style, report=report, **more))  # type: ignore[arg-type]


def test_pairs_are_native_first() -> None:
    group = [said("en", 0, 1, 1, 2), said("fr", 1, 1), said("de", 0, 0), said("it", None, None)]
    b = ballot(0, en=[0, 1, 1, 2], fr=[1, 1], de=[0, 0], it=[None, None])
    report = PairReport()
    pairs = built([b], group, report=report)
    rows = [(p.language, p.chosen, p.rejected, p.origin, p.rejected_answer) for p in pairs]
    assert rows == [
        ("en", " w0", " w1", "native", 1),
        ("en", " w0", " w2", "native", 2),
        ("fr", " w0", " w1", "answer_only", 1),
    ]
    skipped = built([b], group, plain(fallback="skip", max_per_question=1))
    assert [p.language for p in skipped] == ["en"]
    rejecting = built([b], group, plain(reject_unparsed=True))
    assert ("it", " nothing", None) in [(p.language, p.rejected, p.rejected_answer) for p in rejecting]
    lengths = {"chosen": 3.0, "rejected": 3.0, "chosen_longer": 0.5}
    assert report.summary() == {
        "n_pairs": 3,
        "by_language": {"en": 2, "fr": 1, "de": 0, "it": 0},
        "by_origin": {"native": 2, "answer_only": 1},
        "anchors": 0,
        "precision": 1.0,
        "precision_without_anchors": 1.0,
        "lengths": {"en": lengths, "fr": lengths},
        "left_out": {},
        "in_another_language": {},
    }
    assert pair_summary(pairs, {})["precision"] is None


def test_pairs_of_scored_options_reject_the_languages_own_choice() -> None:
    group = [scored("en", -1.0, -2.0, -3.0), scored("zh", -1.5, -1.0, -3.0)]
    ballots = elect(table(*group, style="cloze"), VotingOptions(rule="zscore", weights={"en": 2})).ballots
    (pair,) = built(ballots, group, style="cloze")
    assert (pair.language, pair.chosen, pair.rejected) == ("zh", "w0", "w1")


def test_undecided_questions_and_equal_options_make_no_pair() -> None:
    assert built([ballot(None, en=[0, 1])], [said("en", 0, 1)]) == []
    same = Generation(
        id="q", language="en", question="?", options=["x", "x", "y"], prompt="?", option_logprobs=[-2.0, -1.0, -3.0]
    )
    assert built([ballot(0, en=[1])], [same], style="cloze") == []


def test_caps_balance_and_seed() -> None:
    group, ballots = [], []
    for i in range(20):
        group += [said("en", 0, 1 if i < 4 else 0, name=f"q{i}"), said("fr", 0, 1, name=f"q{i}")]
        ballots.append(ballot(0, name=f"q{i}", en=[0, 1 if i < 4 else 0], fr=[0, 1]))
    # Repeated pairs are left out once, so every question has its own prompt here.
    group = [g.model_copy(update={"prompt": f"{g.id}?"}) for g in group]

    def counts(**options: Any) -> dict[str, int]:
        report = PairReport()
        pairs = built(ballots, group, plain(**options), report=report)
        assert report.left_out["by the caps"] == 24 - len(pairs)
        return {x: sum(p.language == x for p in pairs) for x in ("en", "fr")}

    assert counts() == {"en": 4, "fr": 20}
    assert counts(max_per_language=3) == {"en": 3, "fr": 3}
    assert counts(max_ratio=2.0) == {"en": 4, "fr": 8}
    drawn = [[p.id for p in built(ballots, group, plain(max_per_language=5, seed=s))] for s in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]


def explained(language: str, *responses: str, source: str | None = "en") -> Generation:
    options = {"en": ["air", "water", "fire"], "fr": ["l'air", "l'eau", "le feu"]}[language]
    return Generation(
        id="q", language=language, source_language=source, question="Where do fish live?", options=options, answer=1,
        prompt="?", responses=list(responses),
    )  # fmt: skip


def test_chosen_texts_that_speak_for_another_option_are_left_out() -> None:
    good, bad = "Explanation: Fish need water.\nAnswer: B. water", "Explanation: Fish breathe air.\nAnswer: B. water"
    group = [explained("en", bad, good, "Explanation: Hm.\nAnswer: A. air")]
    report = PairReport()
    (pair,) = built([ballot(1, en=[1, 1, 0])], group, style="explain", report=report)
    assert "need water" in pair.chosen
    assert report.left_out["chosen that contradict themselves"] == 1
    kept = built([ballot(1, en=[1, 1, 0])], group, plain(drop_contradictions=False), style="explain")
    assert "breathe air" in kept[0].chosen
    assert contradicts("解释:空气很好。\n答案:B", ["空气", "水里"], 1, "zh")
    assert not contradicts("Explanation: A firewall.\nAnswer: B", ["fire", "water"], 1, "en"), "part of a word"
    assert not contradicts("Answer: B", ["fire", "water"], 1, "en"), "nothing is explained"
    assert contradicts("Explanation: It is option A.\nAnswer: B", ["fire", "water"], 1, "en")


def test_lengths_are_matched_where_asked() -> None:
    long, short = "Explanation: " + "very " * 40 + "wet.\nAnswer: B. water", "Explanation: Wet.\nAnswer: B. water"
    group = [explained("en", long, short, "Explanation: Dry.\nAnswer: A. air")]
    b = ballot(1, en=[1, 1, 0])
    assert len(built([b], group, style="explain")[0].chosen) > 200
    (pair,) = built([b], group, plain(max_length_ratio=1.5), style="explain")
    assert "Wet" in pair.chosen
    report = PairReport()
    only_long = [explained("en", long, long, "Explanation: Dry.\nAnswer: A. air")]
    assert built([b], only_long, plain(max_length_ratio=1.5), style="explain", report=report) == []
    assert report.left_out["too uneven in length"] == 1


def test_ballots_of_other_generations_are_refused_with_their_line() -> None:
    group = [said("en", 0, 1, 2), said("fr", 0, 1, 2)]
    for cast, message in (
        ([ballot(0, name="z", en=[0])], r"b.jsonl:1: there are no generations of question z in en"),
        (
            [ballot(0, en=[0, 1], fr=[0, 1, 2])],
            r"b.jsonl:1: question q has 2 votes in en, but 3 responses at g.jsonl:1",
        ),
        ([ballot(0, ja=[0])], "b.jsonl:1: there are no generations of question q in ja"),
        (
            [ballot(7, en=[0, 1, 2])],
            r"b.jsonl:1: the winner or a vote of question q is 7, not one of its 3 options \(g.jsonl:1\)",
        ),
        ([ballot(0, en=[0]), ballot(0, en=[0])], "b.jsonl:2: question q has a ballot already at b.jsonl:1"),
    ):
        with pytest.raises(DataError, match=message):
            built(cast, group)


def test_pairs_before_an_error_come_first() -> None:
    """Reading ahead does not swallow what stands before a ballot that fits no generations."""
    ballots = [("b:1", ballot(0, en=[0, 1])), ("b:2", ballot(0, name="other", en=[0, 1]))]
    found = build_pairs(ballots, lambda: [("g:1", said("en", 0, 1))], plain(), style="direct")
    assert next(found).chosen == " w0"
    with pytest.raises(DataError, match="b:2: there are no generations of question other"):
        next(found)


def test_exports(tmp_path: Path) -> None:
    text = Pair(
        id="q",
        language="en",
        prompt="Where?",
        chosen=" sea",
        rejected=" air",
        chosen_answer=0,
        rejected_answer=1,
        margin=1.0,
        origin="native",
    )
    chat = text.model_copy(
        update={"prompt": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where?"}]}
    )
    write_pairs(tmp_path / "t.jsonl", [text, chat], format="trl")
    rows = [json.loads(x) for x in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert rows[0] == {"prompt": "Where?", "chosen": " sea", "rejected": " air"}
    assert rows[1]["chosen"] == [{"role": "assistant", "content": " sea"}]
    (tmp_path / "dataset_info.json").write_text('{"other": {}}')
    write_pairs(tmp_path / "calm.json", [text, chat], format="llamafactory")
    rows = json.loads((tmp_path / "calm.json").read_text())
    assert rows[0]["conversations"] == [{"from": "human", "value": "Where?"}]
    assert (rows[0]["chosen"], rows[0]["system"], rows[1]["system"]) == (
        {"from": "gpt", "value": "sea"},
        "",
        "Be brief.",
    )
    info = json.loads((tmp_path / "dataset_info.json").read_text())
    assert set(info) == {"other", "calm"} and info["calm"]["ranking"] is True
    write_pairs(tmp_path / "none.json", [], format="llamafactory")
    assert json.loads((tmp_path / "none.json").read_text()) == []
    (tmp_path / "dataset_info.json").write_text("[")
    with pytest.raises(DataError, match="is not JSON"):
        write_pairs(tmp_path / "calm.json", [text], format="llamafactory")


def test_trl_trains_on_the_exported_pairs(babel_model: Path, tmp_path: Path) -> None:
    """TRL itself takes both exports that it can read, plain and as a chat."""
    datasets = pytest.importorskip("datasets")
    from trl.data_utils import is_conversational

    pair = Pair(
        id="q",
        language="qaa",
        prompt="a",
        chosen=" b",
        rejected=" c",
        chosen_answer=0,
        rejected_answer=1,
        margin=1.0,
        origin="native",
    )
    chat = pair.model_copy(update={"prompt": [{"role": "user", "content": "a"}]})
    for name, row, expected in (("p", pair, False), ("c", chat, True)):
        write_pairs(tmp_path / f"{name}.jsonl", [row], format="trl")
        loaded = datasets.load_dataset(
            "json", data_files=str(tmp_path / f"{name}.jsonl"), split="train", cache_dir=str(tmp_path)
        )
        assert is_conversational(loaded[0]) is expected


# --- translation ------------------------------------------------------------------------------------------------------


class Dictionary:
    """A translator that knows what it was given, and counts how often it is asked."""

    def __init__(self, known: dict[str, str]) -> None:
        self.known = known
        self.asked: list[tuple[str, str, str]] = []

    def restate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        self.asked += [(t, source, target) for t in texts]
        return [self.known.get(t, "") for t in texts]


def test_translated_pairs_follow_the_papers_construction(tmp_path: Path) -> None:
    group = [
        explained("en", "Explanation: Fish need water.\n\nAnswer: B. water", "Answer: A. air"),
        explained("fr", "Explication : Hm.\nRéponse : A. l'air", "Réponse : A. l'air"),
    ]
    b = ballot(1, en=[1, 0], fr=[0, 0])
    stream = [(f"g:{i}", g) for i, g in enumerate(group)]
    model = Dictionary({"Fish need water.": "Les poissons ont besoin d'eau."})
    cache = tmp_path / "t.jsonl"
    restated, refused = restate_missing({"q": b}, lambda: stream, model, style="explain", cache=cache)
    assert restated == {("q", "fr"): "Les poissons ont besoin d'eau.\nRéponse : B. l'eau"}
    assert read_answer(restated["q", "fr"], group[1].options, "fr") == 1
    assert not refused
    assert model.asked == [("Fish need water.", "en", "fr")]
    again, _ = restate_missing({"q": b}, lambda: stream, model, style="explain", cache=cache)
    assert again == restated and len(model.asked) == 1, "an interrupted or repeated run does not translate again"
    restate_missing({"q": b}, lambda: stream, model, style="explain", cache=cache, by="another model")
    assert len(model.asked) == 2, "but another model does"
    pairs = built([b], group, plain(fallback="translate"), style="explain", restated=restated)
    assert [(p.language, p.origin) for p in pairs] == [("en", "native"), ("fr", "translate"), ("fr", "translate")]


def test_a_translator_that_runs_out_of_memory_gets_smaller_batches(tmp_path: Path) -> None:
    """Each explanation is translated, and written, once."""
    sizes: list[int] = []

    class Small(Dictionary):
        def restate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
            sizes.append(len(texts))
            if len(texts) > 3:
                raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
            return super().restate(texts, source, target)

    ids = [f"q{i}" for i in range(7)]
    group = [
        explained("en", "Explanation: Fish need water.\n\nAnswer: B. water"), explained("fr", "Réponse : A. l'air"),
    ]  # fmt: skip
    stream = [(f"{i}:{g.language}", g.model_copy(update={"id": i})) for i in ids for g in group]
    model = Small({"Fish need water.": "Les poissons ont besoin d'eau."})
    ballots = {i: ballot(1, en=[1], fr=[0]).model_copy(update={"id": i}) for i in ids}
    cache = tmp_path / "t.jsonl"
    restated, _ = restate_missing(ballots, lambda: stream, model, style="explain", cache=cache, batch_size=6)
    assert sizes == [6, 3, 3, 1]
    assert sorted(restated) == [(i, "fr") for i in ids]
    assert len(model.asked) == len(cache.read_text(encoding="utf-8").splitlines()) == 7


@pytest.mark.parametrize(
    ("said_in_french", "reason"),
    [
        ("", "empty or cut off"),
        ("Fish need water.", "not translated"),
        ("魚は水が必要です。", "in another language"),
        ("The French word for water is eau, and fish need it.", "in another language"),
        ("Il faut de l'eau. Il faut de l'eau. Il faut de l'eau.", "repeats itself"),
        ("C'est l'air.\nRéponse : A. l'air", "names another answer"),
        ("Il faut l'air.", "speaks for another option"),
    ],
)
def test_bad_translations_are_thrown_away_and_counted(said_in_french: str, reason: str, tmp_path: Path) -> None:
    group = [explained("en", "Explanation: Fish need water.\nAnswer: B. water"), explained("fr", "Réponse : A. l'air")]
    stream = [(f"g:{i}", g) for i, g in enumerate(group)]
    model = Dictionary({"Fish need water.": said_in_french})
    restated, refused = restate_missing(
        {"q": ballot(1, en=[1], fr=[0])}, lambda: stream, model, style="explain", cache=tmp_path / "t.jsonl"
    )
    assert (restated, refused) == ({}, {reason: 1})
    report = PairReport()
    pairs = built(
        [ballot(1, en=[1], fr=[0])],
        group,
        plain(fallback="translate"),
        style="explain",
        restated=restated,
        report=report,
    )
    assert pairs == []
    assert report.left_out == {"times a language had no chosen response": 1}


def test_translators_are_local_models(babel_model: Path, tmp_path: Path) -> None:
    """A real sequence-to-sequence model and a real causal one, both tiny and untrained in this, answer in order."""
    from transformers import AutoTokenizer, T5Config, T5ForConditionalGeneration

    AutoTokenizer.from_pretrained(babel_model).save_pretrained(tmp_path)
    size = len(AutoTokenizer.from_pretrained(babel_model))
    T5ForConditionalGeneration(
        T5Config(vocab_size=size, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, decoder_start_token_id=0)
    ).save_pretrained(tmp_path)
    for folder, kind in ((tmp_path, "Seq2SeqRestater"), (babel_model, "CausalRestater")):
        restater = load_restater(str(folder), max_new_tokens=5)
        assert type(restater).__name__ == kind
        said_twice = restater.restate(["one", "two", "one"], "en", "fr")
        assert len(said_twice) == 3
        assert said_twice[0] == said_twice[2]
    with pytest.raises(CalmError, match="never uses the network"):
        load_restater("org/model-on-the-hub")
