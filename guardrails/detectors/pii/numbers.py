r"""Rows of the table of personal data for numbers of states, companies, banks and health services.

A number without a word of context before it must be distinctive by its shape and its check digits
(`detectors/pii/identifiers/national_europe.py`, `detectors/pii/identifiers/national_world.py`,
`detectors/pii/identifiers/companies.py`, `detectors/pii/identifiers/health.py`).
"""

from __future__ import annotations

from guardrails.detectors.patterns.table import PatternRow
from guardrails.detectors.pii.identifiers import validators as v
from guardrails.detectors.pii.identifiers.companies import COMPANIES, in_state, swift_bic
from guardrails.detectors.pii.identifiers.health import HEALTH
from guardrails.detectors.pii.identifiers.national_europe import EUROPE, Check
from guardrails.detectors.pii.identifiers.national_world import WORLD, kr_dated
from guardrails.detectors.pii.identifiers.vat import STATES
from guardrails.detectors.pii.licence_plates import FORMS, PLATE

CHECKS: dict[str, Check] = {
    **EUROPE, **WORLD, **COMPANIES, **HEALTH, "us_ssn": v.us_ssn, "es_nie": EUROPE["es_dni"],
}  # fmt: skip
"""Entity → its check, where it has one."""

_ID = "id|identity|identity number|id number|identity card|id card"
_CI = r"(?:0[1-9]|1[0-2])"
_RRN = "rrn|resident registration|\uc8fc\ubbfc\ub4f1\ub85d\ubc88\ud638|\uc8fc\ubbfc\ubc88\ud638"
_FRN = "frn|foreigner registration|alien registration|\uc678\uad6d\uc778\ub4f1\ub85d\ubc88\ud638"
_GSTIN = "gstin|gst number|gst no|gst registration|gst|goods and services tax"
_VAT = (
    "vat|vat id|vat number|vat no|vat reg|ust-id|ust-idnr|ust-idnr.|ust.-idnr|ust.-id-nr|ustid|umsatzsteuer-id|"
    "umsatzsteuer-identifikationsnummer|uid|uid-nummer|tva|btw|btw-nummer|iva|partita iva|nif|nipc|momsnummer|moms|"
    "alv|afm|dph|pdv|cif"
)
# With eight digits or fewer a number of another kind passes too easily.
_SHORT = frozenset({"CZ", "DK", "FI", "HU", "LU", "MT", "RO", "SI"})
_VAT_FORMS = "|".join(f"{state}(?:{form})" for state, (form, _) in STATES.items() if state not in _SHORT)
_MBI = "[AC-HJKMNP-RT-Yac-hjkmnp-rt-y]"
_MBI_ANY = "[0-9AC-HJKMNP-RT-Yac-hjkmnp-rt-y]"

# Entity, form, and context words; without them the shape and the checksum are enough.
_NATIONAL: tuple[tuple[str, str, str], ...] = (
    ("us_ssn", r"\d{3}[\- ]\d{2}[\- ]\d{4}", ""),
    ("us_ssn", r"\d{3}\.?\d{2}\.?\d{4}", "ssn|social security|social security number|social security no"),
    ("us_itin", r"9\d{2}[\- ]?\d{2}[\- ]?\d{4}", "itin|taxpayer|tax id|tin"),
    ("us_ein", r"\d{2}-\d{7}", "ein|fein|employer identification|employer id|tax id|taxpayer|tin"),
    ("uk_nino", r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] \d{2} \d{2} \d{2} [A-D]", ""),
    ("uk_nino", r"[A-CEGHJ-PR-TW-Za-ceghj-pr-tw-z][A-CEGHJ-NPR-TW-Za-ceghj-npr-tw-z](?: ?\d{2}){3} ?[A-Da-d]",
     "nino|ni number|ni no|national insurance|insurance number"),
    ("uk_nhs", r"\d{3}[ \-]?\d{3}[ \-]?\d{4}", "nhs|nhs number|nhs no|national health"),
    ("de_tax_id", r"[1-9]\d(?: ?\d{3}){3}", "steuer-id|steuerid|steueridentifikationsnummer|steuer-identifikationsnummer|"
     "identifikationsnummer|idnr|idnr.|tax id|tin|steuer-idnr|steuer-idnr."),
    ("de_tax_number", r"(?:\d{2,3}/\d{3,4}/\d{4,5}|\d{13})", "steuernummer|steuer-nr|steuernr|st.-nr|tax number"),
    ("fr_nir", rf"[1278] \d{{2}} (?:{_CI}|[2-9]\d) (?:\d{{2}}|2[AB]) \d{{3}} \d{{3}} \d{{2}}", ""),
    ("fr_nir", rf"[1278]\d{{2}}(?:{_CI}|[2-9]\d)(?:\d{{2}}|2[AB])\d{{6}} ?\d{{2}}", "nir|insee|s\u00e9curit\u00e9 sociale|"
     "num\u00e9ro de s\u00e9cu|securite sociale|social security"),
    ("es_dni", r"\d{7,8}(?:[ \-]?[A-HJ-NP-TV-Z]|-?[a-hj-np-tv-z])",
     "dni|nif|documento nacional|identidad|identificaci\u00f3n|documento|" + _ID),
    ("es_nie", r"[XYZxyz][ \-]?\d{7}[ \-]?[A-HJ-NP-TV-Za-hj-np-tv-z]",
     "nie|nif|extranjero|identidad|identificaci\u00f3n|documento|" + _ID),
    ("it_codice_fiscale", r"[A-Z]{6}[0-9LMNP-V]{2}[A-EHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]", ""),
    ("nl_bsn", r"\d{4}[. ]?\d{2}[. ]?\d{3}", "bsn|burgerservicenummer|sofinummer|sofi-nummer|citizen service number"),
    ("be_national_number", r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", ""),
    ("be_national_number", r"\d{11}", "rijksregisternummer|registre national|num\u00e9ro national|insz|niss|national number"),
    ("pt_nif", r"\d{3} ?\d{3} ?\d{3}", "nif|contribuinte|nipc|n\u00famero fiscal|tax number"),
    ("pl_pesel", r"\d{11}", "pesel|nr pesel|numer pesel"),
    ("pl_nip", r"(?:\d{3}-\d{3}-\d{2}-\d{2}|\d{3}-\d{2}-\d{2}-\d{3}|\d{10})", "nip|numer nip|nr nip|vat|podatnika"),
    ("se_personnummer", r"(?:18|19|20)?\d{6}[\-+]?\d{4}", "personnummer|personnr|samordningsnummer|"
     "personal identity number|personal identity code|personal number|swedish id"),
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
    ("cl_rut", r"\d{7,8}-?[0-9Kk]", "rut|r.u.t|rol \u00fanico"),
    ("cl_rut", r"\d{7,8}-[0-9Kk]", "run"),
    ("in_aadhaar", r"[2-9]\d{3}[ \-:]?\d{4}[ \-:]?\d{4}", "aadhaar|aadhar|uidai|adhaar|aadhaar number|\u0906\u0927\u093e\u0930"),
    ("in_pan", r"[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]", "pan|pan card|pan number|permanent account number|income tax"),
    ("au_tfn", r"\d{3} ?\d{3} ?\d{3}", "tfn|tax file|tax file number"),
    ("au_abn", r"\d{2} ?\d{3} ?\d{3} ?\d{3}", "abn|business number|australian business number"),
    ("au_medicare", r"[2-6]\d{3} ?\d{5} ?\d(?:[ /]?\d)?", "medicare"),
    ("ca_sin", r"\d{3}[ \-]?\d{3}[ \-]?\d{3}", "sin|social insurance|social insurance number|nas|assurance sociale"),
    ("sg_nric", r"[STFGM]\d{7}[A-Z]", "nric|fin|singapore|uinfin|ic|ic number|" + _ID),
    ("jp_my_number", r"\d{4}[ \-]?\d{4}[ \-]?\d{4}", "my number|mynumber|individual number|\u30de\u30a4\u30ca\u30f3\u30d0\u30fc|"
     "\u500b\u4eba\u756a\u53f7"),
    ("cn_resident_id", r"[1-68]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])[0-3]\d{4}[0-9Xx]", ""),
    ("tr_tckn", r"[1-9]\d{10}", "tckn|tc kimlik|kimlik|t.c.|kimlik no|turkish id|tc no"),
    ("il_id", r"\d{8}-?\d", "teudat zehut|israeli id|israel id|\u05ea.\u05d6|\u05ea.\u05d6.|"
     "\u05ea\u05e2\u05d5\u05d3\u05ea \u05d6\u05d4\u05d5\u05ea|\u05de\u05e1\u05e4\u05e8 \u05d6\u05d4\u05d5\u05ea"),
    ("za_id", r"\d{6} ?\d{4} ?\d{3}", "south african id|sa id|rsa id|id no|" + _ID),
    ("kr_rrn", r"\d{6}-[1-4]\d{6}", ""),
    ("kr_frn", r"\d{6}-[5-8]\d{6}", ""),
    ("de_id_card", r"[CFGHJKLMNPRTVWXYZcfghjklmnprtvwxyz][CFGHJKLMNPRTVWXYZcfghjklmnprtvwxyz0-9]{8}\d?", "personalausweis|"
     "personalausweisnummer|ausweisnummer|ausweis-nr|ausweis nr|ausweis|identity card|id card|identit\u00e4tskarte"),
    ("it_identity_card", r"(?:[A-Za-z]{2} ?\d{7}|\d{7}[A-Za-z]{2}|[A-Za-z]{2}\d{5}[A-Za-z]{2})", "carta d'identit\u00e0|"
     "carta d\u2019identit\u00e0|carta di identit\u00e0|carta identit\u00e0|documento d'identit\u00e0|cie"),
    ("th_tnin", r"[1-8]-\d{4}-\d{5}-\d{2}-\d", ""),
    ("th_tnin", r"[1-8] ?\d{4} ?\d{5} ?\d{2} ?\d", "tnin|thai id|thai national id|thai id number|thai citizen id|"
     "\u0e40\u0e25\u0e02\u0e1b\u0e23\u0e30\u0e08\u0e33\u0e15\u0e31\u0e27\u0e1b\u0e23\u0e30\u0e0a\u0e32\u0e0a\u0e19|"
     "\u0e40\u0e25\u0e02\u0e1a\u0e31\u0e15\u0e23\u0e1b\u0e23\u0e30\u0e0a\u0e32\u0e0a\u0e19|"
     "\u0e1a\u0e31\u0e15\u0e23\u0e1b\u0e23\u0e30\u0e0a\u0e32\u0e0a\u0e19"),
    ("in_voter", r"[A-Za-z]{3}\d{7}", "voter|voter id|voter card|epic|epic number|election card|electoral photo identity card"),
)  # fmt: skip

_OTHERS: tuple[tuple[str, str, str], ...] = (
    ("eu_vat_id", rf"(?:{_VAT_FORMS})", ""),
    ("eu_vat_id", r"[A-Za-z]{2}[A-Za-z0-9]{0,2}\d{7,12}(?:[A-Za-z]{1,2}|[Bb]\d{2})?", _VAT),
    (
        "eu_vat_id",
        r"[A-Za-z]{2}[ \-.](?:[A-Za-z0-9]{2}[ \-.]?)?[Uu]?\d{3,5}(?:[ \-.]?\d{2,4}){1,3}(?:[A-Za-z]{1,2}|[ \-.]?[Bb]\d{2})?",
        _VAT,
    ),
    ("in_gstin", r"\d{2}[A-Z]{5}\d{4}[A-Z][1-9A-Z]Z[0-9A-Z]", ""),
    ("it_partita_iva", r"\d{11}", "partita iva|p.iva|p. iva|p.iva.|piva|part. iva|codice iva|vat"),
    ("kr_brn", r"\d{3}-?\d{2}-?\d{5}", "brn|business registration|business registration number|"
     "\uc0ac\uc5c5\uc790\ub4f1\ub85d\ubc88\ud638|"
     "\uc0ac\uc5c5\uc790\ubc88\ud638"),
    ("se_organisationsnummer", r"(?:16)?\d{6}-?\d{4}", "organisationsnummer|org.nr|org.nummer|org nr|orgnr|orgnummer|"
     "organisationsnr|organisation number|company identity|corporate identity"),
    ("au_acn", r"\d{3} ?\d{3} ?\d{3}", "acn|australian company number|company number"),
    ("ph_tin", r"\d{3}-?\d{3}-?\d{3}(?:-?\d{3}(?:\d{2})?)?", "tin|bir|taxpayer identification|tax identification|tax id"),
    ("sg_uen", r"(?:\d{8,9}[A-Z]|[TSR]\d{2}[A-Z]{2}\d{4}[A-Z])", "uen|unique entity number|acra|company registration|"
     "registration number"),
    ("us_aba_routing", r"\d{4}-?\d{4}-?\d", "routing|routing number|routing no|aba|aba number|rtn|transit number"),
    ("us_bank_account", r"\d{8,17}", "bank account|bank account number|checking account|savings account|bank acct|bank number|"
     "direct deposit"),
    ("swift_bic", r"[A-Z]{6}[A-Z2-9][A-NP-Z0-9](?:[A-Z0-9]{3})?", "bic|swift|swift code|bic code|bank code|bank identifier|"
     "bic/swift|swift/bic"),
    ("de_handelsregister", r"HR[AB] ?\d{4,6}", ""),
    ("de_handelsregister", r"[Hh][Rr][AaBb] ?\d{1,6}", "handelsregister|handelsregisternummer|amtsgericht|registergericht|"
     "registernummer|eingetragen|commercial register"),
    ("us_mbi", rf"[1-9]{_MBI}{_MBI_ANY}\d-{_MBI}{_MBI_ANY}\d-{_MBI}{{2}}\d{{2}}", ""),
    ("us_mbi", rf"[1-9]{_MBI}{_MBI_ANY}\d{_MBI}{_MBI_ANY}\d{_MBI}{{2}}\d{{2}}", "mbi|medicare|beneficiary|hicn|medicare id"),
    ("us_npi", r"[12]\d{3}[ \-]?\d{3}[ \-]?\d{3}", "npi|national provider|npi number|provider identifier|"
     "provider id|provider number"),
    ("medical_licence", r"[ABCDEFGHJKLMPRSTUXabcdefghjklmprstux][A-Za-z9]\d{7}", "dea|dea number|dea no|dea registration|"
     "medical license|medical licence|certificate number|prescriber"),
    ("de_health_insurance", r"[A-Za-z]\d{9}", "krankenversichertennummer|kvnr|krankenkasse|versichertennummer|versicherten-nr|"
     "krankenversicherung|egk|egk-nummer|gesundheitskarte"),
    ("de_social_security", r"\d{2} ?\d{6} ?[A-Z] ?\d{3}", ""),
    ("de_lanr", r"\d{9}", "lanr|arztnummer|lebenslange arztnummer|arzt-nr|betriebsarztnummer"),
    ("de_bsnr", r"\d{9}", "bsnr|betriebsst\u00e4ttennummer|betriebsst\u00e4tten-nr|betriebsstaettennummer|nbsnr"),
)  # fmt: skip

# A word says what it is: since 2020 some have no check digit, and a mistyped one tells as much.
_ANNOUNCED: tuple[tuple[str, str, Check, str], ...] = (
    ("kr_rrn", r"\d{6}-?[1-4]\d{6}", kr_dated, _RRN),
    ("kr_frn", r"\d{6}-?[5-8]\d{6}", kr_dated, _FRN),
    ("in_gstin", r"\d{2}[A-Z]{5}\d{4}[A-Z][1-9A-Z]Z[0-9A-Z]", in_state, _GSTIN),
)

NUMBERS: tuple[PatternRow, ...] = (
    *(
        PatternRow(
            rf"(?a)\b{form}\b",
            f"pii.{entity}",
            validate=CHECKS.get(entity),
            context=tuple(context.split("|")) if context else (),
        )
        for entity, form, context in (*_NATIONAL, *_OTHERS)
    ),
    *(
        PatternRow(rf"(?a)\b{form}\b", f"pii.{entity}", validate=check, context=tuple(context.split("|")))
        for entity, form, check, context in _ANNOUNCED
    ),
    *(PatternRow(rf"(?a)\b(?:{form})\b", "pii.vehicle_registration", context=PLATE) for form in FORMS),
    # No shouting: in capitals words look the same.
    PatternRow(
        r"(?a)\b(?:[Tt]ransfer|[Ww]ire)(?:r?ed|d)? to ([A-Z]{6}[A-Z2-9][A-NP-Z0-9](?:[A-Z0-9]{3})?)\b",
        "pii.swift_bic",
        group=1,
        validate=swift_bic,
    ),
    PatternRow(
        r"(?a)(?:(?:\b|_)(?:[Cc][Vv][CcVv]2?|(?:[Cc]ard|CARD)[ _-]?(?:[Ss]ecurity|SECURITY|[Vv]erification|VERIFICATION)"
        r"[ _-]?(?:[Cc]ode|CODE|[Vv]alue|VALUE|[Nn]umber|NUMBER)|(?:[Ss]ecurity|SECURITY)[ _-]?(?:[Cc]ode|CODE))"
        r"|[a-z](?:C[Vv][CcVv]|SecurityCode|VerificationCode))s?(?:[ _]?(?:[Nn]umber|NUMBER|[Cc]ode|CODE|[Nn]o\.?|is|[Vv]alue))?"
        r"[\"'`>\]]{0,2}[ \t:=#]{0,3}[\"'`]?(\d{3,4})\b",
        "pii.card_security_code",
        group=1,
    ),
)
"""Every row."""
