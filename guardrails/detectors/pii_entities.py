r"""The table of personal data: one row a written form. What has no checksum or shape of its own needs context words.

ASCII words (`(?a)`): in Chinese, Japanese or Thai text an address touches the letters around it. A row whose span is a
group has other alternatives in front, which take up what only looks alike (`version 1.2.3.4`, a longer fingerprint).
"""

from __future__ import annotations

import re

from guardrails.detectors import validators as v
from guardrails.detectors.national_ids import EUROPE, is_date
from guardrails.detectors.national_ids_world import WORLD
from guardrails.detectors.table import Pattern

CHECKS = EUROPE | WORLD


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


PHONE = _words(
    "phone|telephone|tel|mobile|cell|cellphone|call|sms|whatsapp|fax|desk|reach|answering|telefon|telefonnummer|"
    "tlf|tfn|handy|mobil|rufnummer|durchwahl|t\u00e9l|t\u00e9l\u00e9phone|portable|tel\u00e9fono|m\u00f3vil|celular|telefono|"
    "cellulare|telefone|telem\u00f3vel|telefoon|puhelin|\u0442\u0435\u043b\u0435\u0444\u043e\u043d|"
    "\u7535\u8bdd|\u624b\u673a|\u96fb\u8a71|\uc804\ud654|phone number"
)
BORN = _words(
    "born|date of birth|birth date|birthdate|birthday|dob|d.o.b.|d.o.b|geboren|geburtsdatum|geb.|n\u00e9 le|n\u00e9e le|"
    "date de naissance|nacido|nacida|fecha de nacimiento|nato il|nata il|data di nascita|data de nascimento|nascido|nascida|"
    "geboortedatum|f\u00f6dd|f\u00f6delsedatum|f\u00f8dt|f\u00f8dselsdato|syntynyt|data urodzenia|urodzony|urodzona|"
    "do\u011fum tarihi|\u51fa\u751f\u65e5\u671f|\u51fa\u751f|\u751f\u5e74\u6708\u65e5|\uc0dd\ub144\uc6d4\uc77c"
)
PASSPORT = _words(
    "passport|passports|passport number|reisepass|reisepassnummer|passeport|pasaporte|passaporto|passaporte|paspoort|"
    "paspoortnummer|paszport|pasaport|pass nr|\u62a4\u7167|\u8b77\u7167|\u65c5\u5238|\u30d1\u30b9\u30dd\u30fc\u30c8|\uc5ec\uad8c"
)
LICENCE = _words(
    "driver's license|driver\u2019s license|drivers license|driver license|driving license|driving licence|driver's licence|"
    "driver\u2019s licence|drivers licence|driver licence|dl number|dl no|dln|f\u00fchrerschein|f\u00fchrerscheinnummer|"
    "permis de conduire|carnet de conducir|licencia de conducir|patente di guida|carta de condu\u00e7\u00e3o|rijbewijs|"
    "k\u00f6rkort|prawo jazdy|\u9a7e\u9a76\u8bc1|\u904b\u8ee2\u514d\u8a31"
)
POSTAL = _words(
    "zip code|zipcode|zip|postcode|post code|postal code|plz|postleitzahl|code postal|c\u00f3digo postal|cep|postnummer|"
    "kod pocztowy|\u90ae\u7f16|\u90ae\u653f\u7f16\u7801|\u90f5\u4fbf\u756a\u53f7|eircode|pincode|pin code"
)
MONTH = (
    r"(?:[Jj]an(?:uary)?|[Ff]eb(?:ruary)?|[Mm]ar(?:ch)?|[Aa]pr(?:il)?|[Mm]ay|[Jj]une?|[Jj]uly?|[Aa]ug(?:ust)?|"
    r"[Ss]ept?(?:ember)?|[Oo]ct(?:ober)?|[Nn]ov(?:ember)?|[Dd]ec(?:ember)?)"
)
# Unbounded: counted repetitions of letters multiply the automaton's states on ordinary prose.
NAME = r"[A-Z\u00c0-\u00dd][A-Za-z\u00c0-\u00ff'\-]+"
LOWER = r"[a-z\u00df-\u00ff]+"
_NUMBER = re.compile(r"\d+")


def digit_date(text: str) -> bool:
    """Tell whether a date in digits exists, day or month first, or is written with a month's name."""
    parts = [int(part) for part in _NUMBER.findall(text)]
    if len(parts) != 3:
        return len(parts) == 2
    first, second, third = parts
    return is_date(first, second, third) if first > 31 else _either(first, second, third)


def _either(first: int, second: int, year: int) -> bool:
    full = year if year > 99 else 2000 + year
    return 1900 <= full < 2100 and (is_date(full, second, first) or is_date(full, first, second))


def card(text: str) -> bool:
    """Tell whether the text is a card number written as cards show it: four digits first, in at most five groups.

    A table of numbers passes Luhn too often.
    """
    groups = _NUMBER.findall(text)
    shown = len(groups) == 1 or (
        1 < len(groups) <= 5 and len(groups[0]) == 4 and min(map(len, groups[:-1])) >= 4
    )
    return shown and v.credit_card(text)


def dialled(text: str) -> bool:
    """Tell whether the text is a telephone number; one that begins with 00 has eleven digits, not to be any number."""
    zeros = [char for char in text[:2] if char.isdecimal() and int(char) == 0]
    return v.phone(text) and (len(zeros) < 2 or sum(map(str.isdecimal, text)) > 10)


def local_phone(text: str) -> bool:
    """Tell whether the text has 7 to 12 digits and is no date; an extension is not counted."""
    groups = [len(part) for part in _NUMBER.findall(text)]
    dated = groups in ([4, 2, 2], [2, 2, 4], [4, 2, 2, 2], [1, 2, 4], [2, 1, 4], [4, 4])
    return not (dated and text.strip()[:2] in {"19", "20"}) and groups != [2, 2, 4] and 7 <= sum(groups) <= 17


def coded(text: str) -> bool:
    """Tell whether at least five characters are digits, as in the numbers of documents."""
    return sum(map(str.isdecimal, text)) >= 5


_EXTENSION = r"(?: ?(?:x|ext\.?) ?\d{1,6})?"
_PHONES = (
    # International form: a plus or 00, then groups.
    r"(?:\+|\b00)[1-9]\d{0,2}[ .\-/]?(?:\(0?\d{1,4}\)[ .\-/]?)?\d{1,5}(?:[ .\-/]?\d{2,5}){1,4}"
    + _EXTENSION
    + r"\b",
    # North American form.
    r"(?:\(\d{3}\) ?|\b\d{3}[.\- ])\d{3}[.\-]\d{4}" + _EXTENSION + r"\b",
)
_STREETS = (
    # Years before a capital are mostly no house numbers: "in 2008 Wall Street".
    r"\b(?:[Ii]n|[Ss]ince|[Tt]he|[Oo]f|[Bb]y|[Uu]ntil|[Aa]fter|[Bb]efore|[Ff]rom|[Dd]uring|[Aa]nd) (?:19|20)\d\d\b|"
    rf"(\b\d{{1,5}}[A-Za-z]?,? (?:[NSEW]\.? )?(?:{NAME} ){{1,4}}(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|"
    r"Terrace|Crescent|Parkway|Pkwy|Highway|Hwy|Mews|Grove)\b(?:\.?[, ]+(?:Apt|Suite|Unit|Ste|Flat)\.? ?#?\w{1,5}\b)?)",
    rf"\b[Tt]he (?:19|20)\d\d\b|(\b\d{{1,5}}[A-Za-z]? (?:{NAME} ){{1,4}}"
    r"(?:Court|Ct|Place|Pl|Way|Row|Close|Circle|Cir|Square|Sq|Trail|Dr|Gardens))(?:,|\.? ?\n)",
    r"(\bP\.? ?O\.? ?Box \d{1,6}\b)",
    r"(\b(?:PSC|Unit|CMR) \d{1,5},? Box \d{1,5}\b)",
    rf"([A-Z\u00c0-\u00dd]{LOWER}(?:stra\u00dfe|strasse|str\.|gasse|allee|chaussee) ?\d{{1,4}} ?[a-z]?\b)",
    rf"([A-Z\u00c0-\u00dd]{LOWER} Stra(?:\u00df|ss)e \d{{1,4}} ?[a-z]?\b)",
    rf"([A-Z\u00c0-\u00dd]{LOWER}(?:weg|platz|ring|ufer|damm) \d{{1,4}} ?[a-z]?),?\s+\d{{5}} [A-Z]",
    rf"([A-Z\u00c0-\u00dd]{LOWER}(?:straat|laan|gracht|plein|gatan|v\u00e4gen|[a-hj-z]gade|vej|[a-df-z]gata|veien|vegen|katu) "
    r"\d{1,4}\b)",
    rf"(\b\d{{1,4}}(?: ?bis| ?ter)?,? (?:rue|avenue|boulevard|chemin|impasse|quai|all\u00e9e) "
    rf"(?:[dl]['\u2019]|(?:de la|de l['\u2019]|du|des|de|la|le|les) ?)?{NAME}(?:[ \-]{NAME}){{0,3}})",
    rf"(\b(?:Calle|C/|Avenida|Avda\.?|Paseo|Rua|Plaza) (?:de |del |da |do |la |los )*{NAME}(?: {NAME}){{0,3}},? "
    r"(?:n[\u00ba\u00b0.] ?)?\d{1,4}\b)",
    rf"(\b(?:Via|Viale|Piazza|Corso) {NAME}(?: {NAME}){{0,3}},? \d{{1,4}}),?\s+\d{{5}} [A-Z]",
)
_DATES = (
    r"\b\d{1,2}[/.\-]\d{1,2}[/.\-](?:\d{4}|\d{2})\b",
    r"\b(?:19|20)\d\d[\-/.]\d{1,2}[\-/.]\d{1,2}\b",
    rf"\b\d{{1,2}}(?:st|nd|rd|th|\.)?[ \-](?:of )?{MONTH}\.?,?[ \-]\d{{4}}\b",
    rf"\b{MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}\b",
    r"(?:19|20)\d\d ?[\u5e74\ub144] ?\d{1,2} ?[\u6708\uc6d4] ?\d{1,2} ?[\u65e5\uc77c]",
)
_HEX = "[0-9A-Fa-f]"

_GENERAL: tuple[Pattern, ...] = (
    Pattern(r"(?a)[A-Za-z0-9._%+\-]+@[A-Za-z0-9](?:[A-Za-z0-9\-]{0,62}\.)+[A-Za-z]{2,24}\b", "pii.email"),
    # Card and telephone numbers may also be written in the digits of other scripts.
    *(
        Pattern(flags + pattern, category, validate=validate)
        for pattern, category, validate in (
            (r"\b(?:\d[ \-.]?){12,18}\d\b", "pii.credit_card", card),
            *((pattern, "pii.phone", dialled) for pattern in _PHONES),
        )
        for flags in ("(?a)", "")
    ),
    Pattern(
        r"(?a)(?:\(\d{1,5}\)|\b\d{2,5})(?:[ .\-/]?\d{2,5}){1,4}" + _EXTENSION + r"\b",
        "pii.phone", validate=local_phone, context=PHONE,
    ),
    Pattern(
        r"(?a)((?:\(\d{2,4}\)|\b\d{2,5})(?:[ .\-]\d{2,5}){1,4}|\b0?\d{9,10})[ \-,]{1,2}(?:[Oo]ffice|[Ff]ax|[Mm]obile|[Cc]ell)\b",
        "pii.phone", group=1, validate=local_phone,
    ),
    Pattern(r"(?a)\b[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,3})?\b", "pii.iban", validate=v.iban),
    Pattern(
        r"(?a)\b(?:[Vv]ersions?|VERSION|[Rr]eleases?|[Bb]uild|[Vv]er|[Vv])[ .:=]{1,2}\d+(?:\.\d+){3,}|\d+(?:\.\d+){4,}|"
        r"(\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b)",
        "pii.ip_address", group=1, validate=v.ip_address,
    ),
    Pattern(
        rf"(?a)\b(?:{_HEX}{{2}}:){{8,}}{_HEX}{{2}}\b|(\b{_HEX}{{1,4}}(?::{{1,2}}{_HEX}{{1,4}}){{2,7}}\b)",
        "pii.ip_address", group=1, validate=v.ipv6_address,
    ),
    Pattern(r"(?a)\b(?:fe80|f[cd][0-9a-f]{2}|2[0-9a-f]{3})::[0-9a-f]{1,4}\b", "pii.ip_address", validate=v.ipv6_address),
    *(
        Pattern(
            rf"(?a)\b(?:{_HEX}{{2}}{mark}){{6,}}{_HEX}{{2}}\b|(\b(?:{_HEX}{{2}}{mark}){{5}}{_HEX}{{2}}\b)",
            "pii.mac_address", group=1, validate=v.mac_address,
        )
        for mark in (":", r"\-")
    ),
    Pattern(r"(?a)\b[13LMDT][1-9A-HJ-NP-Za-km-z]{25,34}\b", "pii.crypto_address", validate=v.crypto_address),
    *(
        Pattern(rf"(?a)\b{form}{{11,71}}\b", "pii.crypto_address", validate=v.crypto_address)
        for form in ("bc1[02-9ac-hj-np-z]", "BC1[02-9AC-HJ-NP-Z]")
    ),
    Pattern(r"(?a)\b0x[0-9a-fA-F]{40}\b", "pii.crypto_address", validate=v.crypto_address),
    *(Pattern("(?a)" + form, "pii.date_of_birth", validate=digit_date, context=BORN) for form in _DATES),
    *(Pattern("(?a)" + form, "pii.street_address", group=1) for form in _STREETS),
    Pattern(
        r"(?a)\b(?:\d{5}(?:-\d{3,4})?|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d|\d{4} ?[A-Z]{2}|\d{3}-\d{4}|"
        r"\d{2}-\d{3}|\d{3} \d{2})\b",
        "pii.postal_code", context=POSTAL,
    ),
    Pattern(
        r"(?a)\b(?:\d{4}|\d{6})\b", "pii.postal_code",
        context=_words("postcode|postal code|plz|postleitzahl|postnummer|pincode|pin code|\u90ae\u7f16|\u90ae\u653f\u7f16\u7801"),
    ),
    Pattern(
        r"(?a)\b(?:[A-Za-z]{1,3}\d{6,8}|\d{9}|\d{2}[A-Z]{2}\d{5}|[CFGHJK][CFGHJKLMNPRTVWXYZ0-9]{8})\b",
        "pii.passport", validate=coded, context=PASSPORT,
    ),
    Pattern(
        r"(?a)\b(?:[A-Za-z]{1,3}\d{5,14}[A-Za-z]?|\d{7,14}|[A-Z]\d{3}-\d{4}-\d{4}|[A-Z9]{5}\d{6}[A-Z9]{2}\d[A-Z]{2}|"
        r"[A-Z0-9]{2}\d{5}[A-Z0-9]{4})\b",
        "pii.driving_licence", validate=coded, context=LICENCE,
    ),
)  # fmt: skip

_ID = "id|identity|identity number|id number|identity card|id card"
_CI = r"(?:0[1-9]|1[0-2])"
# Entity, form, and context words; without them the shape and the checksum are enough.
_NATIONAL: tuple[tuple[str, str, str], ...] = (
    ("us_ssn", r"\d{3}[\- ]\d{2}[\- ]\d{4}", ""),
    ("us_ssn", r"\d{9}", "ssn|social security|social security number|social security no"),
    ("us_itin", r"9\d{2}[\- ]?\d{2}[\- ]?\d{4}", "itin|taxpayer|tax id|tin"),
    ("us_ein", r"\d{2}-\d{7}", "ein|fein|employer identification|employer id|tax id|taxpayer|tin"),
    ("uk_nino", r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] \d{2} \d{2} \d{2} [A-D]", ""),
    ("uk_nino", r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{6} ?[A-D]", "nino|ni number|ni no|national insurance|insurance number"),
    ("uk_nhs", r"\d{3}[ \-]?\d{3}[ \-]?\d{4}", "nhs|nhs number|nhs no|national health"),
    ("de_tax_id", r"[1-9]\d(?: ?\d{3}){3}", "steuer-id|steuerid|steueridentifikationsnummer|steuer-identifikationsnummer|"
     "identifikationsnummer|idnr|idnr.|tax id|tin|steuer-idnr|steuer-idnr."),
    ("de_tax_number", r"(?:\d{2,3}/\d{3}/\d{4,5}|\d{3}/\d{4}/\d{4})", "steuernummer|steuer-nr|steuernr|st.-nr|tax number"),
    ("fr_nir", rf"[1278] \d{{2}} (?:{_CI}|[2-9]\d) (?:\d{{2}}|2[AB]) \d{{3}} \d{{3}} \d{{2}}", ""),
    ("fr_nir", rf"[1278]\d{{2}}(?:{_CI}|[2-9]\d)(?:\d{{2}}|2[AB])\d{{6}} ?\d{{2}}", "nir|insee|s\u00e9curit\u00e9 sociale|"
     "num\u00e9ro de s\u00e9cu|securite sociale|social security"),
    ("es_dni", r"\d{8}[ \-]?[A-HJ-NP-TV-Z]", "dni|nif|documento nacional|identidad|identificaci\u00f3n|documento|" + _ID),
    ("es_nie", r"[XYZ][ \-]?\d{7}[ \-]?[A-HJ-NP-TV-Z]", "nie|nif|extranjero|identidad|identificaci\u00f3n|documento|" + _ID),
    ("it_codice_fiscale", r"[A-Z]{6}[0-9LMNP-V]{2}[A-EHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]", ""),
    ("nl_bsn", r"\d{4}[. ]?\d{2}[. ]?\d{3}", "bsn|burgerservicenummer|sofinummer|sofi-nummer|citizen service number"),
    ("be_national_number", r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", ""),
    ("be_national_number", r"\d{11}", "rijksregisternummer|registre national|num\u00e9ro national|insz|niss|national number"),
    ("pt_nif", r"\d{3} ?\d{3} ?\d{3}", "nif|contribuinte|nipc|n\u00famero fiscal|tax number"),
    ("pl_pesel", r"\d{11}", "pesel|nr pesel|numer pesel"),
    ("pl_nip", r"(?:\d{3}-\d{3}-\d{2}-\d{2}|\d{3}-\d{2}-\d{2}-\d{3}|\d{10})", "nip|numer nip|nr nip|vat|podatnika"),
    ("se_personnummer", r"(?:19|20)?\d{6}[\-+]?\d{4}", "personnummer|personnr|samordningsnummer|personal number|swedish id"),
    ("no_fodselsnummer", r"\d{6} ?\d{5}", "f\u00f8dselsnummer|fodselsnummer|personnummer|d-nummer|fnr|birth number"),
    ("dk_cpr", r"\d{6}[\- ]?\d{4}", "cpr|cpr-nummer|cpr-nr|cpr nr|cpr number|personnummer"),
    ("fi_hetu", r"\d{6}[\-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]", ""),
    ("ch_ahv", r"756\.\d{4}\.\d{4}\.\d{2}", ""),
    ("ch_ahv", r"756 ?\d{4} ?\d{4} ?\d{2}", "ahv|ahv-nummer|ahvn13|avs|oasi|sozialversicherungsnummer|num\u00e9ro avs"),
    ("at_svnr", r"[1-9]\d{3}[ \-]?\d{6}", "svnr|sv-nummer|sv-nr|sozialversicherungsnummer|versicherungsnummer|sv nummer"),
    ("ie_pps", r"\d{7}[A-W][A-IW]?", "pps|ppsn|pps number|pps no|personal public service"),
    ("br_cpf", r"\d{3}\.\d{3}\.\d{3}-\d{2}", ""),
    ("br_cpf", r"\d{9}-?\d{2}", "cpf|cadastro de pessoas|contribuinte"),
    ("br_cnpj", r"\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}", ""),
    ("br_cnpj", r"\d{14}", "cnpj|cadastro nacional"),
    ("mx_curp", r"[A-Z][AEIOUX][A-Z]{2}\d{2}(?:0[1-9]|1[0-2])[0-3]\d[HMX][A-Z]{2}[B-DF-HJ-NP-TV-Z]{3}[0-9A-Z]\d", ""),
    ("ar_cuit", r"(?:2[03-7]|3[034])-\d{8}-\d", ""),
    ("ar_cuit", r"(?:2[03-7]|3[034])\d{9}", "cuit|cuil"),
    ("cl_rut", r"\d{1,2}\.\d{3}\.\d{3}-[0-9Kk]", ""),
    ("cl_rut", r"\d{7,8}-?[0-9Kk]", "rut|run|rol \u00fanico"),
    ("in_aadhaar", r"[2-9]\d{3}[ \-]?\d{4}[ \-]?\d{4}", "aadhaar|aadhar|uidai|adhaar|aadhaar number|\u0906\u0927\u093e\u0930"),
    ("in_pan", r"[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]", "pan|pan card|pan number|permanent account number|income tax"),
    ("au_tfn", r"\d{3} ?\d{3} ?\d{3}", "tfn|tax file|tax file number"),
    ("au_abn", r"\d{2} ?\d{3} ?\d{3} ?\d{3}", "abn|business number|australian business number"),
    ("au_medicare", r"[2-6]\d{3} ?\d{5} ?\d(?:[ /]?\d)?", "medicare"),
    ("ca_sin", r"\d{3}[ \-]?\d{3}[ \-]?\d{3}", "sin|social insurance|social insurance number|nas|assurance sociale"),
    ("sg_nric", r"[STFGM]\d{7}[A-Z]", "nric|fin|singapore|uinfin|ic|ic number|" + _ID),
    ("kr_rrn", r"\d{6}-[1-8]\d{6}", ""),
    ("kr_rrn", r"\d{6}[1-8]\d{6}", "rrn|resident registration|\uc8fc\ubbfc\ub4f1\ub85d\ubc88\ud638|\uc8fc\ubbfc\ubc88\ud638"),
    ("jp_my_number", r"\d{4}[ \-]?\d{4}[ \-]?\d{4}", "my number|mynumber|individual number|\u30de\u30a4\u30ca\u30f3\u30d0\u30fc|"
     "\u500b\u4eba\u756a\u53f7"),
    ("cn_resident_id", r"[1-68]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])[0-3]\d{4}[0-9Xx]", ""),
    ("tr_tckn", r"[1-9]\d{10}", "tckn|tc kimlik|kimlik|t.c.|kimlik no|turkish id|tc no"),
    ("il_id", r"\d{8}-?\d", "teudat zehut|israeli id|israel id|\u05ea.\u05d6|\u05ea.\u05d6.|"
     "\u05ea\u05e2\u05d5\u05d3\u05ea \u05d6\u05d4\u05d5\u05ea|\u05de\u05e1\u05e4\u05e8 \u05d6\u05d4\u05d5\u05ea"),
    ("za_id", r"\d{6} ?\d{4} ?\d{3}", "south african id|sa id|rsa id|id no|" + _ID),
)  # fmt: skip

TABLE: tuple[Pattern, ...] = (
    *_GENERAL,
    *(
        Pattern(
            rf"(?a)\b{form}\b",
            f"pii.{entity}",
            validate=v.us_ssn
            if entity == "us_ssn"
            else CHECKS.get("es_dni" if entity == "es_nie" else entity),
            context=_words(context) if context else (),
        )
        for entity, form, context in _NATIONAL
    ),
)
"""Every row."""
