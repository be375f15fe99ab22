"""Maps the names that Presidio and models have for kinds of personal data to ours.

`GENERIC` and `NATIONAL` are the entities of presidio-analyzer's predefined recognizers, the second ones by the
language that a recognizer declares. `LABELS` are the labels of token-classification models. A name is what follows
`pii.` in a category; what the table of patterns has as well (`entities.py`) goes by the same name there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple


class EntityHit(NamedTuple):
    """What an engine found: the name, the score in 0..1, and the span in the text that it was given."""

    name: str
    score: float
    start: int
    end: int


GENERIC: Final[dict[str, str]] = {
    "CREDIT_CARD": "credit_card",
    "CRYPTO": "crypto_address",
    "DATE_TIME": "date_time",
    "EMAIL_ADDRESS": "email",
    "IBAN_CODE": "iban",
    "IP_ADDRESS": "ip_address",
    "MAC_ADDRESS": "mac_address",
    "PHONE_NUMBER": "phone",
    "URL": "url",
    "UUID": "uuid",
}
"""Found in texts of any language."""

NATIONAL: Final[dict[str, dict[str, str]]] = {
    "en": {
        "ABA_ROUTING_NUMBER": "us_aba_routing",
        "AU_ABN": "au_abn",
        "AU_ACN": "au_acn",
        "AU_MEDICARE": "au_medicare",
        "AU_TFN": "au_tfn",
        "CA_POSTAL_CODE": "postal_code",
        "CA_SIN": "ca_sin",
        "IN_AADHAAR": "in_aadhaar",
        "IN_GSTIN": "in_gstin",
        "IN_PAN": "in_pan",
        "IN_PASSPORT": "passport",
        "IN_VEHICLE_REGISTRATION": "vehicle_registration",
        "IN_VOTER": "in_voter",
        "MEDICAL_LICENSE": "medical_licence",
        "NG_NIN": "ng_nin",
        "NG_VEHICLE_REGISTRATION": "vehicle_registration",
        "PH_PASSPORT": "passport",
        "PH_TIN": "ph_tin",
        "PH_UMID": "ph_umid",
        "SG_NRIC_FIN": "sg_nric",
        "SG_UEN": "sg_uen",
        "UK_DRIVING_LICENCE": "driving_licence",
        "UK_NHS": "uk_nhs",
        "UK_NINO": "uk_nino",
        "UK_PASSPORT": "passport",
        "UK_POSTCODE": "postal_code",
        "UK_VEHICLE_REGISTRATION": "vehicle_registration",
        "US_BANK_NUMBER": "us_bank_account",
        "US_CLAIM_NUMBER": "us_claim",
        "US_DRIVER_LICENSE": "driving_licence",
        "US_HEALTH_INSURANCE_MEMBER_ID": "us_health_insurance",
        "US_ITIN": "us_itin",
        "US_MBI": "us_mbi",
        "US_NPI": "us_npi",
        "US_PASSPORT": "passport",
        "US_PRESCRIPTION_NUMBER": "us_prescription",
        "US_PRIOR_AUTHORIZATION_NUMBER": "us_prior_authorization",
        "US_PROVIDER_TAX_ID": "us_ein",
        "US_REFERRAL_NUMBER": "us_referral",
        "US_SSN": "us_ssn",
        "ZA_COMPANY_REGISTRATION": "za_company",
        "ZA_DRIVER_LICENSE": "driving_licence",
        "ZA_ID_NUMBER": "za_id",
        "ZA_INCOME_TAX_NUMBER": "za_tax_number",
        "ZA_LICENSE_PLATE": "vehicle_registration",
        "ZA_PASSPORT": "passport",
        "ZA_TRAFFIC_REGISTER_NUMBER": "za_traffic_register",
        "ZA_VAT_NUMBER": "za_vat",
    },
    "de": {
        "DE_BSNR": "de_bsnr",
        "DE_FUEHRERSCHEIN": "driving_licence",
        "DE_HANDELSREGISTER": "de_handelsregister",
        "DE_HEALTH_INSURANCE": "de_health_insurance",
        "DE_ID_CARD": "de_id_card",
        "DE_KFZ": "vehicle_registration",
        "DE_LANR": "de_lanr",
        "DE_PASSPORT": "passport",
        "DE_PLZ": "postal_code",
        "DE_SOCIAL_SECURITY": "de_social_security",
        "DE_TAX_ID": "de_tax_id",
        "DE_TAX_NUMBER": "de_tax_number",
        "DE_VAT_ID": "eu_vat_id",
    },
    "es": {"ES_NIE": "es_nie", "ES_NIF": "es_dni", "ES_PASSPORT": "passport"},
    "fi": {"FI_PERSONAL_IDENTITY_CODE": "fi_hetu"},
    "it": {
        "IT_DRIVER_LICENSE": "driving_licence",
        "IT_FISCAL_CODE": "it_codice_fiscale",
        "IT_IDENTITY_CARD": "it_identity_card",
        "IT_PASSPORT": "passport",
        "IT_VAT_CODE": "it_partita_iva",
    },
    "ko": {
        "KR_BRN": "kr_brn",
        "KR_DRIVER_LICENSE": "driving_licence",
        "KR_FRN": "kr_frn",
        "KR_PASSPORT": "passport",
        "KR_RRN": "kr_rrn",
    },
    "pl": {"PL_PESEL": "pl_pesel"},
    "sv": {"SE_ORGANISATIONSNUMMER": "se_organisationsnummer", "SE_PERSONNUMMER": "se_personnummer"},
    "th": {"TH_TNIN": "th_tnin"},
    "tr": {"TR_LICENSE_PLATE": "vehicle_registration", "TR_NATIONAL_ID": "tr_tckn"},
}
"""Language → found in its texts. ZA_MOBILE_NUMBER and ZA_TELEPHONE_NUMBER are left out: PHONE_NUMBER has regions."""

_LABELLED: Final[dict[str, str]] = {
    "person": "PER PERSON NAME FULLNAME FIRSTNAME MIDDLENAME LASTNAME GIVENNAME SURNAME PATIENT DOCTOR STAFF",
    "location": "LOC LOCATION GPE FAC CITY COUNTY STATE COUNTRY HOSPITAL",
    "organization": "ORG ORGANIZATION ORGANISATION COMPANY COMPANYNAME",
    "nrp": "NRP NORP",
    "age": "AGE",
    "bank_account": "ACCOUNTNUM ACCOUNTNUMBER BANKACCOUNT",
    "credit_card": "CREDITCARD CREDITCARDNUMBER",
    "crypto_address": "CRYPTO BITCOINADDRESS ETHEREUMADDRESS LITECOINADDRESS",
    "date_of_birth": "DOB DATEOFBIRTH",
    "date_time": "DATE TIME DATETIME",
    "driving_licence": "DRIVERLICENSE DRIVERSLICENSE DRIVERLICENSENUM USDRIVERLICENSE",
    "email": "EMAIL EMAILADDRESS",
    "iban": "IBAN IBANCODE",
    "ip_address": "IP IPV4 IPV6 IPADDRESS",
    "mac_address": "MAC MACADDRESS",
    "national_id": "IDCARD IDCARDNUM IDNUM GOVERNMENTID",
    "passport": "PASSPORT PASSPORTNUM PASSPORTNUMBER",
    "phone": "PHONE PHONENUMBER TELEPHONENUM TELEPHONE",
    "postal_code": "ZIP ZIPCODE POSTCODE POSTALCODE",
    "street_address": "ADDRESS STREET STREETNAME STREETADDRESS BUILDINGNUM BUILDINGNUMBER SECONDARYADDRESS",
    "tax_number": "TAXNUM TAXNUMBER TAXID",
    "url": "URL",
    "us_aba_routing": "ROUTINGNUMBER",
    "us_ssn": "SSN SOCIALNUM SOCIALNUMBER USSSN",
    "username": "USERNAME ACCOUNTNAME",
    "vehicle_registration": "VEHICLEVRM LICENSEPLATE",
}
LABELS: Final = {label: name for name, labels in _LABELLED.items() for label in labels.split()}
"""Label of a model, in capitals without separators → what it means: the sets of CoNLL-2003, OntoNotes, i2b2, AI4Privacy,
Piiranha and Rampart. A label that is in neither this table nor the policy's own is not looked for.
"""


def presidio_entities(languages: Iterable[str]) -> dict[str, str]:
    """Return the entities that Presidio has for texts of these languages, and their names here."""
    found = dict(GENERIC)
    for language in languages:
        found.update(NATIONAL[language])
    return found


def normalize_label(label: str) -> str:
    """Return a model's label as `LABELS` writes it."""
    return "".join(char for char in label.upper() if char.isalnum())
