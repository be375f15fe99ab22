"""The table of personal data: a sample of each entity is found whole, everyday numbers are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors import PolicyFolder
from guardrails.detectors.patterns.table import PatternTable
from guardrails.detectors.pii.entities import TABLE
from guardrails.detectors.pii.pii_detector import ENTITIES, KIND, PiiConfig
from guardrails.types import Text
from tests.cases import each_case

ALL = KIND.build("pii", PiiConfig(use="pii"), PolicyFolder(Path()))
# One of each entity: what stands before it, and the form; the check digits are right.
SAMPLES = {
    "email": ("", "j.o+x@mail.example.co.uk"),
    "credit_card": ("", "5555-5555-5555-4444"),
    "phone": ("", "+49 30 901820"),
    "us_ssn": ("", "123-45-6789"),
    "iban": ("", "DE89370400440532013000"),
    "ip_address": ("", "192.168.0.1"),
    "mac_address": ("", "00:1A:2b:3c:4d:5e"),
    "crypto_address": ("", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"),
    "date_of_birth": ("born on ", "12/27/1986"),
    "street_address": ("", "12 Old Mill Road"),
    "postal_code": ("postcode ", "SW1A 1AA"),
    "passport": ("passport no. ", "C01X00T47"),
    "driving_licence": ("driver's license ", "D1234567"),
    "us_itin": ("ITIN ", "912-70-1234"),
    "us_ein": ("EIN ", "12-3456789"),
    "uk_nino": ("", "AB 12 34 56 C"),
    "uk_nhs": ("NHS number ", "943 476 5919"),
    "de_tax_id": ("Steuer-ID ", "86095742719"),
    "de_tax_number": ("Steuernummer ", "93/815/08152"),
    "fr_nir": ("", "1 85 05 78 006 084 91"),
    "es_dni": ("DNI ", "12345678Z"),
    "es_nie": ("NIE ", "X1234567L"),
    "it_codice_fiscale": ("", "RSSMRA85T10A562S"),
    "nl_bsn": ("BSN ", "111222333"),
    "be_national_number": ("", "85.07.30-033.28"),
    "pt_nif": ("contribuinte ", "501442600"),
    "pl_pesel": ("PESEL ", "44051401359"),
    "pl_nip": ("NIP ", "526-10-40-828"),
    "se_personnummer": ("personnummer ", "811218-9876"),
    "no_fodselsnummer": ("f\u00f8dselsnummer ", "15076500565"),
    "dk_cpr": ("CPR ", "211062-5629"),
    "fi_hetu": ("", "131052-308T"),
    "ch_ahv": ("", "756.9217.0769.85"),
    "at_svnr": ("SVNR ", "1237 010180"),
    "ie_pps": ("PPS ", "1234567FA"),
    "br_cpf": ("", "111.444.777-35"),
    "br_cnpj": ("", "11.222.333/0001-81"),
    "mx_curp": ("", "BOXW310820HNERXN09"),
    "ar_cuit": ("", "20-12345678-6"),
    "cl_rut": ("", "12.345.678-5"),
    "in_aadhaar": ("Aadhaar ", "2345 6789 0124"),
    "in_pan": ("PAN ", "ABCPE1234F"),
    "au_tfn": ("TFN ", "876543210"),
    "au_abn": ("ABN ", "51 824 753 556"),
    "au_medicare": ("Medicare ", "2123 45670 1"),
    "ca_sin": ("SIN ", "130 692 544"),
    "sg_nric": ("NRIC ", "S1234567D"),
    "kr_rrn": ("", "900101-1234568"),
    "jp_my_number": ("My Number ", "123456789018"),
    "cn_resident_id": ("", "11010519491231002X"),
    "tr_tckn": ("TCKN ", "10000000146"),
    "il_id": ("teudat zehut ", "123456782"),
    "za_id": ("SA ID ", "8001015009087"),
    "kr_frn": ("", "911124-5678906"),
    "de_id_card": ("Personalausweis ", "L01X00T47"),
    "it_identity_card": ("carta d'identit\u00e0 ", "CA12345AA"),
    "th_tnin": ("", "1-2345-67890-12-1"),
    "in_voter": ("voter id ", "KSD1287349"),
    "eu_vat_id": ("", "DE136695976"),
    "in_gstin": ("", "27AAPFU0939F1ZV"),
    "it_partita_iva": ("partita IVA ", "00743110157"),
    "kr_brn": ("BRN ", "104-86-56659"),
    "se_organisationsnummer": ("orgnr ", "556703-7485"),
    "au_acn": ("ACN ", "005 499 981"),
    "ph_tin": ("TIN ", "000-123-456-001"),
    "sg_uen": ("UEN ", "201434292D"),
    "us_aba_routing": ("routing number ", "121000358"),
    "us_bank_account": ("bank account ", "945456787654"),
    "swift_bic": ("BIC ", "DEUTDEFF500"),
    "de_handelsregister": ("", "HRB 12345"),
    "us_mbi": ("", "1EG4-TE5-MK73"),
    "us_npi": ("NPI ", "1234567893"),
    "medical_licence": ("DEA number ", "BB1388568"),
    "de_health_insurance": ("KVNR ", "A123456780"),
    "de_social_security": ("", "15070649C103"),
    "de_lanr": ("LANR ", "123456601"),
    "de_bsnr": ("BSNR ", "021234568"),
    "vehicle_registration": ("number plate ", "AB51 ABC"),
    "card_security_code": ("CVV: ", "123"),
}
MORE = [
    ("ip_address", "", "2001:db8:85a3::8a2e:370:7334"), ("ip_address", "", "fe80::1"),
    ("crypto_address", "", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
    ("crypto_address", "to ", "0x52908400098527886E0F7030069857D2E4169EE7"),
    ("date_of_birth", "date of birth: ", "3 March 1980"), ("date_of_birth", "DOB ", "1980-03-31"),
    ("date_of_birth", "geboren am ", "31.03.1980"), ("date_of_birth", "born ", "July 4th, 1976"),
    ("date_of_birth", "\u51fa\u751f\u65e5\u671f\uff1a", "1980\u5e743\u670831\u65e5"),
    ("street_address", "", "221B Baker Street, Flat 2"), ("street_address", "lives at ", "Lindenstra\u00dfe 12a"),
    ("street_address", "", "PO Box 123"), ("street_address", "", "14 rue de la Paix"), ("street_address", "", "Storgatan 15"),
    ("street_address", "", "Calle Mayor, 12"), ("postal_code", "zip code: ", "94105-1234"), ("postal_code", "PLZ ", "10115"),
    ("passport", "Passport: ", "123456789"), ("driving_licence", "driver\u2019s license is ", "A123-4567-8901"),
    ("phone", "call me on ", "07911 123456"), ("phone", "Tel. ", "030/901820"), ("phone", "\u7535\u8bdd", "010-12345678"),
    ("phone", "", "555-010-9999 ext. 12"), ("us_ssn", "SSN ", "123456789"), ("uk_nino", "NI number ", "AB123456C"),
    ("br_cpf", "CPF ", "11144477735"), ("cl_rut", "RUT ", "12345678-5"), ("pt_nif", "NIF ", "123 456 789"),
    ("se_personnummer", "personnummer ", "19811218-9876"), ("se_personnummer", "personnummer ", "189004119807"),
    ("ip_address", "connect to ", "::1"), ("ip_address", "via ", "2001:db8::/32"), ("ip_address", "is ", "ff02::1"),
    ("ip_address", "is ", "fe80::%eth0/64"), ("ip_address", "listens on ", "0.0.0.0"), ("mac_address", "Cisco MAC: ", "0012.3456.789a"),
    ("iban", "IBAN ", "AL47-2121-1009-0000-0002-3569-8741"), ("credit_card", "credit card: ", "122000000000003"),
    ("us_ssn", "SSN ", "078.05.1123"), ("uk_nino", "NI number ", "tw987654a"), ("es_nie", "NIE ", "x9613851n"),
    ("postal_code", "postcode ", "GIR 0AA"), ("passport", "passport ", "M123A4567"), ("driving_licence", "", "11-22-123456-12"),
    ("driving_licence", "patente di guida ", "U1K711J11M"), ("driving_licence", "driving licence ", "morga607054sm9ij"),
    ("de_tax_number", "Steuernummer ", "12/3456/7890"), ("de_tax_number", "Steuernummer: ", "2893081508152"),
]  # fmt: skip
CLEAN = [
    "ISBN 978-81-7533", "0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2",
    "at 2026-11-25T02:39:28.123456+00:00 and 2026-11-25 02:39:28,123", "on 11/25/2026, 25.11.2026 and 3 March 2026",
    "version 1.2.3.4, v10.0.19045.3693, release 2.0.0.1 and numpy==1.26.4.0.1", "ISBN 978-3-16-148410-0 or 9783161484100",
    "$1,234,567.89, 1.234.567,89 EUR, 99.95", "550e8400-e29b-41d4-a716-446655440000", "d41d8cd98f00b204e9800998ecf8427e",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709", "52.520008, 13.404954 and 40.7128 N 74.0060 W", "order 4500123456, item 12345678",
    "invoice 2024-000123 of customer 10023456", "ticket #123456789 and case 987654321", "epoch 1732502368 or 1732502368000",
    "In 2008 Wall Street fell; the 2010 Long Road", "Spring 2024 and Engineering 101", "std::vector::size and a::b::c",
    "SHA256 aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99", "1.3.6.1.4.1.311", "for i in range(100000, 999999): x = 0xDEADBEEF",
    "page 123-456, lines 1000-2000", "12345 67890 12345", "a[::1] + b[::2], 2001::db8::1, face.dead.beef", "between 1990 and 2000, 5 of 12 people",
    "the 9 Supreme Court justices", "call f(1, 2, 3) at 10.30 on 2024-01-02", "score 3-2, 21-19, 6-4 6-3", "id 12345678, id 00000000",
    "ffmpeg 4:2:0 12:34:56:07", "1 000 000 000 and 12 500 000", "RFC 2616, ISO 8601-1:2019, EN 60950", "AB123456C and S1234567D",
]  # fmt: skip


def found(text: str) -> list[tuple[str, str]]:
    """Return category and text of each finding."""
    return [(each.category, text[slice(*each.span)]) for each in ALL.detect([Text(text)])[0].findings]


@each_case(("entity", "lead", "form"), [*((entity, *sample) for entity, sample in SAMPLES.items()), *MORE])
def test_each_entity_is_found_whole_and_only_in_its_context(entity: str, lead: str, form: str) -> None:
    """Every entity of the table has a sample; where words before it are needed, it is not found without them."""
    assert (f"pii.{entity}", form) in found(f"{lead}{form}")
    assert (f"pii.{entity}", form) in found(f"so, \u00e9: {lead}{form}. Then")
    rows = [row for row in TABLE if row.category == f"pii.{entity}"]
    if all(row.context for row in rows):
        assert not any(name == f"pii.{entity}" for name, _ in found(f"it is {form}"))


def test_every_entity_has_a_sample_and_the_table_is_linear() -> None:
    """Nothing of the table is untested, and RE2 alone decides on clean text."""
    assert {*SAMPLES} == {*ENTITIES}
    assert PatternTable(TABLE).linear


@each_case("text", CLEAN)
def test_everyday_numbers_are_clean(text: str) -> None:
    """Dates, versions, prices, hashes, places, orders and code are no personal data."""
    assert found(text) == []


@pytest.mark.parametrize(
    "check", dict.fromkeys(row.validate for row in TABLE if row.validate), ids=lambda check: check.__name__
)
@given(text=st.text(max_size=40) | st.text("0123456789ABCXZbc1.-+: ", max_size=40))
def test_checks_take_any_text(check: Callable[[str], bool], text: str) -> None:
    """No text makes a check fail: parts of matches are tried too."""
    assert check(text) in {True, False}
