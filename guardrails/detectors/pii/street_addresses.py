r"""Regular expressions for street addresses, whose first group is the address.

A form takes the order of its country: number, name and kind of street, or name, kind and number. Where a kind of street is
an everyday word ("court", "square"), something that only addresses have must follow. Alternatives in front of a group take
up what only looks alike.
"""

from __future__ import annotations

# Unbounded: counted repetitions of letters multiply the automaton's states on ordinary prose.
NAME = r"[A-Z\u00c0-\u00dd\u0100-\u017e][A-Za-z\u00c0-\u00ff\u0100-\u017e'\u2019\-]+"
LOWER = r"[a-z\u00df-\u00ff\u0100-\u017e]+"
_WORDS = rf"(?:(?:{NAME}|St\.|[A-Z]\.) ){{1,4}}"
_TYPES = (
    "Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Terrace|Crescent|Parkway|Pkwy|Highway|Hwy|Mews|Grove|"
    "Turnpike|Tpke|Expressway|Causeway|Esplanade"
)
_EVERYDAY = "Court|Ct|Place|Pl|Way|Row|Close|Circle|Cir|Square|Sq|Trail|Trl|Dr|Gardens|Quay|Walk|Rise|Hill|Plaza|Park|View"
_UNIT = r"(?:[Aa]pt|[Aa]partment|[Ss]uite|[Uu]nit|[Ss]te|[Ff]lat|[Rr]oom|[Ff]loor)\.? ?#?\w{1,5}\b"
_STATES = "A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]"

ENGLISH = (
    # Years before a capital are mostly no house numbers: "in 2008 Wall Street".
    r"\b(?:[Ii]n|[Ss]ince|[Tt]he|[Oo]f|[Bb]y|[Uu]ntil|[Aa]fter|[Bb]efore|[Ff]rom|[Dd]uring|[Aa]nd) (?:19|20)\d\d\b|"
    rf"(\b\d{{1,5}}[A-Za-z]?,? (?:[NSEW]\.? )?{_WORDS}(?:{_TYPES})\b(?:\.?[, ]+{_UNIT})?)",
    rf"\b[Tt]he (?:19|20)\d\d\b|(\b\d{{1,5}}[A-Za-z]? (?:[NSEW]\.? )?{_WORDS}(?:{_EVERYDAY}))(?:,|\.? ?\n)",
    # Numbered streets.
    rf"(\b\d{{1,5}} (?:[NSEW]{{1,2}}\.? |(?:North|South|East|West) )?\d{{1,3}}(?:st|nd|rd|th) (?:{_TYPES}|Place|Court|Dr)\b)",
    r"(\b\d{1,5} (?:[NSEW]\.? |(?:North|South|East|West) )?Broadway\b)",
    rf"\b[Cc]orner of ((?:{NAME} ){{1,4}}(?:\d{{1,4}} )?[a-z&]+ (?:{NAME} ){{1,4}}(?:{_TYPES})\b)",
    # A flat stands in front, or alone on its line.
    rf"(\b(?:Flat|Unit|Apartment|Apt\.?) \d{{1,4}}[A-Za-z]?, ?\d{{1,5}}[A-Za-z]?,? {_WORDS}(?:{_TYPES}|{_EVERYDAY})\b)",
    r"\b[Aa]pt[ \-]\d+\.\d|(\b[Aa]pt\.? ?#?\d{1,4}[A-Za-f]?\b)",
    r"\b(?:[Tt]est|[Ff]ixture|[Cc]reative|[Oo]ffice|[Pp]roduct) [Ss]uite \d+|[Ss]uite (?:19|20)\d\d\b|"
    r"(\b[Ss]uite #?\d{3,4}[A-Za-z]?\b)",
    # Post, forces, rural routes.
    r"(\b[Pp]\.? ?[Oo]\.? ?[Bb]ox (?:[Nn]o\.? ?)?\d{1,6}\b)",
    r"(\b(?:PSC|Unit|CMR) \d{1,5},? Box \d{1,5}\b)",
    r"(\b(?:RR|HC|R\.R\.) ?#?\d{1,3},? Box \d{1,5}\b)",
    r"(\b(?:[FAD]PO|[fad]po),? (?:A[AEP]|a[aep]) \d{5}(?:-\d{4})?\b)",
    # Without a comma it may be "Customer ID 12345".
    rf"(\b{NAME}(?: {NAME}){{0,3}}, (?:{_STATES}),? \d{{5}}(?:-\d{{4}})?\b)",
)

GERMANIC = (
    rf"({NAME}(?:stra\u00dfe|strasse|str\.|gasse|allee|chaussee|ufer|damm) ?\d{{1,4}} ?[a-z]?\b)",
    rf"((?:{NAME} ){{1,3}}(?:Stra(?:\u00df|ss)e|Str\.|Allee|Chaussee|Damm|Ufer) \d{{1,4}} ?[a-z]?\b)",
    rf"({NAME}-(?:Stra(?:\u00df|ss)e|Str\.|Allee|Platz|Weg|Ring|Ufer) \d{{1,4}} ?[a-z]?\b)",
    r"(?:Heim|R\u00fcck|Hin|Schul|Arbeits|Um|Fu\u00df|Rad|Aus|Lebens|Rechts|Mittel)weg \d|"
    rf"([A-Z\u00c0-\u00dd]{LOWER}weg \d{{1,4}} ?[a-z]?\b)",
    rf"({NAME}(?:platz|ring) \d{{1,4}} ?[a-z]?),?[ \n/]+(?:\d{{5}} [A-Z]|[Aa]pt|[Ss]uite)",
    r"(\b(?:Postfach|Postbus|Postboks|Postbox|Apartado(?: de [Cc]orreos)?|Casilla(?: de [Cc]orreo)?|Caixa [Pp]ostal|"
    r"Bo\u00eete [Pp]ostale|Casella [Pp]ostale) \d{1,6}\b)",
    rf"({NAME}(?:straat|laan|gracht|plein|steenweg|dreef|kade|singel) \d{{1,4}}\b)",
    rf"({NAME}(?:gatan|v\u00e4gen|gr\u00e4nd|stigen|[a-hj-z]gade|vej|str\u00e6de) \d{{1,4}}\b)",
    rf"({NAME}(?:[a-df-z]gata|gaten|veien|vegen|bakken|[a-z]vei|str\u00e6ti|vegur|braut|katu|kuja|polku|[a-z]ntie) \d{{1,4}}\b)",
)

ROMANCE = (
    r"(\b\d{1,4}(?: ?bis| ?ter)?,? (?:[Rr]ue|[Aa]venue|[Bb]oulevard|[Cc]hemin|[Ii]mpasse|[Qq]uai|[Aa]ll\u00e9e|"
    r"place|cours) (?:[dl]['\u2019]|(?:de la|de l['\u2019]|du|des|de|la|le|les|De La|Du|Des|De) ?)?"
    rf"{NAME}(?:[ \-]{NAME}){{0,3}})",
    rf"(\b[Rr]ue (?:[dl]['\u2019]|(?:de la|de l['\u2019]|du|des|de|la|le|les) ?)?"
    rf"{NAME}(?:[ \-]{NAME}){{0,3}},? \d{{1,4}}\b)",
    rf"(\b(?:Calle|C/|Avenida|Avda\.?|Av\.|Paseo|Plaza|Pla\u00e7a|Carrer|Carretera|Ctra\.|Rua|R\u00faa|Pra\u00e7a|Travessa|"
    rf"Estrada) (?:de |del |da |do |das |dos |la |las |los |el )*{NAME}(?: (?:(?:de|del|da|do|la|y|e) )*{NAME}){{0,3}},? "
    r"(?:n[\u00ba\u00b0.] ?)?\d{1,4}\b)",
    rf"(\b(?:Via|Viale|Vicolo|Piazza|Piazzale|Corso|Largo|Strada) (?:(?:de[li]|della|delle|dei|degli|dalla|San|Santa) "
    rf"|dell['\u2019])?{NAME}(?: {NAME}){{0,3}},? \d{{1,4}})(?:,?\s+\d{{5}}\b|,?[ \n/]+(?:[Aa]pt|[Ss]uite|[Ii]nt)|,|\n|\.?$)",
)

OTHERS = (
    # Polish, Czech, Slovene, Hungarian, Turkish, Greek, Russian and Ukrainian, Chinese and Japanese.
    rf"(\b(?:ul|pl)\. (?:{NAME} ){{1,4}}\d{{1,4}}[A-Za-z]?(?:/\d{{1,4}})?\b)",
    rf"({NAME} (?:ulica|ulice|cesta|utca|\u00fat|t\u00e9r|u\.|rkp\.|rakpart) \d{{1,4}}\b)",
    rf"({NAME} (?:Cad\.|Caddesi|Sokak|Sok\.),? [Nn]o: ?\d+)",
    r"((?:\u039b\u03b5\u03c9\u03c6\u03cc\u03c1\u03bf\u03c2|\u039b\u03b5\u03c9\u03c6\.|\u039f\u03b4\u03cc\u03c2|"
    r"\u03a0\u03bb\u03b1\u03c4\u03b5\u03af\u03b1) "
    r"(?:[\u0370-\u03ff]+\.? ){1,4}\d{1,4}\b)",
    r"((?:\u0443\u043b\.|\u0443\u043b\u0438\u0446\u0430|\u043f\u0440\u043e\u0441\u043f\u0435\u043a\u0442|\u043f\u0440-\u0442|"
    r"\u043f\u0435\u0440\.|\u0432\u0443\u043b\.|\u0432\u0443\u043b\u0438\u0446\u044f) (?:[\u0400-\u04ff\-]+\.?,? ){1,3}"
    r"(?:\u0434\.|\u0434\u043e\u043c|\u0431\u0443\u0434\.)? ?\d{1,4})",
    r"([\u4e00-\u9fff]{2,8}(?:\u8def|\u8857|\u5df7|\u5927\u9053)[\d\uff10-\uff19]{1,5}(?:\u53f7|\u865f))",
    r"([\u3040-\u30ff\u4e00-\u9fff]{1,10}[\d\uff10-\uff19]{1,2}\u4e01\u76ee[\d\uff10-\uff19]{1,3}(?:\u756a\u5730?|-)\d{1,4}\u53f7?)",
)

STREETS: tuple[str, ...] = (*ENGLISH, *GERMANIC, *ROMANCE, *OTHERS)
"""Every form."""
