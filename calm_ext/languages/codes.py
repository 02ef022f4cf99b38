"""Codes of languages: how others write them, what was meant by a wrong one, and languages that have no file here.

``langcodes`` knows BCP-47 (RFC 5646), the likely script and region of a language (CLDR) and its names. It is imported
when a code is asked for that is not one of ours.
"""

from __future__ import annotations

import difflib
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

from calm_ext.languages import LANGUAGES, Language, get_language, is_language

if TYPE_CHECKING:
    from langcodes import Language as Tag

#: Scripts that are part of what a language is written in by default.
_PART_OF = {("ko", "Hang"): "Kore", ("ja", "Hira"): "Jpan", ("ja", "Kana"): "Jpan", ("zh", "Hani"): "Hans"}
#: Languages with two written standards: a region is kept even where it is the likely one, as in pt-BR.
_TWO_STANDARDS = {"pt"}
#: Codes that name no language.
_NONE = {None, "und", "mul", "mis", "zxx"}
#: Scripts that do not space words.
_UNSPACED = {"Hans", "Hant", "Hani", "Jpan", "Thai", "Laoo", "Khmr", "Mymr"}


def normalise_code(code: str) -> str:
    """Our code of a language that is written in another way; ``code`` itself where no language is called so.

    ISO 639-2 and 639-3, FLORES-200 and locale names are known, in any case, and what data sets call a language by
    mistake (``cn``, ``jap``). A script or region that goes without saying is dropped.

    >>> [normalise_code(x) for x in ("zho_Hans", "zh_CN", "EN", "cn", "jap", "fra_Latn", "fr_FR", "iw", "en-US")]
    ['zh', 'zh', 'en', 'zh', 'ja', 'fr', 'fr', 'he', 'en']
    >>> [normalise_code(x) for x in ("zh_TW", "pt_br", "eus_Latn", "xx")]
    ['zh-Hant', 'pt-BR', 'eu', 'xx']
    """
    if code in LANGUAGES:
        return code
    plain = code.strip().replace("_", "-").lower()
    for row in LANGUAGES.values():
        if plain == row.code.lower() or plain in row.aliases:
            return row.code
    return canonical(code.strip()) or code


@lru_cache(maxsize=4096)
def canonical(code: str) -> str | None:
    """The shortest BCP-47 tag of a language; None where the code names none."""
    tag = _parse(code)
    if tag is None:
        return None
    full = _full(tag)
    kept = tag.territory if tag.language in _TWO_STANDARDS else None
    _, script, region = full
    for parts in ((None, kept), (script, kept), (None, region), (script, region)):
        if _full(tag.make(language=tag.language, script=parts[0], territory=parts[1])) == full:
            break
    short = tag.make(language=tag.language, script=parts[0], territory=parts[1], variants=tag.variants)
    return str(short.to_tag())


def _parse(code: str) -> Tag | None:
    import langcodes

    try:
        tag = langcodes.Language.get(langcodes.standardize_tag(code, macro=True))
    except langcodes.tag_parser.LanguageTagError:
        return None
    invented = tag.language is not None and "qaa" <= tag.language <= "qtz" and len(tag.language) == 3
    if tag.language in _NONE or invented or tag.extensions or tag.private or tag.extlangs or not tag.is_valid():
        return None
    script = _PART_OF.get((str(tag.language), str(tag.script)))
    return tag.update_dict({"script": script}) if script else tag


def _full(tag: Tag) -> tuple[str | None, str | None, str | None]:
    """Language, script and region, the likely ones where the tag names none."""
    likely = tag.maximize()
    return likely.language, likely.script, likely.territory


@lru_cache(maxsize=1024)
def derived(code: str) -> Language | None:
    """The language of a code that has no file: with the words of its base language in that script, or with none.

    None where the code is not the canonical one of a language.
    """
    if canonical(code) != code:
        return None
    import langcodes

    tag = langcodes.Language.get(code)
    language, script, _ = _full(tag)
    name, endonym = tag.display_name(), tag.autonym()
    for row in LANGUAGES.values():
        if row.code.split("-")[0] == language and row.script == script:
            return row._replace(code=code, name=name, endonym=endonym, aliases=())
    # No words: the option follows the question on a new line.
    return Language(
        code, name, endonym, script or "Latn", "", "", "", "", colon="", space="\n", unspaced=script in _UNSPACED
    )


def hint(code: str) -> str:
    """`` (did you mean 'x'?)`` where another code, or a name of a language, is near; else nothing."""
    meant = normalise_code(code)
    if meant == code:
        meant = _by_name(code.strip().casefold()) or ""
    return f" (did you mean {meant!r}?)" if meant else ""


def called(text: str) -> str | None:
    """The code of the language that a code or a name, in English or its own words, names; None where it names none.

    >>> called("French"), called("deutsch"), called("fra_Latn"), called("nobody's")
    ('fr', 'de', 'fr', None)
    """
    plain = text.strip().casefold()
    if plain in _names():
        return _names()[plain]
    code = normalise_code(text.strip())
    if is_language(code):
        return code
    if len(plain) > 3:
        import langcodes

        try:
            return normalise_code(str(langcodes.find(plain)))
        except LookupError:
            pass
    return None


def language_called(text: str) -> str | None:
    """The code of the language in the name of a task, where ``_`` stands for a blank; None where it names none.

    >>> language_called("fra_Latn"), language_called("french"), language_called("french_law")
    ('fr', 'fr', None)
    """
    code = normalise_code(text)
    if is_language(code):
        return code
    plain = text.replace("_", " ").casefold()
    found = called(plain) if len(plain) > 3 else None
    named = found is not None and plain in (*_names(), get_language(found).name.casefold())
    return found if named else None


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    rows = [row for row in LANGUAGES.values() if not row.invented]
    return {name.casefold(): row.code for row in rows for name in (row.code, row.name, row.endonym, *row.aliases)}


def _by_name(text: str) -> str | None:
    """The code of the language with a code or name like this."""
    found = called(text)
    if found:
        return found
    close = difflib.get_close_matches(text, _names(), n=1, cutoff=0.66)
    return _names()[close[0]] if close else None


class _Normalised:
    """Makes an option hold our code; one that no language has is kept, for the check of all codes to refuse."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(normalise_code, handler(source))


#: The type of an option that names a language.
LanguageCode = Annotated[str, _Normalised()]
