"""The endings of nouns, adjectives and verbs in ten languages, by which `inflections` writes the forms of a term.

A row is the end of a word (a pattern), and what stands in its place in other forms. Of the rows of a group the first that fits is
taken. `named` rows are used only where the policy names the language, as they would write words of other languages too
(`plan`, `planes`; `past`, `paste`).
"""

# ruff: noqa: RUF001 - these are words of other alphabets

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final, Literal

Language = Literal["ar", "de", "en", "es", "fr", "hi", "it", "pt", "ru", "tr"]


@dataclass(frozen=True, slots=True)
class Row:
    """A kind of word.

    Args:
        end: what a word of this kind ends in; its group gives way to the endings.
        endings: what stands there in other forms; `*` is the last letter once more.
        named: whether the language must be named.
        prefixes: what may stand in front of the word, or of a form of it.
    """

    end: re.Pattern[str]
    endings: tuple[str, ...]
    named: bool = False
    prefixes: tuple[str, ...] = ()


Group = tuple[Row, ...]


def _row(end: str, endings: str, *, named: bool = False, prefixes: str = "") -> Row:
    """Return a row: what stands behind `~` gives way to the endings, between which are blanks; `-` is none."""
    stays, _, goes = end.partition("~")
    return Row(
        re.compile(f"(?:{stays})({goes})$"),
        tuple(ending.replace("-", "") for ending in endings.split()),
        named,
        tuple(prefixes.split()),
    )


def _name(groups: tuple[Group, ...]) -> tuple[Group, ...]:
    """Return the rows of a language that are used only where it is named, as its endings are short: `number` of `numb`."""
    return tuple(tuple(replace(row, named=True) for row in group) for group in groups)


_CONSONANT: Final = "[bcdfghjklmnpqrstvwxz]"

ENGLISH: Final[tuple[Group, ...]] = (
    (
        _row(f"{_CONSONANT}~y", "ies ied ying"),
        _row(".~ie", "ies ied ying"),
        _row(".[^aeiou][eoy]e~", "s d ing"),
        _row("[eoy]e~", "s ing"),
        _row("i~fe", "ves fes"),
        _row("~e", "es ed ing"),
        _row("[a-z](?:[lr]|ea|ie|oa)~f", "ves fs fed fing"),
        _row("[a-z]~man", "men mans"),
        _row("ic~", "s ked king"),
        _row("~ch", "ches chs ched ching"),
        _row("(?:[sxz]|sh)~", "es ed ing"),
        _row(f"{_CONSONANT}~o", "oes os oed oing"),
        _row(f"^(?:qu|{_CONSONANT})*[aeiou][bdgklmnprtvz]~", "s *ed *ing"),
        _row(f"{_CONSONANT}[aeiou][bdglmnprtv]~", "s ed ing *ed *ing"),
        _row("~", "s ed ing"),
    ),
)

ENGLISH_IRREGULAR: Final[dict[str, tuple[str, ...]]] = {
    "beat": ("beaten",),
    "bite": ("bit", "bitten"),
    "bleed": ("bled",),
    "blow": ("blew", "blown"),
    "break": ("broke", "broken"),
    "bring": ("brought",),
    "buy": ("bought",),
    "catch": ("caught",),
    "child": ("children",),
    "deal": ("dealt",),
    "drink": ("drank", "drunk"),
    "drive": ("drove", "driven"),
    "fight": ("fought",),
    "find": ("found",),
    "foot": ("feet",),
    "forget": ("forgot", "forgotten"),
    "get": ("got", "gotten"),
    "give": ("gave", "given"),
    "go": ("goes", "went", "gone"),
    "hang": ("hung",),
    "hide": ("hid", "hidden"),
    "leave": ("left",),
    "lend": ("lent",),
    "mouse": ("mice",),
    "pay": ("paid",),
    "person": ("people",),
    "quiz": ("quizzes", "quizzed", "quizzing"),
    "sell": ("sold",),
    "send": ("sent",),
    "shoot": ("shot",),
    "speak": ("spoke", "spoken"),
    "spend": ("spent",),
    "steal": ("stole", "stolen"),
    "strike": ("struck",),
    "swear": ("swore", "sworn"),
    "take": ("took", "taken"),
    "teach": ("taught",),
    "tell": ("told",),
    "think": ("thought",),
    "throw": ("threw", "thrown"),
    "tooth": ("teeth",),
    "wear": ("wore", "worn"),
    "withdraw": ("withdrew", "withdrawn"),
    "write": ("wrote", "written"),
}

GERMAN: Final[tuple[Group, ...]] = (
    (
        _row("(?:ung|eit|schaft)~", "en"),
        _row("[^aeiou]er~", "n s in innen"),
        _row("in~", "nen"),
        _row("el~", "n s"),
        _row("nis~", "se sen ses"),
        _row("~e", "en er es em"),
        _row("[a-zäöüß]{2}~en", "e st t te ten test et est ete eten etest end ende enden"),
        _row("~", "e en er ern es em s"),
    ),
    (_row("[a-zäöüß]{2}~en", "t et en", prefixes="ge"),),
)

SPANISH: Final[tuple[Group, ...]] = (
    (
        _row("(?:[aei]d|os|it|er|in|ic|iv|ri|ej|ud|im)~o", "os a as"),
        _row("~ón", "ones ona onas"),
        _row("~on", "ones ona onas", named=True),
        _row("[aeiou][dt]or~", "a es as"),
        _row("~z", "ces"),
        _row("~o", "os a as", named=True),
        _row("[aeiouáéíóú]~", "s"),
        _row("[áéíóúñ].{0,2}[bcdlnr]~", "es"),
        _row("~", "es", named=True),
    ),
    (
        _row(
            "~ar",
            "o as a amos áis an é aste ó asteis aron aba abas ábamos aban aré arás ará aremos arán aría arían e es emos en "
            "ando ado ada ados adas arlo arla arlos arlas arme arte arse",
            named=True,
        ),
        _row(
            "~[eií]r",
            "o es e emos imos éis ís en í iste ió ieron ía ías íamos ían eré erá erán iré irá irán a as amos an iendo ido ida "
            "idos idas",
            named=True,
        ),
    ),
)

PORTUGUESE: Final[tuple[Group, ...]] = (
    (
        _row("~ão", "ões ãos ães ona onas"),
        _row("(?:[aei]d|os|it|er|in|ic|iv|ri|ud)~o", "os a as"),
        _row("[aeiou][dt]or~", "a es as"),
        _row("[aou]~l", "is", named=True),
        _row("~[ei]l", "éis eis is", named=True),
        _row("~m", "ns", named=True),
        _row("~o", "os a as", named=True),
        _row("[rzs]~", "es", named=True),
        _row("[aeiouáéíóúãõ]~", "s"),
    ),
    (
        _row(
            "~ar",
            "o as a amos am ei aste ou aram ava avas avam arei ará arão aria ariam e es emos em ando ado ada ados adas",
            named=True,
        ),
        _row(
            "~[ei]r",
            "o es e emos imos em i eu iu eram iram ia iam erei erá irá endo indo ido ida idos idas",
            named=True,
        ),
    ),
)

ITALIAN: Final[tuple[Group, ...]] = (
    (
        _row("[a-z]{4}[cg]~o", "hi i a he"),
        _row("[a-z]{3}(?:[aiu]t|os|id|in|iv|ic|er|on|ar|al)~o", "i a e"),
        _row("[cg]~o", "hi i a he", named=True),
        _row("~o", "i a e", named=True),
        _row("[a-z]{3}ist~a", "i e"),
        _row("ot~a", "i e", named=True),
        _row("[a-z]{6}~a", "e"),
        _row("[cg]~a", "he", named=True),
        _row("~a", "e", named=True),
        _row("[a-z]{6}~e", "i"),
        _row("~e", "i", named=True),
    ),
    (
        _row("..~are", "o i a iamo ano ai ò arono ava avano erò erà eranno ando ato ata ati", named=True),
        _row("..~[ei]re", "o i e iamo ete ite ono ei ii é ì eva iva evano ivano erà irà endo uto uta uti ute ito ita iti",
             named=True),
    ),
)  # fmt: skip

FRENCH: Final[tuple[Group, ...]] = (
    (
        _row("~é", "és ée ées"),
        _row("(?:eau|.eu)~", "x"),
        _row("[a-z]{3}~al", "aux ale ales als"),
        _row("~eux", "euse euses"),
        _row("[^h]eu~r", "rs se ses"),
        _row(".~trice", "trices teur teurs"),
        _row("ien~", "s ne nes"),
        _row("~if", "ifs ive ives", named=True),
        _row("[aeiouéèê]~", "s"),
        _row("[szx]~", "e es", named=True),
        _row("~", "s e es", named=True),
    ),
    (
        _row(
            "~er",
            "e es ons ez ent ai as a èrent ais ait aient erai era erons erez eront erais erait ant é és ée ées",
            named=True,
        ),
        _row("[^o]~ir", "is it issons issez issent issait irai ira iront i ie ies issant", named=True),
        _row("...~re", "s - ons ez ent ait aient rai ra ront u us ue ues ant", named=True),
    ),
)

RUSSIAN: Final[tuple[Group, ...]] = (
    (
        _row("~[ыио]й", "ая ое ые ого ому ым ом ой ую ых ыми яя ее ие его ему им ем ей юю их ими"),
        _row("[аяу]~ть", "ю ешь ет ем ете ют л ла ло ли й йте в вший ющий нный нная нные н на но ны"),
        _row(".~ить", "ю у ишь ит им ите ят ат ил ила ило или и ив ящий ивший енный ен ена ены"),
        _row(".~еть", "ею еешь еет еют ю ишь ит им ите ят ел ела ело ели ей ев"),
        _row("~ия", "ии ию ией ий иям иями иях"),
        _row("~ие", "ия ию ием ии ий иям иями иях"),
        _row("~ец", "ца цу цом це цы цов цам цами цах"),
        _row("..~а", "ы и е у ой ей ою - ам ами ах"),
        _row("..~я", "и е ю ей ь ям ями ях"),
        _row("..~о", "а у ом е - ам ами ах"),
        _row("..~ь", "я ю ем е и ей ью ям ями ях"),
        _row(".~й", "я ю ем е и ев ям ями ях"),
        _row("[бвгджзклмнпрстфхцчшщ]~", "а у ом ем е ы и ов ей ам ами ах"),
    ),
)

_CASES: Final = "lAr lArY lArYn lArA lArdA lArdAn lArlA dA dAn sIn sInIz lArsYnYz"
_AFTER_CONSONANT: Final = f"{_CASES} I A In Im ImIz InIz lA"
_AFTER_VOWEL: Final = f"{_CASES} yI yA nIn sI m n mIz nIz ylA"
_VERB: Final = (
    "dI dIm dIn dIk dIlAr tI tIm tIk tIlAr Iyor Iyorum Iyorsun Iyorlar Ir Ar IrIm ArIm IrsIn ArsIn IrlAr ArlAr AcAk AcAğYm mIş "
    "mA mAsI In AyIm AlIm"
)


def _turkish(last: str, open_vowel: str, closed_vowel: str) -> Group:
    """Return the rows of words by their last vowels, with which those of their endings agree: `A`, `I`, and `Y` behind an `A`."""
    vowels = str.maketrans({"A": open_vowel, "I": closed_vowel, "Y": "i" if open_vowel == "e" else "ı"})

    def row(end: str, endings: str) -> Row:
        return _row(end, endings.translate(vowels))

    consonants = "[bcçdfgğhjklmnprsştvyz]{1,2}"
    return (
        row(f"[{last}]{consonants}~m{open_vowel}k", _VERB),
        row(f"[{last}]{consonants}~", _AFTER_CONSONANT),
        row(f".[{last}]~", _AFTER_VOWEL),
    )


TURKISH: Final[tuple[Group, ...]] = (
    _turkish("ei", "e", "i"),
    _turkish("öü", "e", "ü"),
    _turkish("aı", "a", "ı"),
    _turkish("ou", "a", "u"),
)

ARABIC: Final[tuple[Group, ...]] = (
    (
        _row("..~ة", "ة ات تي تك ته تها تهم", prefixes="ال"),
        _row("...~", "- ون ين ات ة ي ك ه ها هم", prefixes="ال"),
    ),
    (_row("..~ة", "ة ات", prefixes="وال بال لل فال كال"), _row("...~", "- ون ين ات ة", prefixes="وال بال لل فال كال")),
    (_row("..~ة", "ات تي تك ته تها تهم"), _row("...~", "ون ين ات ة ي ك ه ها هم وا ا")),
)  # fmt: skip

HINDI: Final[tuple[Group, ...]] = (
    (
        _row(".~ना", "ता ती ते ा े ी ो ने नी कर ूँगा ूंगा ेगा ेगी ेंगे"),
        _row(".~ा", "े ों ी ियाँ ियां ियों"),
        _row(".~ी", "ियाँ ियां ियों"),
        _row(".~", "ों ें ो"),
    ),
)

TABLES: Final[dict[Language, tuple[re.Pattern[str], tuple[Group, ...]]]] = {
    "en": (re.compile(r"[a-z]+"), ENGLISH),
    "de": (re.compile(r"[a-zäöüß]+"), _name(GERMAN)),
    "es": (re.compile(r"[a-záéíóúüñ]+"), SPANISH),
    "pt": (re.compile(r"[a-záâãàçéêíóôõú]+"), PORTUGUESE),
    "it": (re.compile(r"[a-zàèéìòù]+"), ITALIAN),
    "fr": (re.compile(r"[a-zàâçéèêëîïôûùüœ]+"), FRENCH),
    "ru": (re.compile(r"[а-яё]+"), RUSSIAN),
    "tr": (re.compile(r"[a-zçğıöşüâî]+"), _name(TURKISH)),
    "ar": (re.compile(r"[\u0621-\u064a]+"), ARABIC),
    "hi": (re.compile(r"[\u0900-\u097f]+"), HINDI),
}
"""Language → the letters of its words in lower case, and its groups of rows."""

AGREEING: Final[frozenset[Language]] = frozenset({"ar", "de", "es", "fr", "it", "pt", "ru"})
"""Languages in which adjectives change with their nouns (`tarjeta robada`, `tarjetas robadas`)."""

SIGNS: Final[dict[Language, re.Pattern[str]]] = {
    "de": re.compile(r"[äöüß]|^[A-Z][a-z]{4,}$"),
    "es": re.compile("[ñ¡¿]"),
    "fr": re.compile("[œêëîïû]|eux$"),
    "pt": re.compile("[ãõ]"),
    "tr": re.compile("[ışğİ]"),
}
"""Language → what names it in a word: letters that others hardly have, and the capital of a German noun."""
