"""Street addresses: the orders of number, name and kind of street of many countries are found, and prose is not."""

from __future__ import annotations

from guardrails.detectors.patterns.table import PatternRow, PatternTable
from guardrails.detectors.pii.street_addresses import STREETS
from tests.cases import each_case

TABLE = PatternTable(PatternRow("(?a)" + form, "address", group=1) for form in STREETS)
FOUND = [
    # United States, Canada, the United Kingdom, Australia
    "12 Old Mill Road", "350 5th Ave", "2914 184th Street", "12 West 42nd St", "1633 Broadway", "491 St. John Street", "Flat 3, 14 High Street",
    "Unit 5, 20 Harbour View", "77 N. Main St, Apt 4B", "Apt. 589", "Suite 490", "PO Box 123", "p.o. box 249", "Unit 7638, Box 12",
    "PSC 1234, Box 5678", "RR 2, Box 34", "APO AP 96278", "FPO, AE 09456", "Springfield, IL 62704", "New York, NY 10001-1234",
    # German, Dutch, Nordic
    "Lindenstra\u00dfe 12a", "Paul-Nevermann-Platz 47", "Frankfurter Allee 73", "Grosse Praesidenten Str. 20", "Postfach 1234",
    "Machelsesteenweg 197", "Kalverstraat 92", "Storgatan 15", "Bj\u00f6rkv\u00e4gen 55", "Holmevej 34", "Rebb\u00e5sbakken 48", "Solvangsvei 18", "Brucknerweg 141",
    "Mannerheimintie 5", "Hl\u00ed\u00f0arvegur 25", "Aleksanterinkatu 17",
    # French, Spanish, Portuguese, Italian
    "14 rue de la Paix", "107 Rue Abdelaziz", "53 place Stanislas", "3 bis, avenue des Ternes", "rue de la Loi 16", "Calle Mayor, 12",
    "Avenida de la Constituci\u00f3n 5", "Rua das Pedras 930", "R\u00faa do Paseo 11", "Carrer de Mallorca 401",
    # Polish, Slovene, Hungarian, Turkish, Greek, Russian, Chinese, Japanese
    "ul. Lubartowska 42", "Gosposka ulica 47", "Piroska u. 97", "Bem rakpart 79", "Atat\u00fcrk Cad. No: 12",
    "\u039b\u03b5\u03c9\u03c6\u03cc\u03c1\u03bf\u03c2 \u0392. \u0391\u03bb\u03b5\u03be\u03ac\u03bd\u03b4\u03c1\u03bf\u03c5 189",
    "\u0443\u043b. \u041b\u0435\u043d\u0438\u043d\u0430, \u0434. 5", "\u957f\u6c5f\u897f\u8def478\u53f7",
    "\u4e38\u306e\u51851\u4e01\u76ee9-1",
]  # fmt: skip
IN_ITS_PLACE = [
    ("7 Green Park, London", "7 Green Park"),
    ("10 Downing Court\nLondon", "10 Downing Court"),
    ("Schlossplatz 85, 50996 K\u00f6ln", "Schlossplatz 85"),
    ("at the corner of Baker Street 5 and Old Mill Road", "Baker Street 5 and Old Mill Road"),
    ("via Roma: Via Giuseppe Garibaldi 102, Milano", "Via Giuseppe Garibaldi 102"),
]
CLEAN = [
    "In 2008 Wall Street fell", "the 2010 Long Road", "the 9 Supreme Court justices", "2 lane road", "Test suite 101 passed", "Customer ID 12345, Order OK 20000", "Auf Platz 3", "Bahnsteig 4",
    "Suite 2019 is out", "apt 2.0 and apt-get", "25 Square Miles", "Ronda Rousey 3", "Gebacken 30 Minuten",
    "Creative Suite 6", "12 people went to the street", "Platz 3 und Sitzplatz 12", "R\u00fcckweg 2 Stunden", "Katie 12 and Auntie 5", "Box 12",
    "brigade 3 and decade 4", "Via Email 24 times", "an apt 1990s title", "Chapter 12 The Long Way", "Python 3 Avenue",
    "section 5 Place the cup", "\u4e2d\u56fd2008\u53f7",
]  # fmt: skip


def found(text: str) -> list[str]:
    """Return what is found in a text, from left to right."""
    return [text[start:end] for _, start, end in sorted(TABLE.search(text), key=lambda each: each[1])]


@each_case("address", FOUND)
def test_each_form_is_found_whole(address: str) -> None:
    """Alone and within a sentence."""
    assert address in found(address)
    assert address in found(f"Send it to {address}, please")


@each_case(("text", "address"), IN_ITS_PLACE)
def test_everyday_words_need_what_addresses_have_behind(text: str, address: str) -> None:
    """A comma, a line's end, or a postal code."""
    assert address in found(text)


@each_case("text", CLEAN)
def test_prose_is_no_address(text: str) -> None:
    """Years, suites of tests, names and products."""
    assert found(text) == []
