"""Tables of languages and the scripts that they are written in.

Codes are those of the model behind `identification.py`: ISO 639-1 where there is one, else ISO 639-3.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from functools import cache
from typing import Final

NAMES: Final[dict[str, str]] = {
    "af": "afrikaans", "am": "amharic", "an": "aragonese", "ar": "arabic", "as": "assamese", "az": "azerbaijani",
    "ba": "bashkir", "be": "belarusian", "bg": "bulgarian", "bn": "bengali", "br": "breton", "bs": "bosnian",
    "ca": "catalan", "cs": "czech", "cy": "welsh", "da": "danish", "de": "german", "dz": "dzongkha", "el": "greek",
    "en": "english", "eo": "esperanto", "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian",
    "fi": "finnish", "fo": "faroese", "fr": "french", "fy": "frisian", "ga": "irish", "gd": "gaelic",
    "gl": "galician", "gu": "gujarati", "ha": "hausa", "he": "hebrew", "hi": "hindi", "hr": "croatian",
    "ht": "haitian", "hu": "hungarian", "hy": "armenian", "id": "indonesian", "ig": "igbo", "is": "icelandic",
    "it": "italian", "ja": "japanese", "jv": "javanese", "ka": "georgian", "kk": "kazakh", "km": "khmer",
    "kn": "kannada", "ko": "korean", "ku": "kurdish", "ky": "kyrgyz", "la": "latin", "lb": "luxembourgish",
    "lg": "ganda", "ln": "lingala", "lo": "lao", "lt": "lithuanian", "lv": "latvian", "mg": "malagasy",
    "mk": "macedonian", "ml": "malayalam", "mn": "mongolian", "mr": "marathi", "ms": "malay", "mt": "maltese",
    "my": "burmese", "ne": "nepali", "nl": "dutch", "nn": "nynorsk", "no": "norwegian", "oc": "occitan",
    "om": "oromo", "or": "odia", "pa": "punjabi", "pl": "polish", "ps": "pashto", "pt": "portuguese",
    "qu": "quechua", "ro": "romanian", "ru": "russian", "rw": "kinyarwanda", "sa": "sanskrit", "se": "sami",
    "si": "sinhala", "sk": "slovak", "sl": "slovenian", "sn": "shona", "so": "somali", "sq": "albanian",
    "sr": "serbian", "st": "sotho", "sv": "swedish", "sw": "swahili", "ta": "tamil", "te": "telugu",
    "tg": "tajik", "th": "thai", "tk": "turkmen", "tl": "tagalog", "tr": "turkish", "tt": "tatar", "ug": "uyghur",
    "uk": "ukrainian", "ur": "urdu", "uz": "uzbek", "vi": "vietnamese", "vo": "volapük", "wa": "walloon",
    "xh": "xhosa", "yo": "yoruba", "zh": "chinese", "zu": "zulu",
    "ace": "acehnese", "ary": "moroccan arabic", "arz": "egyptian arabic", "bcl": "bikol", "crh": "crimean tatar",
    "ext": "extremaduran", "fuv": "fulfulde", "gcf": "guadeloupean creole", "gcr": "guianese creole",
    "gom": "konkani", "grc": "ancient greek", "gug": "guarani", "guw": "gun", "hbo": "biblical hebrew",
    "kab": "kabyle", "kik": "kikuyu", "lij": "ligurian", "ltg": "latgalian", "nso": "northern sotho",
    "pcm": "nigerian pidgin", "sdh": "southern kurdish", "uzs": "southern uzbek", "vec": "venetian",
    "wuu": "wu chinese", "yue": "cantonese",
}  # fmt: skip
"""Code → English name in lower case, for every language that can be told."""

MORE_LANGUAGES: Final = frozenset((
    "aa", "ab", "ae", "ak", "av", "ay", "bh", "bi", "bm", "bo", "ce", "ch", "co", "cr", "cu", "cv", "dv", "ee", "ff", "fj",
    "gn", "gv", "ho", "hz", "ia", "ie", "ii", "ik", "io", "iu", "ki", "kj", "kl", "kr", "ks", "kv", "kw", "li", "lu", "mh",
    "mi", "na", "nb", "nd", "ng", "nr", "nv", "ny", "oj", "os", "pi", "rm", "rn", "sc", "sg", "sm", "ss", "su", "ti", "tn",
    "to", "ts", "tw", "ty", "ve", "wo", "yi", "za",
))  # fmt: skip
"""Codes of ISO 639-1 beside those that the language detector knows."""

VARIETIES: Final[dict[str, tuple[str, ...]]] = {
    "ar": ("ary", "arz"),
    "el": ("grc",),
    "en": ("pcm",),
    "he": ("hbo",),
    "ku": ("sdh",),
    "no": ("nn",),
    "uz": ("uzs",),
    "zh": ("wuu", "yue"),
}
"""A language → what counts as it too: short texts of the one are often taken for the other."""

_RARE: Final = "ace an bcl br crh eo ext fo fuv gcf gcr gom gug guw kab la lb lij ltg oc pcm se uzs vec vo wa"
RARE: Final = frozenset(_RARE.split())
"""Languages near to others, or with few speakers: a few words are theirs by chance more often than in earnest."""

_UMBRELLA: Final = {variety: code for code, varieties in VARIETIES.items() for variety in varieties}

SCRIPTS: Final[dict[str, tuple[str, str]]] = {
    "Arabic": ("\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff\u0750-\u077f\u08a0-\u08c9\ufb50-\ufdfb\ufe70-\ufefc",
        "ar ary arz az fa kk ku pa ps sdh ug ur uzs"),
    "Armenian": ("\u0531-\u0588", "hy"),
    "Bengali": ("\u0980-\u09fe", "as bn"),
    "Cyrillic": ("\u0400-\u0481\u048a-\u052f\u1c80-\u1c8a\ua640-\ua66d",
        "az ba be bg bs crh kk ku ky mk mn ro ru sr tg tk tt uk uz"),
    "Devanagari": ("\u0900-\u0963\u0970-\u097f", "gom hi mr ne sa"),
    "Ethiopic": ("\u1200-\u135a\u1380-\u138f\u2d80-\u2dde", "am om"),
    "Georgian": ("\u10a0-\u10ff\u1c90-\u1cbf\u2d00-\u2d2d", "ka"),
    "Greek": ("\u0370-\u0373\u0376-\u037d\u0386-\u03ff\u1f00-\u1fff", "el grc"),
    "Gujarati": ("\u0a81-\u0ae3\u0af9-\u0aff", "gu"),
    "Gurmukhi": ("\u0a01-\u0a5e\u0a70-\u0a75", "pa"),
    "Han": ("\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f", "ja ko wuu yue zh"),
    "Hangul": ("\u1100-\u11ff\u3131-\u318e\ua960-\ua97c\uac00-\ud7fb\uffa1-\uffdc", "ko"),
    "Hebrew": ("\u05d0-\u05f2\ufb1d-\ufb4f", "he hbo"),
    "Kana": ("\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9d", "ja"),
    "Kannada": ("\u0c80-\u0ce3\u0cf1-\u0cf3", "kn"),
    "Khmer": ("\u1780-\u17d3", "km"),
    "Lao": ("\u0e81-\u0ece\u0edc-\u0edf", "lo"),
    "Malayalam": ("\u0d00-\u0d63\u0d7a-\u0d7f", "ml"),
    "Mongolian": ("\u1820-\u18aa", "mn"),
    "Myanmar": ("\u1000-\u103f\u1050-\u108f\ua9e0-\ua9ef\uaa60-\uaa7f", "my"),
    "Oriya": ("\u0b01-\u0b63\u0b71", "or"),
    "Sinhala": ("\u0d81-\u0ddf", "si"),
    "Tamil": ("\u0b82-\u0bd7", "ta"),
    "Telugu": ("\u0c00-\u0c63", "te"),
    "Thai": ("\u0e01-\u0e3a\u0e40-\u0e4e", "th"),
    "Tibetan": ("\u0f40-\u0fbc", "dz"),
    "Tifinagh": ("\u2d30-\u2d7f", "kab ary"),
}  # fmt: skip
"""Script → its letters (body of `[...]`), and the languages that are written in it. What is not listed is Latin or too
rare to tell."""


SYNONYMS: Final[tuple[tuple[str, ...], ...]] = (
    ("ar", "ara", "arb", "ary", "arz"), ("de", "deu", "ger"), ("en", "eng", "pcm"), ("es", "spa"), ("et", "est", "ekk"),
    ("fa", "fas", "per", "pes", "prs"), ("fr", "fra", "fre"), ("he", "heb", "iw"), ("hi", "hin"), ("id", "ind", "in"),
    ("it", "ita"), ("ja", "jpn"), ("ko", "kor"), ("lv", "lav", "lvs"), ("ms", "msa", "may", "zsm"),
    ("no", "nor", "nb", "nob", "nn", "nno"), ("pt", "por"), ("ro", "ron", "rum", "mo"), ("ru", "rus"), ("sw", "swa", "swh"),
    ("tl", "tgl", "fil"), ("tr", "tur"), ("zh", "zho", "chi", "cmn", "wuu", "yue"),
)  # fmt: skip
"""Codes that mean one language to whoever reads a message; the first is that by which it is told."""

_SYNONYMS: Final = {code: codes for codes in SYNONYMS for code in codes}


def base_language(tag: str) -> str:
    """Return the code by which the language of a tag is told: `zh` for `zh-Hant-TW`, `no` for `nb`."""
    primary = tag.partition("-")[0].partition("_")[0].lower()
    return _SYNONYMS.get(primary, (primary,))[0]


_SUBTAGS: Final = re.compile(r"[A-Z][a-z]{3}|(?:[A-Z][a-z]{3}-)?(?:[A-Z]{2}|\d{3})")


def is_language(tag: str) -> bool:
    """Tell whether a tag is the code of a language, or one with a script, a country or both behind it: `zh-Hant`, `pt-BR`."""
    code, dash, rest = tag.partition("-")
    known = code in NAMES or code in MORE_LANGUAGES
    return known and (not dash or _SUBTAGS.fullmatch(rest) is not None)


OWN_NAMES: Final = {
    "deutsch": "de", "español": "es", "castellano": "es", "français": "fr", "francais": "fr", "italiano": "it",
    "português": "pt", "türkçe": "tr", "русский": "ru", "العربية": "ar", "हिन्दी": "hi", "中文": "zh", "汉语": "zh",
    "日本語": "ja", "한국어": "ko", "nederlands": "nl", "polski": "pl", "englisch": "en", "inglés": "en", "anglais": "en",
}  # fmt: skip
"""What languages are called by those who speak them."""


def find_language(written: str) -> str:
    """Return the code of a language that is written by its name, in capitals or with a country; "" where it is none."""
    low = written.strip().lower()
    short = re.split("[-_]", low)[0]
    by_name = {name.lower(): code for code, name in NAMES.items()}
    return by_name.get(low) or OWN_NAMES.get(low) or (short if is_language(short) else "")


def describe_language(written: str) -> str:
    """Return what to write for something that is no code of a language."""
    found = find_language(written)
    return f"write {found!r}" if found else "write an ISO 639-1 code, such as 'en'"


def match_language(wanted: str, offered: Iterable[str]) -> str | None:
    """Return the tag of those offered that somebody reads best who wants another: the same, else the same cut from its end
    (`zh-Hant-TW`, `zh-Hant`, `zh`), else one of the same language, None where there is none.
    """
    tags = {tag.replace("_", "-").lower(): tag for tag in offered}
    cut = wanted.replace("_", "-").lower()
    while cut:
        if cut in tags:
            return tags[cut]
        cut = cut.rpartition("-")[0]
    base = base_language(wanted)
    alike = [tag for tag in tags.values() if base_language(tag) == base]
    return min(alike, key=len, default=None)


def umbrella_language(code: str) -> str:
    """Return the language that a variety counts as: `zh` for `yue`; most are their own."""
    return _UMBRELLA.get(code, code)


def with_varieties(codes: Iterable[str]) -> frozenset[str]:
    """Return the codes and those of their varieties."""
    return frozenset(each for code in codes for each in (code, *VARIETIES.get(code, ())))


@cache
def script_of(languages: frozenset[str]) -> re.Pattern[str] | None:
    """Return the pattern of one letter of a script that is used by these languages alone, None if there is no such."""
    bodies = [letters for letters, users in SCRIPTS.values() if languages.issuperset(users.split())]
    return re.compile(f"[{''.join(bodies)}]") if bodies else None


def suggest_code(wrong: str) -> str:
    """Return the cure for a code that is none, such as `english`, `en-GB` or `eng`."""
    plain = re.split("[-_]", wrong.strip().lower())[0]
    codes = {name: code for code, name in NAMES.items()}
    if plain in NAMES:
        return f"did you mean {plain!r}?"
    close = difflib.get_close_matches(wrong.strip().lower(), codes, n=1, cutoff=0.7)
    if not close and len(plain) == 3:
        close = sorted(name for name in codes if name.startswith(plain))[:1]
    return (
        f"did you mean {codes[close[0]]!r}?"
        if close
        else "an ISO 639 code in lower case, such as 'en' or 'de'"
    )
