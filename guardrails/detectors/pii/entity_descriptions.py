"""What each kind of personal data is and whose it is, for pages and editors."""

from __future__ import annotations

from typing import Final, NamedTuple


class EntityDescription(NamedTuple):
    """A kind of personal data.

    Attributes:
        region: the country or union that gives such numbers out; empty where there is none.
        meaning: what it is, in a few words.
    """

    region: str
    meaning: str


def _describe(region: str, **meanings: str) -> dict[str, EntityDescription]:
    return {name: EntityDescription(region, meaning) for name, meaning in meanings.items()}


ENTITY_DESCRIPTIONS: Final[dict[str, EntityDescription]] = {
    **_describe(
        "",
        person="name of a person",
        street_address="street and house number, or a post box",
        location="city, region or country",
        organization="company or institution",
        email="e-mail address",
        phone="telephone number",
        credit_card="number of a payment card",
        card_security_code="security code of a card (CVC)",
        iban="international bank account number",
        swift_bic="code of a bank (BIC)",
        crypto_address="address of a cryptocurrency",
        ip_address="IPv4 or IPv6 address",
        mac_address="hardware address of a network card",
        date_of_birth="date of birth",
        postal_code="postal code",
        passport="passport number",
        driving_licence="number of a driving licence",
        vehicle_registration="licence plate",
        medical_licence="registration of a physician",
    ),
    **_describe("Argentina", ar_cuit="tax number (CUIT, CUIL)"),
    **_describe(
        "Australia",
        au_abn="business number (ABN)",
        au_acn="company number (ACN)",
        au_medicare="Medicare number",
        au_tfn="tax file number",
    ),
    **_describe("Austria", at_svnr="social insurance number"),
    **_describe("Belgium", be_national_number="national register number"),
    **_describe("Brazil", br_cnpj="company number (CNPJ)", br_cpf="tax number of a person (CPF)"),
    **_describe("Canada", ca_sin="social insurance number"),
    **_describe("Chile", cl_rut="identity and tax number (RUT, RUN)"),
    **_describe("China", cn_resident_id="resident identity number"),
    **_describe("Denmark", dk_cpr="personal number (CPR)"),
    **_describe("European Union, United Kingdom", eu_vat_id="VAT identification number"),
    **_describe("Finland", fi_hetu="personal identity code"),
    **_describe("France", fr_nir="social security number (NIR)"),
    **_describe(
        "Germany",
        de_bsnr="number of a medical practice",
        de_handelsregister="number in the commercial register",
        de_health_insurance="health insurance number",
        de_id_card="number of an identity card",
        de_lanr="number of a physician",
        de_social_security="pension insurance number",
        de_tax_id="tax identification number",
        de_tax_number="tax number",
    ),
    **_describe(
        "India",
        in_aadhaar="Aadhaar number",
        in_gstin="goods and services tax number",
        in_pan="permanent account number (PAN)",
        in_voter="number of a voter's card",
    ),
    **_describe("Ireland", ie_pps="personal public service number"),
    **_describe("Israel", il_id="identity number"),
    **_describe(
        "Italy",
        it_codice_fiscale="tax code",
        it_identity_card="number of an identity card",
        it_partita_iva="VAT number",
    ),
    **_describe("Japan", jp_my_number="My Number"),
    **_describe("Mexico", mx_curp="population registry code (CURP)"),
    **_describe("Netherlands", nl_bsn="citizen service number (BSN)"),
    **_describe("Norway", no_fodselsnummer="national identity number"),
    **_describe("Philippines", ph_tin="tax identification number"),
    **_describe("Poland", pl_nip="tax number (NIP)", pl_pesel="personal number (PESEL)"),
    **_describe("Portugal", pt_nif="tax number (NIF)"),
    **_describe("Singapore", sg_nric="identity number (NRIC, FIN)", sg_uen="number of an entity (UEN)"),
    **_describe("South Africa", za_id="identity number"),
    **_describe(
        "South Korea",
        kr_brn="business registration number",
        kr_frn="foreigner registration number",
        kr_rrn="resident registration number",
    ),
    **_describe("Spain", es_dni="identity number (DNI, NIF)", es_nie="identity number of a foreigner (NIE)"),
    **_describe("Sweden", se_organisationsnummer="company number", se_personnummer="personal identity number"),
    **_describe("Switzerland", ch_ahv="social insurance number (AHV)"),
    **_describe("Thailand", th_tnin="national identity number"),
    **_describe("Turkey", tr_tckn="identity number (T.C. kimlik no.)"),
    **_describe("United Kingdom", uk_nhs="NHS number", uk_nino="national insurance number"),
    **_describe(
        "United States",
        us_aba_routing="routing number of a bank",
        us_bank_account="bank account number",
        us_ein="employer identification number",
        us_itin="individual taxpayer number (ITIN)",
        us_mbi="Medicare beneficiary identifier",
        us_npi="national provider identifier",
        us_ssn="social security number",
    ),
}  # fmt: skip
"""Kind, as `entities:` names it → what it is."""
