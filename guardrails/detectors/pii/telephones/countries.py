"""Countries and their telephone numbers: how many digits follow the calling code, and which national forms no other number has.

A layout shows a number as people write it: `#` is any digit, `N` one from 1 to 9, `[579]` one of these, `x?` may be missing; the
rest stands for itself. A country without layouts has none that are told from other numbers: there a word must announce them.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Country(NamedTuple):
    """A country's numbers.

    Attributes:
        name: of the country, in English.
        languages: those of the thirteen that are spoken there.
        code: its calling code, without the plus.
        digits: of a national number without the trunk prefix, fewest and most.
        layouts: of national numbers that are found without a word that announces them.
        announced: an example of a national number as it is found where a word announces it.
    """

    name: str
    languages: tuple[str, ...]
    code: str
    digits: tuple[int, int]
    layouts: tuple[str, ...]
    announced: str


ZERO_LED: Final = ("0## #### ####", "0N## ### ####", "0N## ### ###", "0## ### ####")
"""Layouts with the trunk prefix 0 that several countries share."""

COUNTRIES: Final[tuple[Country, ...]] = (
    Country("United States, Canada", ("en", "es", "fr"), "1", (10, 10),
            ("###-###-####", "###.###.####", "1[ .-]###[.-]###[.-]####", "### ###-####",
             "(###) ?###-####", "(###) ?###.####"), "2125550142"),
    Country("United Kingdom", ("en",), "44", (9, 10),
            (*ZERO_LED, "0[17]### ######", "07### ### ###", "(0N##?#?) ###?#? ####?", "(0N###) ######"), "01614960123"),
    Country("Ireland", ("en",), "353", (7, 9), ("08[35679] ### ####",), "01 496 0123"),
    Country("Australia", ("en",), "61", (9, 9), ("04## ### ###", "0[2378] #### ####", "(0[2378]) #### ####"), "0491 570 006"),
    Country("New Zealand", ("en",), "64", (8, 10), ("02# ### ####",), "09 555 0123"),
    Country("South Africa", ("en",), "27", (9, 9), ("0## ### ####",), "0821234567"),
    Country("Singapore", ("en", "zh"), "65", (8, 8), (), "6123 4567"),
    Country("Germany", ("de",), "49", (6, 12), ("01[567]#[ /]#######?#?", "(0N##?#?#?) ?###?#?#?#?#?#?"), "030 / 90 18 20"),
    Country("Austria", ("de",), "43", (6, 12), ("06[5-9]#[ /]#######?#?",), "01/5122345"),
    Country("Switzerland", ("de", "fr", "it"), "41", (9, 9), ("0N# ### ## ##",), "044 668 18 00"),
    Country("Spain", ("es",), "34", (9, 9), (), "612 34 56 78"),
    Country("Mexico", ("es",), "52", (10, 11), (), "55 1234 5678"),
    Country("Argentina", ("es",), "54", (10, 11), (), "011 4123-4567"),
    Country("Colombia", ("es",), "57", (10, 10), (), "300 123 4567"),
    Country("Chile", ("es",), "56", (8, 9), (), "9 1234 5678"),
    Country("Peru", ("es",), "51", (8, 9), (), "912 345 678"),
    Country("France", ("fr",), "33", (9, 9), ("0N ## ## ## ##", "0N.##.##.##.##"), "0612345678"),
    Country("Belgium", ("fr", "de"), "32", (8, 9), ("04## ## ## ##",), "02 555 12 12"),
    Country("Italy", ("it",), "39", (8, 11), (), "06 1234567"),
    Country("Portugal", ("pt",), "351", (9, 9), (), "912 345 678"),
    Country("Brazil", ("pt",), "55", (10, 11), ("(NN) ?9? ?####-####",), "11 91234-5678"),
    Country("Turkey", ("tr",), "90", (10, 10),
            ("0 ?[2-5]## ### ## ##", "0 ?([2-5]##) ?### ## ##", "(0?[2-5]##) ### ## ##"), "5321234567"),
    Country("Russia, Kazakhstan", ("ru",), "7", (10, 10),
            ("8 ?(####?#?) ?##?#?-##-##", "8(###)#######", "8[ -]###[ -]###[ -]##[ -]##", "(###) ?###-##-##"), "89161234567"),
    Country("Ukraine", ("ru",), "380", (9, 9), ("(0##) ?###-##-##",), "067 123 45 67"),
    Country("Belarus", ("ru",), "375", (9, 9), ("8 ?(0##) ?###-##-##",), "8 029 123-45-67"),
    Country("Egypt", ("ar",), "20", (8, 10), ("01[0125] #### ####",), "01012345678"),
    Country("Saudi Arabia", ("ar",), "966", (9, 9), ("05# ### ####",), "0501234567"),
    Country("United Arab Emirates", ("ar",), "971", (8, 9), ("05# ### ####",), "04 123 4567"),
    Country("Morocco", ("ar", "fr"), "212", (9, 9), ("0[5-8] ## ## ## ##",), "0612345678"),
    Country("Algeria", ("ar", "fr"), "213", (8, 9), ("0[567]## ## ## ##",), "021 12 34 56"),
    Country("India", ("hi", "en"), "91", (10, 10), (), "98765 43210"),
    Country("China", ("zh",), "86", (10, 11), ("1[3-9]# #### ####", "1[3-9]#-####-####"), "13812345678"),
    Country("Hong Kong", ("zh",), "852", (8, 8), (), "9123 4567"),
    Country("Taiwan", ("zh",), "886", (8, 9), ("09##-###-###", "0[2-8]-####-####"), "0912345678"),
    Country("Japan", ("ja",), "81", (9, 10),
            ("0[5789]0-####-####", "0[36]-####-####", "0N#-###-####", "0N##-##-####", "0[1589][257]0-###-###", "0[36](####)####",
             "0N#(###)####", "(0[36])####-####"), "09012345678"),
    Country("South Korea", ("ko",), "82", (8, 10),
            ("01[016789]-###?#-####", "02-###?#-####", "0[3-7]#-###?#-####"), "01012345678"),
)  # fmt: skip
"""Those in which one of the thirteen validated languages is spoken by most of its speakers."""

CALLING_CODES: Final = (
    "20|21[1-368]|2[2-6]\\d|27|29[0179]|3[0-469]|3[578]\\d|4[013-9]|42[013]|5[1-8]|50\\d|59\\d|6[0-6]|67[02-9]|68[0-35-9]|69[012]|"
    "7|8[1246]|80[08]|85[02356]|87[08]|88[0-368]|9[0-58]|96[0-8]|97[0-79]|99[2-68]"
)
"""Every calling code that is in use (ITU-T E.164 list), but North America's 1."""
