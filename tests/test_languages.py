"""The words of the languages: every language has every part, or says that it has none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import calm_ext.languages
from calm_ext.cli.languages import command
from calm_ext.errors import CalmError
from calm_ext.languages import LANGUAGES, AnswerWords, Language, get_language, is_known, resolve_alias
from calm_ext.languages.babel import BABEL_CODES

CODES = ["ar", "de", "en", "es", "fr", "hi", "it", "ja", "nl", "pl", "pt", "ru", "sw", "ur", "vi", "zh"]
#: The parts of the answer words that a language may lack.
OPTIONAL = {"article", "turn", "words", "letters", "verdict", "glued", "prefixed", "endings"}


def test_the_languages_and_their_files() -> None:
    assert [code for code, row in LANGUAGES.items() if not row.invented] == CODES
    assert tuple(f"qa{x}" for x in "abcdefgh") == BABEL_CODES
    assert {code for code, row in LANGUAGES.items() if row.invented} == set(BABEL_CODES)
    folder = Path(calm_ext.languages.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} == {*CODES, "babel", "__init__"}
    assert all(code == row.code for code, row in LANGUAGES.items())


@pytest.mark.parametrize("code", CODES)
def test_every_language_has_every_part(code: str) -> None:
    own = LANGUAGES[code]
    may_lack = {"space", "stemmer", "unspaced", "aliases"}
    assert [k for k, v in own._asdict().items() if not v and k not in may_lack] == []
    assert [k for k, v in own.answers._asdict().items() if not v and k not in OPTIONAL] == []
    assert own.stemmer or code in {"ja", "sw", "ur", "vi", "zh"}
    assert own.unspaced == (code in {"ja", "zh"}) == (not own.space)
    assert own.right_to_left == (code in {"ar", "ur"})
    assert own.instruction.count("{letters}") == 1 and own.instruction.count("{") == 1
    assert len({own.question, own.explanation, own.answer, own.passage}) == 4 and own.yes != own.no
    assert own.flores and own.flores.split("_")[1] == own.script


@pytest.mark.parametrize("code", [*CODES, *BABEL_CODES])
def test_words_are_whole(code: str) -> None:
    own = LANGUAGES[code]
    items = [v for v in own.answers if isinstance(v, tuple)]
    assert all(v == v.strip() and v and "|" not in v for part in items for v in part), "no empty word, no stray space"
    assert all(len(set(part)) == len(part) for part in items), "no word twice"
    assert all(part == part.strip() for k, part in own._asdict().items() if k in ("code", "name", "endonym", "answer"))
    assert set(own.answers.words) <= set("ABCDEFGHIJ") | {"А", "В", "С"}, (
        "Latin letters, or Cyrillic ones that look like them"
    )


@pytest.mark.parametrize("code", BABEL_CODES)
def test_babel_has_cue_words_only(code: str) -> None:
    own = LANGUAGES[code]
    words = (own.code, own.name, own.endonym, own.script, own.question, own.explanation, own.answer, own.passage)
    assert all(words) and own == Language(*words) and own.answers == AnswerWords()


def test_aliases() -> None:
    aliases = [alias for row in LANGUAGES.values() for alias in row.aliases]
    assert sorted(aliases) == ["cn", "jap", "jp"] and not set(aliases) & set(LANGUAGES)
    assert [resolve_alias(x) for x in ("cn", "jap", "jp", "fr", "xx")] == ["zh", "ja", "ja", "fr", "xx"]
    assert is_known("zh") and not is_known("cn") and not is_known("xx")


def test_an_unknown_code_names_the_nearest() -> None:
    with pytest.raises(
        CalmError, match=r"'jap' \(did you mean 'ja'\?\); known: ar, de, .*, zh, and Babel's qaa to qah"
    ):
        get_language("jap")
    with pytest.raises(CalmError, match=r"'eng' \(did you mean 'en'\?\); known: "):
        get_language("eng")
    with pytest.raises(CalmError, match="no cue words for language 'xx'; known: "):
        get_language("xx")
    assert LANGUAGES.get("xx") is None and LANGUAGES.get("en") is get_language("en")


def test_importing_reads_no_language_and_nothing_heavy() -> None:
    code = "import sys, calm_ext.languages; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"calm_ext.languages.en", "calm_ext.prompts", "pydantic", "numpy", "torch"} & set(loaded)


def test_the_listing_has_babel_last() -> None:
    lines = CliRunner().invoke(command).output.splitlines()
    assert [line.split()[0] for line in lines] == [*CODES, *BABEL_CODES]
    assert lines[2] == "en   English      Question / Explanation / Answer"
