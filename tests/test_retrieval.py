"""Passages: tokens, chunks, BM25 against its formula, indexes, bad input, the query policy, recall; `calm-ext index`."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import example, given, settings
from hypothesis import strategies as st

from calm_ext.cli.main import cli
from calm_ext.data.corpora import read_corpus, read_layout, read_medexpqa, read_textbooks
from calm_ext.errors import CalmError, DataError
from calm_ext.harness.retrieved import wanted
from calm_ext.jsonl import read_jsonl, write_jsonl
from calm_ext.languages import LANGUAGES
from calm_ext.pipeline.context import Run
from calm_ext.pipeline.stages.retrieve import _grounder
from calm_ext.records import CorpusPassage, ParallelQuestion, Passage, Passages, Version
from calm_ext.retrieval import Chunking, Index, Retriever, SearchOptions, build_index, measure
from calm_ext.retrieval.chunk import chunks, cut, sentences
from calm_ext.retrieval.fuse import fuse
from calm_ext.retrieval.lexical import K1, B, top
from calm_ext.retrieval.tokens import TOKENIZER, tokens
from tests.small import small_recipe
from tests.test_data import medexpqa_row

CORPUS = [
    CorpusPassage(id="p1", language="en", title="Insulin", text="Insulin lowers the blood sugar.", answers=["q1"]),
    CorpusPassage(id="p2", language="en", text="The Rhine ends in the North Sea.", answers=["q2"]),
    CorpusPassage(id="p3", language="en", text="Glucagon raises blood sugar; it is made in the pancreas."),
    CorpusPassage(id="p1", language="zh", text="胰岛素降低血糖。"),
    CorpusPassage(id="p2", language="zh", text="莱茵河流入北海。"),
    CorpusPassage(id="p4", language="zh", text="北京是中国的首都。", answers=["q3"]),
]


def question(name: str, **texts: str) -> ParallelQuestion:
    versions = {x: Version(question=text, options=["Insulin", "the Rhine"]) for x, text in texts.items()}
    return ParallelQuestion(id=name, source_language="en", versions=versions)


QUESTIONS = [
    question("q1", en="Which hormone lowers blood sugar?", zh="哪种激素降低血糖？", de="Was senkt den Blutzucker?"),
    question("q2", en="Where does the Rhine end?", zh="莱茵河在哪里入海？", de="Wo endet der Rhein?"),
    question("q3", en="What is the capital of China?", zh="中国的首都是哪里？", de="Wie heißt Chinas Hauptstadt?"),
]


def placed(passages: list[CorpusPassage]) -> Iterator[tuple[str, CorpusPassage]]:
    return ((f"c.jsonl:{n}", p) for n, p in enumerate(passages, 1))


@pytest.fixture
def index_path(tmp_path: Path) -> Path:
    build_index(placed(CORPUS), tmp_path / "index", sources=["c.jsonl"])
    return tmp_path / "index"


# --- tokens -----------------------------------------------------------------------------------------------------------


def test_every_stemmer_exists() -> None:
    import Stemmer

    assert {row.stemmer for row in LANGUAGES.values() if row.stemmer} <= set(Stemmer.algorithms())


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "The patient's FEVERS", "the patient s fever"),
        ("fr", "l’hôpital des malades", "l hôpital des malade"),
        ("de", "die Straßen", "DIE STRASSE"),
        ("it", "le malattie", "le malattia"),
        ("es", "los pacientes", "los paciente"),
        ("nl", "de ziekten", "de ziekte"),
        ("pl", "chorobami", "chorobach"),
        ("pt", "as doenças", "as doença"),
        ("ru", "болезнями", "болезнях"),
        ("ar", "كِتَاب", "كتـاب"),
        ("hi", "लड़कियाँ", "लड़कियां"),
        ("vi", "Bệnh Viện", "bệnh viện"),
        ("sw", "Hospitali KUBWA", "hospitali kubwa"),
        ("ur", "کِتاب", "کتاب"),
        ("en", "ﬁve ＭＧ", "five mg"),
    ],
)
def test_tokens_that_are_the_same(language: str, one: str, other: str) -> None:
    assert tokens(one, language) == tokens(other, language)


def test_tokens_of_scripts() -> None:
    assert tokens("糖尿病用Metformin 500mg。", "zh") == [
        *("糖", "尿", "病", "用", "糖尿", "尿病", "病用"), "metformin", "500mg",
    ]  # fmt: skip
    assert tokens("ビタミンＣ", "ja") == [*"ビタミン", "ビタ", "タミ", "ミン", "c"]
    assert tokens("हिन्दी किताब", "vi") == ["हिन्दी", "किताब"], "vowel signs do not end a word"
    assert tokens("running ____ runs!", "sw") == ["running", "runs"]
    assert tokens("velar Ruvo", "qaa") == ["velar", "ruvo"]
    assert tokens(" …!", "en") == []


# --- chunks -----------------------------------------------------------------------------------------------------------

TEXTS = st.text(st.sampled_from("ab. !?\n。病糖؟ ۔।é\u3000\u0001"), max_size=80)


@given(text=TEXTS, words=st.integers(1, 9), overlap=st.integers(0, 3))
@example(text="x" * 130, words=1, overlap=2)
@settings(deadline=None, max_examples=150)
def test_chunks_lose_nothing_and_keep_their_length(text: str, words: int, overlap: int) -> None:
    found = chunks(text, words=words, overlap=overlap)
    whole, reached = "".join(text.split()), 0
    for piece in ("".join(c.split()) for c in found):
        assert piece
        starts = [s for s in range(reached + 1) if whole.startswith(piece, s) and s + len(piece) > reached]
        assert starts, "a piece goes on where the one before ended, or before that"
        reached = max(s + len(piece) for s in starts)
    assert reached == len(whole)
    if overlap == 0:
        assert "".join("".join(c.split()) for c in found) == whole
    for piece in found:
        n = sum(c in "病糖" for c in piece)
        rest = "".join(" " if c in "病糖" else c for c in piece)
        assert n + len(rest.split()) <= words


def test_chunks_of_sentences() -> None:
    assert sentences("“Why?” he asked. 3.5 mg.\nNext") == ["“Why?”", "he asked.", "3.5 mg.", "Next"]
    assert sentences("क्या? हाँ। وہ کہاں ہے؟ یہاں۔ 在哪里？“这里。”好！") == [
        *("क्या?", "हाँ।", "وہ کہاں ہے؟", "یہاں۔", "在哪里？", "“这里。”", "好！"),
    ]  # fmt: skip
    assert chunks("a b. c d. e f. g h.", words=4, overlap=1) == ["a b. c d.", "c d. e f.", "e f. g h."]
    assert chunks("a. b. " + "long " * 9 + "end.", words=4, overlap=0)[-1] == "long end."
    assert len(chunks("糖" * 95, words=30, overlap=0)) == 4


def test_cut_passages() -> None:
    passage = CorpusPassage(id="p", language="en", title="T", text="One two. Three four. Five.", answers=["q"])
    assert cut(passage, Chunking(9)) == [passage], "what is short enough keeps its id and its answers"
    first, second = cut(passage, Chunking(4, 1))
    assert (first.id, second.id, first.title) == ("p#1", "p#2", "T")
    assert first.answers == []


# --- search -----------------------------------------------------------------------------------------------------------


@given(scores=st.lists(st.integers(-3, 3), min_size=1, max_size=30), k=st.integers(1, 35))
def test_top_is_the_head_of_a_stable_sort(scores: list[int], k: int) -> None:
    expected = sorted(range(len(scores)), key=lambda row: (-scores[row], row))
    values = np.array(scores, dtype=np.float32)
    assert [row for row, _ in top(values, k)] == expected[:k]
    assert [row for row, _ in top(values, k, above=0)] == [row for row in expected if scores[row] > 0][:k]


def test_scores_are_those_of_the_formula() -> None:
    texts = ["the cat sat on the mat", "the dog", "a cat and a cat and a dog", "nothing of it", "cat cat cat cat"]
    index = Index.of(CorpusPassage(id=str(n), language="sw", text=text) for n, text in enumerate(texts))
    words = [text.split() for text in texts]
    mean = sum(map(len, words)) / len(words)

    def bm25(query: str, own: list[str]) -> float:
        total = 0.0
        for word in query.split():
            df, tf = sum(word in w for w in words), own.count(word)
            idf = math.log(1 + (len(words) - df + 0.5) / (df + 0.5))
            total += idf * tf / (tf + K1 * (1 - B + B * len(own) / mean))
        return total

    for query in ("cat", "the cat", "dog dog mat", "unknown cat"):
        expected = {str(n): bm25(query, own) for n, own in enumerate(words)}
        found = index.search(query, "sw", k=9)
        assert {p.id: p.score for p in found} == pytest.approx({x: s for x, s in expected.items() if s > 0}, abs=2e-6)
        assert [p.score for p in found] == sorted((p.score for p in found), reverse=True)
    assert index.search("unknown", "sw", k=3) == []


def test_equal_scores_stand_in_the_order_of_the_corpus() -> None:
    index = Index.of(CorpusPassage(id=f"x{n}", language="en", text=f"same word {'a' * (n + 1)}") for n in range(20))
    assert [p.id for p in index.search("word", "en", k=4)] == ["x0", "x1", "x2", "x3"]


def test_fusion_by_hand() -> None:
    fused = fuse([["a", "b", "c"], ["c", "a"], ["d"]])
    assert fused == [
        ("a", pytest.approx(1 / 61 + 1 / 62)), ("c", pytest.approx(1 / 63 + 1 / 61)),
        ("d", pytest.approx(1 / 61)), ("b", pytest.approx(1 / 62)),
    ]  # fmt: skip
    assert [x for x, _ in fuse([["a"], ["b"]])] == ["a", "b"], "a tie goes to the first ranking"


# --- the index --------------------------------------------------------------------------------------------------------


def test_an_index_is_what_was_put_in(index_path: Path) -> None:
    index, memory = Index.open(index_path), Index.of(CORPUS)
    assert index.languages == ["en", "zh"] and len(index) == 6
    assert index.fingerprint == memory.fingerprint == f"{index.corpus_sha256[:8]}.{TOKENIZER}"
    for text, language in (("blood sugar", "en"), ("血糖", "zh"), ("sea", "en")):
        assert index.search(text, language, k=3) == memory.search(text, language, k=3) != []
    for own in (index, memory):
        found = own.get("p1", "en")
        assert found is not None and (found.text, found.title) == (CORPUS[0].text, "Insulin")
        assert own.get("p4", "en") is None and own.get("p1", "de") is None
        assert own.gold("q1", "zh") == {"p1"}, "a translation answers what its original answers"
        assert own.gold("q3", "en") == set() == own.gold("q9", "en")
    assert Index.open(index_path, corpus_sha256=index.corpus_sha256[:12]).languages
    assert Index.of(CORPUS[:5]).fingerprint != index.fingerprint
    assert not list(index_path.rglob("*.tmp")) and [p.name for p in index_path.parent.iterdir()] == ["index"]


def test_a_title_is_searched(index_path: Path) -> None:
    passages = [CorpusPassage(id="t", language="en", title="Scurvy", text="It is a lack of a vitamin.")]
    assert Index.of(passages).search("what is scurvy", "en", k=1)[0].id == "t"


def test_two_builds_give_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        build_index(placed(CORPUS), tmp_path / name)
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file())
    assert len(files) > 15
    assert all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files)


def test_many_passages_spill_to_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calm_ext.retrieval.lexical._SPILL", 100)
    words = [f"w{n}" for n in range(50)]
    rng = random.Random(0)
    passages = [CorpusPassage(id=f"p{n}", language="sw", text=" ".join(rng.choices(words, k=9))) for n in range(5000)]
    build_index(placed(passages), tmp_path / "i")
    index, memory = Index.open(tmp_path / "i"), Index.of(passages)
    assert index.search("w3 w7 w9", "sw", k=50) == memory.search("w3 w7 w9", "sw", k=50)
    found = index.get("p4999", "sw")
    assert found is not None and found.text == passages[-1].text


def test_force_replaces_an_index_and_nothing_else(index_path: Path) -> None:
    with pytest.raises(CalmError, match="exists; --force replaces it"):
        build_index(placed(CORPUS[:1]), index_path)
    with pytest.raises(DataError, match="twice"):
        build_index(placed(CORPUS[:1] * 2), index_path, force=True)
    assert len(Index.open(index_path)) == 6, "a build that fails leaves the old one"
    build_index(placed(CORPUS[:1]), index_path, force=True)
    assert len(Index.open(index_path)) == 1
    assert [p.name for p in index_path.parent.iterdir()] == ["index"]
    other = index_path.parent / "mine"
    other.mkdir()
    (other / "thesis.txt").write_text("…")
    with pytest.raises(CalmError, match="is there and is not an index"):
        build_index(placed(CORPUS), other, force=True)


@pytest.mark.parametrize(
    ("passages", "said"),
    [
        ([], "the corpus is empty"),
        ([*CORPUS, CORPUS[4]], r"c\.jsonl:7: the id 'p2' comes twice in language zh"),
        ([*CORPUS, CorpusPassage(id="x", language="de", text="… !")], "de: no passage has a word"),
    ],
)
def test_corpora_that_cannot_be_indexed(tmp_path: Path, passages: list[CorpusPassage], said: str) -> None:
    with pytest.raises(DataError, match=said):
        build_index(placed(passages), tmp_path / "i")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(CalmError, match="at least 1 word"):
        build_index(placed(CORPUS), tmp_path / "i", chunk=Chunking(0))


def test_indexes_that_cannot_be_used(index_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    manifest = index_path / "index.json"
    whole = manifest.read_text()

    def refused(said: str, **changes: object) -> None:
        manifest.write_text(json.dumps({**json.loads(whole), **changes}))
        with pytest.raises(DataError, match=said) as caught:
            Index.open(index_path)
        assert "\n" not in str(caught.value)

    refused(f"was built with tokenizer tokens-0, this calm-ext has {TOKENIZER}; build it again", tokenizer="tokens-0")
    refused("is an index of format 9, this calm-ext reads 1", format=9)
    refused("languages.en: a whole number was expected", languages={"en": "many"})
    refused("x: unknown key", x=1)
    manifest.write_text(whole[:50])
    with pytest.raises(DataError, match=r"index\.json:\d+: is not JSON"):
        Index.open(index_path)
    changed = {**json.loads(whole), "versions": {"PyStemmer": "0.1"}}
    manifest.write_text(json.dumps(changed))
    Index.open(index_path)
    assert "stemmed by PyStemmer 0.1" in caplog.text
    manifest.write_text(whole)
    with pytest.raises(DataError, match="0123abcd was asked for"):
        Index.open(index_path, corpus_sha256="0123abcd")
    texts = index_path / "zh/passages.jsonl"
    before = texts.read_bytes()
    texts.write_bytes(before[:-5])
    with pytest.raises(DataError, match=r"is damaged: zh/passages\.jsonl has \d+ bytes where \d+ were written"):
        Index.open(index_path)
    texts.write_bytes(before.replace(b'"id"', b'"di"'))
    with pytest.raises(DataError, match="passage 1 of the index is damaged"):
        Index.open(index_path).search("血糖", "zh", k=1)
    texts.unlink()
    with pytest.raises(DataError, match=r"zh/passages\.jsonl is missing"):
        Index.open(index_path)
    manifest.write_text(json.dumps({**json.loads(whole), "files": {"en/x" + "y" * 100_000: 1}}))
    with pytest.raises(DataError, match=r"is damaged: en/xy+… is missing") as caught:
        Index.open(index_path)
    assert len(str(caught.value)) < 1000
    manifest.unlink()
    with pytest.raises(DataError, match=r"is not an index: it has no index\.json"):
        Index.open(index_path)
    with pytest.raises(DataError, match="no such index; `calm-ext index build"):
        Index.open(index_path / "nowhere")


def test_searches_that_cannot_be_done(index_path: Path) -> None:
    index = Index.open(index_path)
    for options, said in (
        ({"language": "de"}, "has no passages in de; it has en, zh"),
        ({"k": 0}, "k is 0"),
        ({"method": "dense"}, "has no embeddings"),
        ({"method": "hybrid"}, "has no embeddings"),
        ({"method": "magic"}, "no search method 'magic'"),
    ):
        with pytest.raises(CalmError, match=said):
            index.search("blood", **{"language": "en", "k": 1, **options})  # type: ignore[arg-type]
    assert index.search("", "en", k=1) == []


# --- the policy -------------------------------------------------------------------------------------------------------


def shown(found: dict[str, Passages]) -> dict[str, list[str]]:
    return {x: [f"{p.language}:{p.id}" for p in own.passages] for x, own in found.items()}


def test_own_language() -> None:
    retriever = Retriever(Index.of(CORPUS), SearchOptions(k=2))
    found = [retriever.retrieve(q) for q in QUESTIONS]
    assert shown(found[0]) == {"en": ["en:p1", "en:p3"], "zh": ["zh:p1"], "de": ["en:p1", "en:p3"]}
    assert [p.gold for p in found[0]["en"].passages] == [True, False]
    assert found[0]["zh"].passages[0].gold is True
    assert found[2]["zh"].passages[0].gold is True
    assert {p.gold for p in found[2]["en"].passages} == {None}, "no gold passage of q3 is in English"
    assert retriever.notes == ["de: no passages in the index, en's are used (3 questions)"]
    assert retriever.known == {(q, x) for q in ("q1", "q2") for x in ("en", "zh", "de")} | {("q3", "zh")}
    nothing = Retriever(Index.of(CORPUS), SearchOptions(fallback="none"))
    assert nothing.retrieve(QUESTIONS[0])["de"].passages == []
    assert nothing.notes == ["de: no passages in the index, none are given (1 question)"]


def test_pivot_and_both() -> None:
    index = Index.of(CORPUS)
    pivot = Retriever(index, SearchOptions(query="pivot", k=2))
    assert shown(pivot.retrieve(QUESTIONS[0])) == {
        "en": ["en:p1", "en:p3"], "zh": ["zh:p1", "en:p3"], "de": ["en:p1", "en:p3"],
    }  # fmt: skip
    assert pivot.notes == []
    chinese = Retriever(index, SearchOptions(query="pivot", k=1, pivot="zh"))
    assert shown(chinese.retrieve(QUESTIONS[2]))["en"] == ["zh:p4"]
    both = Retriever(index, SearchOptions(query="both", k=3))
    found = both.retrieve(QUESTIONS[0])
    assert shown(found)["zh"] == ["zh:p1", "en:p3"]
    assert found["zh"].passages[0].score == pytest.approx(2 / 61, abs=1e-6)
    assert shown(found)["en"] == ["en:p1", "en:p3"]
    assert both.notes == ["de: no passages in the index, en's are used (1 question)"]


def test_the_options_text_is_searched_with() -> None:
    index = Index.of(CORPUS)
    plain, wide = (Retriever(index, SearchOptions(with_options=x)) for x in (False, True))
    own = question("q", en="Which?")
    assert plain.retrieve(own)["en"].passages == []
    assert {p.id for p in wide.retrieve(own)["en"].passages} == {"p1", "p2", "p3"}
    assert wide.options.signature() == "lexical.own.k3.options"


def test_pieces_of_one_name_are_not_translations(tmp_path: Path) -> None:
    passages = [
        CorpusPassage(id="p", language="en", text="The heart beats. The liver does not."),
        CorpusPassage(id="p", language="zh", text="肝脏不跳动。心脏会跳动。"),
    ]
    build_index(placed(passages), tmp_path / "i", chunk=Chunking(4, 0))
    index = Index.open(tmp_path / "i")
    found = index.search("liver", "en", k=1)[0]
    assert found.id == "p#2" and index.get("p#2", "zh") is not None
    assert index.version(found, "zh") == found
    own = question("q", en="the liver", zh="肝脏")
    both = Retriever(index, SearchOptions(query="both", k=9)).retrieve(own)
    assert "en:p#2" in shown(both)["zh"] and "zh:p#1" in shown(both)["zh"]


def test_options_that_cannot_be_served() -> None:
    index = Index.of(CORPUS)
    for options, said in ((SearchOptions(method="dense"), "dense retrieval needs an index with embeddings"),):
        with pytest.raises(CalmError, match=said):
            Retriever(index, options)
    for values, said in (
        ({"query": "all"}, "query\n  Input should be 'own', 'pivot' or 'both'"),
        ({"fallback": "en"}, "fallback\n  Input should be 'pivot' or 'none'"),
        ({"k": 0}, "k\n  Input should be greater than or equal to 1"),
    ):
        with pytest.raises(ValueError, match=said):
            SearchOptions.model_validate(values)
    with pytest.raises(DataError, match="question q1 has no version in the pivot fr; it has en, zh, de"):
        Retriever(index, SearchOptions(pivot="fr")).retrieve(QUESTIONS[0])
    chinese = Index.of(CORPUS[3:])
    with pytest.raises(CalmError, match="q1, en: the index has no passages in the pivot en; it has zh: name one"):
        Retriever(chinese, SearchOptions()).retrieve(QUESTIONS[0])
    assert Retriever(chinese, SearchOptions(pivot="zh")).retrieve(QUESTIONS[0])["en"].passages[0].language == "zh"


def retrieved(index: Index, questions: list[ParallelQuestion], options: SearchOptions) -> dict[str, object]:
    retriever = Retriever(index, options)
    return {q.id: retriever.retrieve(q) for q in questions}


def many() -> tuple[list[CorpusPassage], list[ParallelQuestion]]:
    rng = random.Random(1)
    words = [a + b for a in "bdfgklmnprst" for b in "aeiou"]
    passages = [
        CorpusPassage(id=f"p{n}", language=x, text=" ".join(rng.choices(words, k=12)))
        for x in ("en", "sw")
        for n in range(60)
    ]
    asked = [
        ParallelQuestion(
            id=f"q{n}",
            versions={
                x: Version(question=" ".join(rng.choices(words, k=5)), options=["a", "b"]) for x in ("sw", "en", "de")
            },
        )
        for n in range(20)
    ]
    return passages, asked


def check_order_and_shards(index: Index, asked: list[ParallelQuestion], method: str) -> None:
    for query in ("own", "pivot", "both"):
        options = SearchOptions(method=method, query=query, k=4)  # type: ignore[arg-type]
        whole = retrieved(index, asked, options)
        mixed = random.Random(2).sample(asked, len(asked))
        assert retrieved(index, mixed, options) == whole
        shards = [retrieved(index, asked[i::3], options) for i in range(3)]
        assert {q: found for shard in shards for q, found in shard.items()} == whole
        assert all(len(own.passages) == 4 for found in whole.values() for own in found.values())  # type: ignore[attr-defined]


def test_order_and_shards_change_nothing() -> None:
    passages, asked = many()
    check_order_and_shards(Index.of(passages), asked, "lexical")


# --- recall and MRR ---------------------------------------------------------------------------------------------------


def judged(name: str, language: str, *gold: bool | None) -> Passages:
    passages = [Passage(id=str(n), language=language, text="x", gold=g) for n, g in enumerate(gold)]
    return Passages(id=name, language=language, passages=passages)


def test_recall_and_mrr_by_hand() -> None:
    found = [
        judged("a", "en", True, False, True),
        judged("b", "en", False, False, True),
        judged("c", "en", False, False, False),
        judged("d", "en", None, None, None),
        judged("e", "en"),
        judged("a", "zh", False, True),
        judged("e", "zh"),
    ]
    told = measure(found, known={("e", "en")})
    english = told["languages"]["en"]
    assert (english["n_questions"], english["without_gold"]) == (4, 1)
    assert english["recall"] == {"1": 0.25, "2": 0.25, "3": 0.5}
    assert english["mrr"] == pytest.approx((1 + 1 / 3) / 4)
    assert told["languages"]["zh"]["recall"] == {"1": 0.0, "2": 1.0, "3": 1.0}
    assert told["overall"]["n_questions"] == 5
    assert told["overall"]["mrr"] == pytest.approx((1 + 1 / 3 + 1 / 2) / 5)
    assert measure(found, k=2)["languages"]["en"]["mrr"] == pytest.approx(1 / 3), "the third place is too deep"
    nothing = measure([judged("d", "en", None)])["languages"]["en"]
    assert nothing["n_questions"] == 0 and math.isnan(nothing["mrr"]) and math.isnan(nothing["recall"]["1"])
    with pytest.raises(CalmError, match="k is 0"):
        measure(found, k=0)


# --- dense search -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def embedding_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT of two small layers that knows the syllables of :func:`many`, as sentence-transformers keeps one."""
    st_ = pytest.importorskip("sentence_transformers")
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("model")
    words = [a + b for a in "bdfgklmnprst" for b in "aeiou"]
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]))
    torch.manual_seed(0)
    config = BertConfig(vocab_size=len(words) + 5, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
                        intermediate_size=32, max_position_embeddings=32)  # fmt: skip
    BertModel(config).save_pretrained(folder / "bert")
    BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=32).save_pretrained(folder / "bert")
    st_.SentenceTransformer(str(folder / "bert"), device="cpu").save(str(folder / "tiny"))
    return folder / "tiny"


def test_the_model_of_dense_search_computes_where_the_recipe_s_does(
    embedding_model: Path, babel_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the stage of a run, and in a task with passages; else sentence-transformers takes the GPU there is."""
    from sentence_transformers import SentenceTransformer

    passages, questions = many()
    build_index(placed(passages), tmp_path / "i", dense_model=embedding_model)
    asked, (language, *_) = questions[:1], questions[0].versions
    devices: list[str | None] = []
    load = SentenceTransformer.__init__

    def noted(self: SentenceTransformer, *arguments: object, device: str | None = None, **more: object) -> None:
        devices.append(device)
        load(self, *arguments, device="cpu", **more)  # type: ignore[arg-type]

    monkeypatch.setattr(SentenceTransformer, "__init__", noted)
    found = {"index": str(tmp_path / "i"), "method": "dense"}
    for device in ("cpu", None):
        retrieval = wanted("babel", {"retrieval": True, "style": "direct", "device": device, **found})
        assert retrieval is not None and retrieval.ground(asked, split="test").found[asked[0].id, language].passages
        recipe = small_recipe(babel_model, retrieval=found)
        run = Run(recipe.replace(model=recipe.model.replace(device=device)), tmp_path / "run")
        assert _grounder(run, [language]).ground(asked).found[asked[0].id, language].passages
    assert devices == ["cpu", "cpu", None, None]


def test_dense_and_hybrid(embedding_model: Path, tmp_path: Path) -> None:
    passages, asked = many()
    long = CorpusPassage(id="long", language="en", text="ba " * 50)
    summary = build_index(placed([*passages, long]), tmp_path / "i", dense_model=embedding_model)
    assert summary.cut_off == 1 and f".{TOKENIZER}.tiny-" in summary.fingerprint
    index = Index.open(tmp_path / "i")
    assert index.has_dense and index.fingerprint == summary.fingerprint
    for passage in passages[::17]:
        best = index.search(passage.text, passage.language, k=60, method="dense")
        assert best[0].score == pytest.approx(1.0, abs=1e-5) and passage.id in {p.id for p in best[:2]}
    fused = index.search(passages[3].text, "en", k=60, method="hybrid")
    assert fused[0].id == "p3" and fused[0].score == pytest.approx(2 / 61, abs=1e-6)
    assert [p.id for p in index.search(passages[3].text, "en", k=5, method="hybrid")] == [p.id for p in fused[:5]]
    for method in ("dense", "hybrid"):
        check_order_and_shards(index, asked[:6], method)


def test_prefixes_change_the_embeddings(embedding_model: Path, tmp_path: Path) -> None:
    passages, _ = many()
    one = build_index(placed(passages), tmp_path / "a", dense_model=embedding_model)
    prefixes = {"query_prefix": "ba ", "passage_prefix": "ba "}
    other = build_index(placed(passages), tmp_path / "b", dense_model=embedding_model, **prefixes)
    assert one.corpus_sha256 == other.corpus_sha256 and one.fingerprint != other.fingerprint
    a, b = (Index.open(tmp_path / x).search("da ga", "en", k=1, method="dense")[0].score for x in "ab")
    assert a != b


def test_a_model_that_is_not_there(embedding_model: Path, tmp_path: Path) -> None:
    import shutil

    with pytest.raises(CalmError, match="no such folder; dense search needs a sentence-transformers model"):
        build_index(placed(CORPUS), tmp_path / "i", dense_model=tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="is not a model that sentence-transformers can load"):
        build_index(placed(CORPUS), tmp_path / "i", dense_model=tmp_path / "empty")
    moved = tmp_path / "moved"
    shutil.copytree(embedding_model, moved)
    build_index(placed(CORPUS), tmp_path / "i", dense_model=moved)
    moved.rename(tmp_path / "elsewhere")
    with pytest.raises(CalmError, match="its model moved is not in"):
        Index.open(tmp_path / "i").search("ba", "en", k=1, method="dense")
    assert Index.open(tmp_path / "i", dense_model=embedding_model).search("ba", "en", k=1, method="dense")
    (tmp_path / "elsewhere/config.json").write_text("{}")
    with pytest.raises(CalmError, match="was embedded by another model"):
        Index.open(tmp_path / "i", dense_model=tmp_path / "elsewhere").search("ba", "en", k=1, method="dense")


# --- corpora ----------------------------------------------------------------------------------------------------------


def test_textbooks(tmp_path: Path) -> None:
    for folder, name, text in (("en", "Anatomy", "The heart.\nThe liver."), ("zh_paragraph", "内科学", "心脏。")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{name}.txt").write_text("\ufeff" + text, encoding="utf-8")
    found = [p for _, p in read_textbooks([tmp_path / "en", tmp_path / "zh_paragraph"])]
    assert [(p.id, p.language, p.title, p.text) for p in found] == [
        ("Anatomy", "en", "Anatomy", "The heart.\nThe liver."), ("内科学", "zh", "内科学", "心脏。"),
    ]  # fmt: skip
    with pytest.raises(CalmError, match=r"does not tell the books' language; name one of its folders en, zh_paragraph"):
        list(read_textbooks([tmp_path]))
    mine = tmp_path / "mine"
    mine.mkdir()
    with pytest.raises(CalmError, match="say it with --language"):
        list(read_textbooks([mine]))
    with pytest.raises(DataError, match=r"has no books \(\*\.txt\)"):
        list(read_textbooks([mine], language="fr"))
    (mine / "a.txt").write_bytes(b"one\ntwo \xff\n")
    with pytest.raises(DataError, match=r"a\.txt:2: not UTF-8"):
        list(read_textbooks([mine], language="fr"))
    (mine / "a.txt").write_text(" \n")
    with pytest.raises(DataError, match=r"a\.txt: is empty"):
        list(read_textbooks([mine], language="fr"))
    with pytest.raises(DataError, match="no such folder"):
        list(read_textbooks([tmp_path / "en", tmp_path / "nowhere"], language="en"))


@pytest.fixture
def medexpqa(tmp_path: Path) -> Path:
    for language in ("es", "en"):
        folder = tmp_path / "med/data" / language
        folder.mkdir(parents=True)
        rows = [medexpqa_row(language, i) for i in range(3)]
        rows[2]["rag"] = {"x": [f"{language} passage 0", f"{language} passage 9"]}
        (folder / f"test.{language}.casimedicos.rag.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    return tmp_path / "med"


def test_the_passages_of_medexpqa(medexpqa: Path) -> None:
    found = [p for _, p in read_medexpqa("test", languages=["es", "en"], data_dir=str(medexpqa))]
    assert [(p.id, p.answers) for p in found if p.language == "es"] == [
        ("medexpqa-0-es-1", ["medexpqa-0", "medexpqa-2"]),
        ("medexpqa-1-es-1", ["medexpqa-1"]),
        ("medexpqa-2-es-2", ["medexpqa-2"]),
    ]
    assert len(found) == 6 and len({p.id for p in found}) == 6, "ids of two languages are not those of translations"


def test_layouts_refuse_what_is_not_theirs(tmp_path: Path) -> None:
    for layout, options, said in (
        ("jsonl", {"languages": ["en"]}, "takes no language"),
        ("jsonl", {"split": "test"}, "a split is of layout medexpqa only"),
        ("medqa-textbooks", {"languages": ["en", "zh"]}, "one language is named"),
        ("medexpqa", {"languages": ["de"]}, "medexpqa has no de"),
        ("pdf", {}, "no corpus layout 'pdf'"),
    ):
        with pytest.raises(CalmError, match=said):
            list(read_layout(layout, [tmp_path], **options))  # type: ignore[arg-type]


# --- calm-ext index ---------------------------------------------------------------------------------------------------


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["index", *map(str, arguments)], catch_exceptions=True)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    write_jsonl(tmp_path / "c.jsonl", CORPUS)
    write_jsonl(tmp_path / "q.jsonl", QUESTIONS)
    return tmp_path / "c.jsonl", tmp_path / "q.jsonl"


def test_cli_from_corpus_to_recall(files: tuple[Path, Path], tmp_path: Path) -> None:
    corpus, questions = files
    index, output = tmp_path / "i", tmp_path / "p.jsonl"
    built = run("build", corpus, "-o", index)
    assert built.exit_code == 0, built.output
    assert "6 passages (en 3, zh 3)" in built.stdout
    told = json.loads(run("show", index, "--json").stdout)
    assert told["languages"] == {"en": 3, "zh": 3} and told["sources"] == [str(corpus)]
    assert "known for 3 questions" in run("show", index).stdout
    assert "Insulin lowers" in run("search", index, "blood sugar", "--language", "en").stdout
    found = json.loads(run("search", index, "血糖", "--language", "zh", "-k", "1", "--json").stdout)
    assert [p["id"] for p in found["passages"]] == ["p1"]
    told_of = run("passages", index, questions, "-o", output, "--json")
    assert told_of.exit_code == 0, told_of.output
    quality = json.loads(told_of.stdout)
    assert quality["quality"]["languages"]["zh"] == {
        "n_questions": 3, "without_gold": 0, "recall": {"1": 1.0, "2": 1.0, "3": 1.0}, "mrr": 1.0,
    }  # fmt: skip
    assert quality["signature"] == f"lexical.own.k3|index:{told['fingerprint']}"
    assert "note: de: no passages in the index, en's are used (3 questions)" in told_of.stderr
    lines = list(read_jsonl(output, Passages))
    assert Counter(p.language for p in lines) == {"en": 3, "zh": 3, "de": 3}
    assert lines[0].passages[0].text == CORPUS[0].text and lines[0].passages[0].gold is True
    table = run("passages", index, questions, "-o", output, "--force", "--query", "both", "-k", "2")
    assert "recall@2" in table.stdout and "lexical.both.k2|index:" in table.stdout


def test_cli_says_where_nothing_is_known_or_found(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "c.jsonl", [CorpusPassage(id="x", language="en", text="Quite another matter.")])
    write_jsonl(tmp_path / "q.jsonl", QUESTIONS[:1])
    run("build", tmp_path / "c.jsonl", "-o", tmp_path / "i")
    found = run("passages", tmp_path / "i", tmp_path / "q.jsonl", "-o", tmp_path / "p.jsonl")
    assert "does not say which passages answer" in found.stdout
    assert "no passage was found for 3 of 3 questions and languages" in found.stderr
    nothing = run("search", tmp_path / "i", "zebra")
    assert nothing.exit_code == 0 and nothing.stdout == "" and "no passage has a word of the query" in nothing.stderr


def test_cli_layouts(medexpqa: Path, tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en/Heart.txt").write_text("It beats all day. " * 100)
    books = run("build", tmp_path / "en", "-o", tmp_path / "b", "--layout", "medqa-textbooks", "--overlap", "0")
    assert "2 passages (en 2)" in books.stdout, books.output
    assert Index.open(tmp_path / "b").get("Heart#2", "en") is not None
    rag = run("build", medexpqa, "-o", tmp_path / "m", "--layout", "medexpqa", "--language", "es", "--json")
    assert json.loads(rag.stdout)["languages"] == {"es": 3}
    write_jsonl(tmp_path / "c.jsonl", [CORPUS[2].model_copy(update={"answers": ["q"]})])
    cut_up = run("build", tmp_path / "c.jsonl", "-o", tmp_path / "i", "--chunk", "5")
    write_jsonl(tmp_path / "c.jsonl", [CORPUS[0], CorpusPassage(id="x", language="en", text="… !")])
    silent = run("build", tmp_path / "c.jsonl", "-o", tmp_path / "w")
    assert "note: 1 passages have no word or number: no search by words finds them" in silent.stderr
    assert "1 of the 1 passages that were cut say which questions they answer; their pieces do not" in cut_up.stderr


def test_cli_mistakes(files: tuple[Path, Path], tmp_path: Path) -> None:
    corpus, questions = files
    index = tmp_path / "i"
    run("build", corpus, "-o", index)
    before = questions.read_bytes()
    (tmp_path / "bad.jsonl").write_text('{"id": "a", "language": "en", "text": " "}\n')
    for arguments, said in (
        (("build", corpus, "-o", index), "exists; --force replaces it"),
        (("build", corpus, "-o", tmp_path, "--force"), "c.jsonl lies in it; name another output"),
        (("build", corpus, "-o", corpus), "is there and is not an index"),
        (("build", tmp_path / "bad.jsonl", "-o", tmp_path / "j"), "bad.jsonl:1: text: is empty"),
        (("build", tmp_path / "none.jsonl", "-o", tmp_path / "j"), "none.jsonl: no such file"),
        (("build", corpus, "-o", tmp_path / "j", "--overlap", "2"), "--overlap needs --chunk"),
        (("build", corpus, "-o", tmp_path / "j", "--query-prefix", "x"), "are for the model of --dense"),
        (("search", index, "x"), "has passages in en, zh; choose by --language"),
        (("search", index, " ", "--language", "en"), "the query is empty"),
        (("search", corpus, "x"), "is not an index"),
        (("passages", index, questions, "-o", questions, "--force"), "is also what is read"),
        (("passages", index, questions, "-o", corpus), "exists; --force replaces it"),
        (("passages", index, questions, "-o", tmp_path / "p", "--method", "dense"), "needs an index with embeddings"),
        (("passages", tmp_path / "k", questions, "-o", tmp_path / "p"), "no such index"),
    ):
        result = run(*arguments)
        assert isinstance(result.exception, CalmError), (arguments, result.output)
        assert said in str(result.exception) and "\n" not in str(result.exception)
    assert questions.read_bytes() == before
    assert not (tmp_path / "j").exists() and not (tmp_path / "p").exists()


def test_reading_a_corpus_names_the_place(files: tuple[Path, Path]) -> None:
    corpus, _ = files
    assert [where for where, _ in read_corpus([corpus])] == [f"{corpus}:{n}" for n in range(1, 7)]
