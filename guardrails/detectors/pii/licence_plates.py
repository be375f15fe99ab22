r"""Regular expressions for vehicle registrations. All want one of `PLATE` before them.

Small letters are taken where digits stand in between, so that no words are.
"""

from __future__ import annotations

_WORDS = (
    "license plate|licence plate|number plate|plate number|plate no|registration number|vehicle registration|"
    "registration plate|car registration|car reg|vrm|reg no|license plates|licence plates|number plates|plates|"
    "kennzeichen|kfz-kennzeichen|kfz|nummernschild|immatriculation|plaque d'immatriculation|matr\u00edcula|placa|targa|"
    "kenteken|registreringsnummer|rekisterinumero|numer rejestracyjny|plaka|plakas\u0131|plaka numaras\u0131|"
    "\u8f66\u724c|\u8f66\u724c\u53f7"
)
PLATE = tuple(_WORDS.split("|"))
"""Words of context."""

FORMS: tuple[str, ...] = (
    # United Kingdom (DVLA INF104): since 2001, and Northern Ireland's.
    r"[A-HJ-PR-Ya-hj-pr-y]{2}(?:0[2-9]|[1-7]\d)[ \-]?[A-HJ-PR-Za-hj-pr-z]{3}",
    r"[A-Z]{3}[ \-]?\d{1,3}[A-Z]|[A-HJ-NPR-TV-Y]\d{1,3}[ \-]?[A-HJ-PR-Z]{3}|[A-Z]?[A-Z]I[A-Z] ?\d{1,4}",
    # Germany (FZV, annex 1): district, letters, digits, E or H behind.
    r"[A-Z\u00c4\u00d6\u00dc]{1,3}[ \-][A-Z]{1,2}[ \-]?[1-9]\d{0,3}[EH]?",
    # France since 2009, Italy since 1994; Spain since 2000; the Netherlands' side codes.
    r"[A-HJ-NP-TV-Z]{2}[ \-]?\d{3}[ \-]?[A-HJ-NP-TV-Z]{2}|\d{4}[ \-]?[B-DF-HJ-NPR-TV-Z]{3}|"
    r"[A-Z]{2}-\d{2}-[A-Z]{2}|\d{2}-[A-Z]{2,3}-\d{1,2}|[A-Z]{1,3}-\d{2,3}-[A-Z]{1,2}|\d-[A-Z]{3}-\d{2}",
    # Turkey: one of 81 provinces.
    r"(?:0[1-9]|[1-7]\d|8[01]) ?(?:[A-Za-z] ?\d{2,4}|[A-Za-z]{2} ?\d{2,4}|[A-Za-z]{3} ?\d{2,4})",
    # India (CMVR, rule 50) and Nigeria (FRSC).
    r"[A-Za-z]{2}[ \-]?\d{1,2}[ \-]?[A-Za-z]{1,3}[ \-]?\d{4}|[A-Za-z]{3}[ \-]?\d{3}[A-Za-z]{2}",
    # The Americas, Australia, China and others: letters and digits in two blocks.
    r"\d?[A-Z]{2,3}[ \-]?\d{3,4}|\d{3,4}[ \-]?[A-Z]{2,3}|[A-Z]{3}-?\d[A-Z]\d{2}|[\u4e00-\u9fff][A-Z]\u00b7?[A-Z0-9]{5,6}",
)
"""Each a country's or a family of them."""
