"""Whether responses are in the language they were asked for in, and what pairs and reports make of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from calm_ext.jsonl import write_jsonl
from calm_ext.languages import LANGUAGES
from calm_ext.metrics.automaton import Automaton
from calm_ext.metrics.fidelity import Judge, Response, fidelity
from calm_ext.pairing.build import PairReport
from calm_ext.pairing.options import PairingOptions
from calm_ext.records import Ballot, Generation, ParallelQuestion, Version
from calm_ext.report.collect import summarize
from calm_ext.report.page.pairs import pairs_context
from calm_ext.report.page.vote import vote_context
from calm_ext.report.rundata import read_run
from tests.conftest import ROOT, SHARED
from tests.test_pairs import ballot, built

#: One text in several languages; the near ones of each must not be taken for it.
SAID = {
    "en": "Fish breathe with gills, so they live in water.",
    "fr": "Les poissons respirent par des branchies, ils vivent donc dans l'eau.",
    "de": "Fische atmen durch Kiemen, deshalb leben sie im Wasser.",
    "es": "Los peces respiran por branquias, así que viven en el agua.",
    "pt": "Os peixes respiram por brânquias, portanto vivem na água.",
    "ca": "Els peixos respiren per les brànquies, per tant viuen a l'aigua.",
    "it": "I pesci respirano con le branchie, quindi vivono nell'acqua.",
    "id": "Ikan bernapas dengan insang, jadi mereka hidup di air.",
    "ms": "Ikan bernafas dengan insang, jadi mereka hidup di dalam air.",
    "cs": "Ryby dýchají žábrami, proto žijí ve vodě.",
    "sk": "Ryby dýchajú žiabrami, preto žijú vo vode.",
    "uk": "Риби дихають зябрами, тому вони живуть у воді.",
    "ru": "Рыбы дышат жабрами, поэтому они живут в воде.",
    "ja": "魚はえらで呼吸するので、水の中で生きています。",
    "zh": "鱼用鳃呼吸，所以它们生活在水里，而不是在空气中生活。",
    "ar": "تتنفس الأسماك بالخياشيم، ولذلك تعيش في الماء.",
    "fa": "ماهی‌ها با آبشش نفس می‌کشند، بنابراین در آب زندگی می‌کنند.",
    "ko": "물고기는 아가미로 숨을 쉬기 때문에 물속에서 살아갑니다.",
    "th": "ปลาหายใจด้วยเหงือก ดังนั้นจึงอาศัยอยู่ในน้ำ",
}


@pytest.mark.parametrize("language", SAID)
def test_no_near_language_is_taken_for_another(language: str) -> None:
    assert Judge(SAID).is_foreign(SAID[language], language) is False


@pytest.mark.parametrize("language", [x for x in SAID if x != "en"])
def test_english_is_another_language(language: str) -> None:
    judge = Judge([language])  # English need not be one of the run's
    text = f"Explanation: {SAID['en']} They cannot live in the air for long.\nAnswer: B"
    assert judge.is_foreign(text, language) is True
    assert judge.is_foreign(f"<think>{text}</think>{SAID[language]}", language) is False, "thoughts are free"


def test_what_cannot_be_judged() -> None:
    judge = Judge(["en", "fr", "qaa", "yo", "nqo", "zh-Hant", "pt-BR"])
    assert judge.is_foreign("Answer: B", "fr") is None
    assert judge.is_foreign(SAID["en"], "qaa") is None, "invented"
    assert judge.is_foreign(SAID["en"], "nqo") is None and not judge.knows("nqo"), "unknown to the classifier"
    assert judge.is_foreign(SAID["zh"], "zh-Hant") is False and judge.is_foreign(SAID["pt"], "pt-BR") is False
    name = "Harry Potter and the Philosopher's Stone"
    assert judge.is_foreign(f"答案：B. {name}", "zh-Hant", options=["x", name]) is None, (
        "an option's text is no evidence"
    )
    assert judge.is_foreign(f"答案：B. {name} because of it", "zh-Hant", options=["x", "y"]) is True


def _said(language: str, *responses: str) -> Generation:
    return Generation(
        id="q",
        language=language,
        question="?",
        options=["air", "water"],
        answer=1,
        prompt="?",
        responses=list(responses),
    )


RIGHT = {x: f"{SAID[x]}\n{cue} B" for x, cue in (("en", "Answer:"), ("fr", "Réponse :"))}
WRONG = {"en": "Answer: A", "fr": "Réponse : A"}


def test_shares_by_language() -> None:
    group = [
        _said("fr", RIGHT["fr"], RIGHT["en"], RIGHT["en"], "Réponse : B"),
        _said("en", RIGHT["en"]),
        _said("qaa", "x"),
    ]
    found = fidelity(group, ["fr", "en", "qaa", "de"])
    assert found["fr"] == (3, 2) and found["fr"].share == pytest.approx(1 / 3)
    assert found["en"] == (1, 0) and found["en"].share == 1
    assert found["qaa"] is None and found["de"] == (0, 0) and found["de"].share is None


def test_pairs_choose_no_response_in_another_language() -> None:
    group = [_said("fr", RIGHT["en"], RIGHT["fr"], WRONG["fr"]), _said("en", RIGHT["en"], WRONG["en"])]
    b = ballot(1, fr=[1, 1, 0], en=[1, 0])
    report = PairReport()
    pairs = built([b], group, style="explain", report=report)
    assert [(p.language, p.chosen.strip(), p.origin) for p in pairs] == [
        ("fr", RIGHT["fr"], "native"),
        ("en", RIGHT["en"], "native"),
    ]
    summary = report.summary()
    assert summary["left_out"] == {"chosen in another language": 1} and summary["in_another_language"] == {"fr": 1}
    off = built([b], group, PairingOptions(fidelity=False), style="explain")
    assert off[0].chosen.strip() == RIGHT["en"]
    only = [_said("fr", RIGHT["en"], WRONG["fr"]), group[1]]
    (pair, _) = built([ballot(1, fr=[1, 0], en=[1, 0])], only, style="explain")
    assert pair.origin == "answer_only" and pair.chosen.strip() == "Réponse : B. water"


def test_the_report_shows_them(tmp_path: Path) -> None:
    group = [_said("fr", RIGHT["en"], RIGHT["fr"], WRONG["fr"]), _said("en", RIGHT["en"], WRONG["en"])]
    question = ParallelQuestion(
        id="q", answer=1, versions={x: Version(question="?", options=["air", "water"]) for x in ("fr", "en")}
    )
    cast = Ballot(id="q", winner=1, margin=0.5, votes={"fr": [1, 1, 0], "en": [1, 0]}, weights={"fr": 1.0, "en": 1.0})
    report = PairReport()
    pairs = built([cast], group, style="explain", report=report)
    write_jsonl(tmp_path / "questions.jsonl", [question])
    write_jsonl(tmp_path / "generations.jsonl", group)
    write_jsonl(tmp_path / "ballots.jsonl", [cast])
    write_jsonl(tmp_path / "pairs.jsonl", pairs)
    (tmp_path / "pairs.json").write_text(json.dumps(report.summary()))
    data = read_run(tmp_path)
    summary = summarize(data)
    assert summary["fidelity"] == {
        "fr": {"share": 0.5, "judged": 2, "foreign": 1},
        "en": {"share": 1.0, "judged": 1, "foreign": 0},
    }
    assert summary["pairs"]["left_out"] == {"chosen in another language": 1}
    vote, shown = vote_context(data, summary), pairs_context(data, summary)
    assert vote and [row["fidelity"] for row in vote["languages"]] == ["50.0 %", "100.0 %"] and vote["has_fidelity"]
    assert shown and shown["foreign"] == "1 to questions in French (fr)"
    (tmp_path / "recipe.yaml").write_text("sampling: {mode: options}\n")
    assert "fidelity" not in summarize(read_run(tmp_path)), "where options were scored there is none"


def test_real_responses() -> None:
    """Of the paper's samples a few are in English, in every language but English itself."""
    folder = SHARED / "wangym2-CALM/data/xcsqa/samples"
    if not folder.is_dir():
        pytest.skip("../shared/data/wangym2-CALM is not here")
    codes = {"zh": "cn", "en": "en", "fr": "fr", "ja": "ja"}
    group = []
    for language, name in codes.items():
        rows = json.loads((folder / f"x_csqa_{name}_train_sampled.json").read_text())[:300]
        group += [_said(language, *row["pred"]) for row in rows if row.get("pred")]
    found = fidelity(group, codes)
    assert found["en"] and found["en"].foreign == 0 and found["en"].judged > 800
    assert found["ja"] and 0.9 < (found["ja"].share or 0) < 0.99
    assert found["fr"] and (found["fr"].share or 0) > 0.99


def test_many_responses_are_judged_as_one_is() -> None:
    """The automaton over many texts gives py3langid's probabilities, and the judge what it says of each response."""
    path = ROOT / "tests/data/responses_by_language.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    languages = sorted({row["language"] for row in rows} & set(LANGUAGES) | {"en", "fr"})
    texts = [row["response"] for row in rows] + [*SAID.values(), "", "?", "\ud800", "A" * 700, SAID["en"].upper()]
    texts += [" ".join(SAID.values())]
    judge = Judge(languages)
    automaton = Automaton(judge._identifier)
    for text, row in zip(texts, automaton.probabilities(texts).tolist(), strict=True):
        theirs = dict(judge._identifier.rank(text))
        assert dict(zip(automaton.labels, row, strict=True)) == pytest.approx(theirs, abs=1e-4), text
    assert automaton.probabilities([]).shape == (0, len(automaton.labels))
    assert automaton.probabilities(texts[:3]) == pytest.approx(automaton.probabilities(texts)[:3]), "few texts"
    responses = [
        Response(row["response"], language, row["options"])
        for row in rows
        for language in dict.fromkeys((row["language"], "en", "fr"))
        if language in LANGUAGES
    ]
    responses += [Response(text, "fr") for text in SAID.values()]
    one_by_one = [judge.is_foreign(r.text, r.language, options=r.options) for r in responses]
    assert judge.are_foreign(responses) == one_by_one
    assert {True, False, None} <= set(one_by_one), "all three"
