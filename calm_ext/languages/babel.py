"""The eight invented languages of :mod:`calm_ext.babel`, pivot first.

ISO 639-2 reserves their codes for local use. Their models learn the format of the prompts in training and know the cue
words only: there is no instruction, no yes and no, no other word for an answer.
"""

from __future__ import annotations

from calm_ext.languages import Language

# code, name, endonym, script; question, explanation, answer, passage
LANGUAGE = (
    Language("qaa", "Babel A", "velar", "Latn", "Ruvo", "Sumek", "Talor", "Lumek"),
    Language("qab", "Babel B", "kishti", "Latn", "Dzira", "Ponke", "Wishul", "Tsilka"),
    Language("qac", "Babel C", "ombaru", "Latn", "Gombe", "Yalu", "Ndoro", "Ndumba"),
    Language("qad", "Babel D", "fjelte", "Latn", "Spraak", "Hjund", "Kvelt", "Bjort"),
    Language("qae", "Babel E", "aoluei", "Latn", "Oiea", "Uale", "Iamea", "Oaliu"),
    Language("qaf", "Babel F", "tzotlan", "Latn", "Xuhti", "Tlamek", "Cazotl", "Zacuitl"),
    Language("qag", "Babel G", "drumnia", "Latn", "Brusk", "Glenar", "Vorst", "Gnarv"),
    Language("qah", "Babel H", "pipiko", "Latn", "Pelia", "Hanohu", "Makiko", "Lipuna"),
)  # fmt: skip

#: Their codes, in this order.
BABEL_CODES = tuple(language.code for language in LANGUAGE)
