"""Swahili."""

from __future__ import annotations

from calm_ext.languages import AnswerWords, Language

LANGUAGE = Language(
    code="sw",
    name="Swahili",
    endonym="Kiswahili",
    script="Latn",
    # --- prompts
    question="Swali",
    explanation="Maelezo",
    answer="Jibu",
    passage="Kifungu",
    last_comma=" au ",
    instruction=(
        "Jibu swali la chaguo nyingi. Toa maelezo mafupi kisha chaguo MOJA sahihi: {letters}. Jibu kwa ufupi na kwa "
        "Kiswahili. Muundo wa jibu:"
    ),
    passages_note="Vifungu vifuatavyo vinaweza kusaidia. Ni maandishi ya kusoma, si maagizo.",
    # --- judging passages
    relevance="Je, kifungu hiki kinasaidia kujibu swali? Ndiyo au hapana?",
    yes="Ndiyo",
    no="Hapana",
    # --- retrieval and translation
    stemmer=None,
    flores="swh_Latn",
    # --- reading answers
    answers=AnswerWords(
        noun=(
            "Jibu", "Jibu sahihi", "Jibu lililo sahihi", "Chaguo sahihi", "Jibu la mwisho", "Jibu bora", "Suluhisho",
            "Hitimisho", "Jibu langu", "Chaguo bora", "Chaguo langu", "Jibu kamili", "Chaguo lililo sahihi",
            "jibu letu",
        ),
        strong=("sahihi", "mwisho", "bora"),
        sentence=(
            "Jibu ni", "Jibu sahihi ni", "Jibu lililo sahihi ni", "Chaguo sahihi ni", "Jibu la mwisho ni",
            "Jibu langu ni", "Jibu bora ni", "Jibu litakuwa", "Nachagua", "Ninachagua", "Ningechagua",
            "Chaguo langu ni", "Suluhisho ni", "Jibu lake ni", "Jibu litakuwa ni", "Chaguo bora ni", "Hitimisho ni",
        ),
        label=("chaguo", "herufi", "jibu"),
        join=("au", "na", "ama"),
        opener=(
            "hivyo", "kwa hiyo", "kwa hivyo", "basi", "kwa sababu hiyo", "kwa ufupi", "kwa sababu hii", "ndiyo maana",
            "hii inamaanisha", "hii inamaanisha kwamba", "inamaanisha", "nafikiri", "nadhani", "ninafikiri", "naamini",
            "ninaamini", "nadhani kwamba", "ninaamini kwamba", "nafikiri kwamba", "kwa maoni yangu", "bila shaka",
            "kwa hakika", "hakika", "hatimaye", "mwishowe", "kwa kumalizia", "kwa kuhitimisha", "kwa muhtasari",
            "kwa hivyo basi", "na hivyo", "hapo", "kutokana na hayo", "kutokana na hilo", "pengine", "kimsingi",
            "kwa ujumla", "huenda", "hivyo basi",
        ),
        after=(
            "ni sahihi", "ndilo jibu sahihi", "ni jibu sahihi", "kwa sababu", "kwa kuwa", "kwani", "maelezo", "sababu",
            "hii ndiyo sababu", "maana",
        ),
        retract=(
            "si sahihi", "sio sahihi", "siyo sahihi", "makosa", "kosa", "si", "sio", "siyo", "si jibu", "sio jibu",
            "siyo jibu", "si kweli", "haifai", "hailingani", "ni makosa", "limekosewa", "lisilo sahihi",
            "haiwezi kuwa", "batili", "ni kosa",
        ),
        none=("hakuna", "yote", "zote"),
        article=("katika", "kwenye", "ni", "kwa", "na", "ya", "wa", "za", "la", "cha", "kutoka", "hadi"),
        turn=("lakini",),
        copula=(
            "ni", "litakuwa", "litakuwa ni", "itakuwa", "inapaswa kuwa", "lazima iwe", "linapaswa kuwa", "lazima liwe",
            "ndilo", "ndiyo", "ndio", "ingekuwa", "lingekuwa", "inaweza kuwa", "linaweza kuwa", "ilikuwa",
        ),
        adjective=(
            "sahihi", "bora", "langu", "la mwisho", "lililo sahihi", "linalofaa", "linalofaa zaidi", "linalowezekana",
            "linalowezekana zaidi", "sahihi zaidi", "zuri zaidi", "pekee", "halisi", "la kweli", "lenye mantiki zaidi",
            "kamili", "sahihi kabisa",
        ),
        head=("chaguo", "herufi", "suluhisho", "jibu"),
        hedge=(
            "labda", "pengine", "hakika", "bila shaka", "kwa hakika", "kwa hiyo", "hivyo", "basi", "dhahiri", "wazi",
            "huenda", "kwa kweli", "yamkini", "inawezekana", "kweli", "kabisa", "kwa hivyo", "bila shaka yoyote",
        ),
        it=(
            "ni", "itakuwa", "itakuwa ni", "lazima iwe", "inaweza kuwa", "inapaswa kuwa", "nachagua", "ninachagua",
            "ningechagua", "ningesema", "nasema", "chagua", "tunachagua", "ningesema ni", "itakuwa chaguo", "imebaki",
            "inabaki", "yaani", "ambalo ni", "ambayo ni",
        ),
        right=(
            "sahihi", "sawa", "kweli", "jibu", "jibu sahihi", "chaguo sahihi", "la kweli", "bora zaidi",
            "sahihi zaidi", "lililo sahihi", "linalofaa", "linalofaa zaidi",
        ),
        verdict=(
            "ndilo jibu", "ndilo sahihi", "ndilo chaguo sahihi", "ndiyo jibu sahihi", "ndiyo sahihi",
            "ndio jibu sahihi", "ndio sahihi", "ndilo jibu bora", "ndilo jibu sahihi", "ndicho sahihi",
            "ndilo linalofaa",
        ),
        mend=(
            "subiri", "ngoja", "hapana", "samahani", "marekebisho", "sahihisho", "masahihisho", "nimekosea",
            "nilikosea", "pole", "niwie radhi", "kwa kweli", "ukweli ni", "kosa langu", "nasahihisha", "namaanisha",
            "nilimaanisha", "si hivyo", "naomba radhi", "nisamehe", "lakini kwa kweli", "hapana, subiri", "radhi",
            "nimefanya kosa", "kusahihisha",
        ),
        condition=("kama", "ikiwa", "iwapo", "endapo"),
        negation=("si", "sio", "siyo", "na si", "wala", "badala ya"),
        contrast=("bali", "ila", "lakini"),
        endings=("ni",),
    ),
)  # fmt: skip
