"""The words of the languages: every language has every part, or says that it has none."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import ValidationError

import calm_ext.languages
from calm_ext.answers.read import read_answer
from calm_ext.cli.languages import command
from calm_ext.errors import CalmError
from calm_ext.languages import (
    LANGUAGES,
    AnswerWords,
    Language,
    get_language,
    is_known,
    is_language,
    normalise_code,
    resolve_alias,
)
from calm_ext.languages.babel import BABEL_CODES
from calm_ext.languages.scripts import NAMES, share_in_script
from calm_ext.prompts import ask, delimiter, wordless_notes
from calm_ext.records import ParallelQuestion
from calm_ext.retrieval.tokens import tokens

OLD = ["ar", "de", "en", "es", "fr", "hi", "it", "ja", "nl", "pl", "pt", "ru", "sw", "ur", "vi", "zh"]
NEW = ["bn", "ca", "cs", "el", "fa", "he", "hu", "id", "ko", "ro", "th", "tr", "uk", "zh-Hant"]
CODES = sorted([*OLD, *NEW])
#: The parts of the answer words that a language may lack.
OPTIONAL = {"article", "turn", "words", "letters", "glued", "prefixed", "endings", "verdict", "clause"}


def test_the_languages_and_their_files() -> None:
    assert [code for code, row in LANGUAGES.items() if not row.invented] == CODES
    assert tuple(f"qa{x}" for x in "abcdefgh") == BABEL_CODES
    assert {code for code, row in LANGUAGES.items() if row.invented} == set(BABEL_CODES)
    folder = Path(calm_ext.languages.__file__).parent
    files = {code.lower().replace("-", "_") for code in CODES}
    assert {path.stem for path in folder.glob("*.py")} == {*files, "babel", "codes", "scripts", "__init__"}
    assert all(code == row.code for code, row in LANGUAGES.items())


@pytest.mark.parametrize("code", CODES)
def test_every_language_has_every_part(code: str) -> None:
    own = LANGUAGES[code]
    may_lack = {"space", "stemmer", "unspaced", "aliases"}
    assert [k for k, v in own._asdict().items() if not v and k not in may_lack] == []
    assert [k for k, v in own.answers._asdict().items() if not v and k not in OPTIONAL] == []
    assert own.stemmer or code in {"bn", "he", "ja", "ko", "sw", "th", "uk", "ur", "vi", "zh", "zh-Hant"}
    assert own.unspaced == (code in {"ja", "th", "zh", "zh-Hant"}) and (not own.space) == (
        own.unspaced and code != "th"
    )
    assert own.right_to_left == (code in {"ar", "fa", "he", "ur"})
    assert own.instruction.count("{letters}") == 1 and own.instruction.count("{") == 1
    assert len({own.question, own.explanation, own.answer, own.passage}) == 4 and own.yes != own.no
    assert own.flores and own.flores.split("_")[1] == own.script.replace("Kore", "Hang")
    assert own.script in NAMES and share_in_script(own.question + own.instruction, own.script) > 0.8


@pytest.mark.parametrize("code", [*CODES, *BABEL_CODES])
def test_words_are_whole(code: str) -> None:
    own = LANGUAGES[code]
    items = [v for v in own.answers if isinstance(v, tuple)]
    assert all(v == v.strip() and "|" not in v for part in items for v in part), "no stray space"
    assert all(all(v) for k, v in own.answers._asdict().items() if k != "endings"), "no empty word"
    assert all(len(set(part)) == len(part) for part in items), "no word twice"
    assert all(part == part.strip() for k, part in own._asdict().items() if k in ("code", "name", "endonym", "answer"))
    own_letters = {x for spelled in own.answers.letters for x in spelled.split(",")}
    assert all(x.isupper() or x in own_letters for x in own.answers.words), "capital letters, or options' letters"


@pytest.mark.parametrize("code", BABEL_CODES)
def test_babel_has_cue_words_only(code: str) -> None:
    own = LANGUAGES[code]
    words = (own.code, own.name, own.endonym, own.script, own.question, own.explanation, own.answer, own.passage)
    assert all(words) and own == Language(*words) and own.answers == AnswerWords()


def test_aliases() -> None:
    aliases = [alias for row in LANGUAGES.values() for alias in row.aliases]
    assert sorted(aliases) == ["cn", "cz", "gr", "jap", "jp", "ua"] and not set(aliases) & set(LANGUAGES)
    assert [resolve_alias(x) for x in ("cn", "jap", "jp", "fr", "xx")] == ["zh", "ja", "ja", "fr", "xx"]
    assert is_known("zh") and not is_known("cn") and not is_known("xx")


@pytest.mark.parametrize(
    ("written", "ours"),
    [
        *(("zho_Hans", "zh"), ("zh_CN", "zh"), ("zh-cn", "zh"), ("cn", "zh"), ("CN", "zh"), ("cmn_Hans", "zh")),
        *(("zh_TW", "zh-Hant"), ("zho_Hant", "zh-Hant"), ("ZH-hant", "zh-Hant"), ("zh-Hans-HK", "zh-Hans-HK")),
        *(("EN", "en"), ("en-US", "en"), ("eng", "en"), ("eng_Latn", "en"), ("en_GB", "en-GB"), (" en ", "en")),
        *(("jap", "ja"), ("jpn_Jpan", "ja"), ("fra_Latn", "fr"), ("fr_FR", "fr"), ("fre", "fr"), ("ger", "de")),
        *(("iw", "he"), ("in", "id"), ("kor_Hang", "ko"), ("pes_Arab", "fa"), ("arb_Arab", "ar"), ("swh_Latn", "sw")),
        *(("pt", "pt"), ("pt_BR", "pt-BR"), ("por_Latn", "pt"), ("ron", "ro"), ("ell_Grek", "el"), ("cze", "cs")),
        *(("eus_Latn", "eu"), ("yor", "yo"), ("kat_Geor", "ka"), ("sr-Latn", "sr-Latn"), ("arz_Arab", "arz")),
        *(("qaa", "qaa"), ("qai", "qai"), ("xx", "xx"), ("und", "und"), ("", ""), ("French", "French")),
        *(("en-x-mine", "en-x-mine"), ("the quick", "the quick")),
    ],
)
def test_codes_that_others_write(written: str, ours: str) -> None:
    assert normalise_code(written) == ours == normalise_code(ours)


@pytest.mark.parametrize("code", [row.flores for row in LANGUAGES.values() if row.flores])
def test_flores_codes_are_read(code: str) -> None:
    assert LANGUAGES[normalise_code(code)].flores == code


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        *(("fren", "fr"), ("germna", "de"), ("zhh", "zh"), ("French", "fr"), ("deutsch", "de"), ("jap", "ja")),
        *(("eng", "en"), ("한국어", "ko"), ("Basque", "eu"), ("EN", "en"), ("zh_CN", "zh"), ("englisch", "en")),
        *(("xx", None), ("", None), ("qzz", None), ("und", None)),
    ],
)
def test_an_unknown_code_names_the_nearest(wrong: str, meant: str | None) -> None:
    hint = f" (did you mean '{meant}'?)" if meant else ""
    expected = f"no language {wrong!r}{hint}; `calm-ext languages` lists those with cue words"
    with pytest.raises(CalmError, match=re.escape(expected)):
        get_language(wrong)
    assert not is_language(wrong) and LANGUAGES.get(wrong) is None
    row = {"id": "q", "versions": {wrong: {"question": "a", "options": ["x", "y"]}}}
    with pytest.raises(ValidationError, match=re.escape(f"unknown language {wrong!r}{hint}; ")):
        ParallelQuestion.model_validate(row)


def test_a_region_has_the_words_of_its_language() -> None:
    brazil, taiwan, hong_kong = (get_language(x) for x in ("pt-BR", "zh-Hant", "zh-HK"))
    assert brazil == LANGUAGES["pt"]._replace(code="pt-BR", name="Portuguese (Brazil)", endonym="português (Brasil)")
    assert hong_kong.question == taiwan.question == "問題" and hong_kong.script == "Hant"
    assert read_answer("Resposta: B", ["x", "y"], "pt-BR") == 1
    assert get_language("ur-Deva").script == "Deva" and not get_language("ur-Deva").has_words, "words in another script"


def test_a_language_without_a_file_has_options_scored_after_the_bare_question() -> None:
    basque, georgian, dhivehi = (get_language(x) for x in ("eu", "ka", "dv"))
    assert basque[:4] == ("eu", "Basque", "euskara", "Latn") and not basque.has_words
    assert georgian.script == "Geor" and dhivehi.right_to_left and not basque.right_to_left
    assert ask("eu", "Non?", ["ur", "aire"], "cloze", ["Ura."]) + delimiter("eu") + "ur" == "Ura.\nNon?\nur"
    assert wordless_notes(["eu", "en", "eu", "pt-BR"]) == [
        "no cue words for Basque (eu): options are scored after the bare question"
    ]
    assert tokens("Arrainak uretan", "eu") == ["arrainak", "uretan"]
    for style in ("explain", "direct"):
        with pytest.raises(CalmError, match=rf"style {style} needs words, and there are none for Basque \(eu\): score .*"
                           r"add calm_ext/languages/eu.py .*; languages with words: ar, bn, .*, zh, zh-Hant$"):  # fmt: skip
            ask("eu", "Non?", ["ur", "aire"], style)  # type: ignore[arg-type]
    with pytest.raises(CalmError, match="reading answers needs words"):
        read_answer("Erantzuna: B", ["ur", "aire"], "eu")
    assert read_answer("ur\n", ["ur", "aire"], "eu", style="direct") == 0


def test_importing_reads_no_language_and_nothing_heavy() -> None:
    code = "import sys, calm_ext.languages; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"calm_ext.languages.en", "calm_ext.prompts", "pydantic", "numpy", "torch"} & set(loaded)


def test_codes_of_ours_need_no_langcodes() -> None:
    code = """if True:
        import sys, calm_ext.records
        from calm_ext.languages import get_language, is_language, normalise_code
        assert normalise_code("fr") == get_language("fr").code and is_language("zh-Hant")
        print(*sorted(sys.modules))"""
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"langcodes", "language_data"} & set(loaded)


def test_the_listing_has_babel_last() -> None:
    lines = CliRunner().invoke(command).output.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == [*CODES, *BABEL_CODES]
    assert lines[6] == "en      English              English           Latn  Question / Explanation / Answer"
    assert lines[-2].endswith("Makiko  (cue words only)") and lines[-1].startswith("any other language of BCP-47")
    found = json.loads(CliRunner().invoke(command, ["--json"]).output)["languages"]
    assert found[6]["code"] == "en" and found[6]["full"] and not found[-1]["full"]
