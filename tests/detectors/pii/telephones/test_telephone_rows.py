# ruff: noqa: RUF001
"""Telephone numbers as people of thirteen languages write them are found whole; numbers of other kinds are not."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors import PolicyFolder
from guardrails.detectors.pii.pii_detector import KIND, PiiConfig
from guardrails.types import Text
from tests.cases import each_case

PHONES = KIND.build("pii", PiiConfig(use="pii", entities=["phone"]), PolicyFolder(Path()))
HITS = {
"en": ["call me on 07911 123456","020 7946 0958","(020) 7946 0958","+44 (0)20 7946 0958","+1 (212) 555-0142","212.555.0142","1-800-555-0142","Tel: 01 496 0123","my number is 0161 496 0123","+353 1 496 0123","0491 570 006","text me at 5550142999","reach me at (02) 5550 1234","phone: +61 491 570 006", "+91 98765 43210","0044 20 7946 0958","dial 555-0142","+1 555 0100","212-555-0142 ext. 12","2125550142 is my new number", "phone 212 555 0142"],
"de": ["Tel. 030/901820","Tel.: 030 / 90 18 20","+49 30 901820","+49 (0)30 901820","0171 1234567","0171/1234567","(030) 901820","Ruf mich unter 0171-1234567 an","Handynummer: 01711234567","erreichbar unter 089 1234567","Du kannst mich unter 0160 9876543 erreichen","Durchwahl 030 901820-12","+43 1 5122345","044 668 18 00","+41 44 668 18 00","Fax (0 30) 90 18 20", "0049 171 1234567","Telefonnummer lautet 0301234567"],
"es": ["llámame al 612 345 678","Teléfono: 91 123 45 67","+34 612 34 56 78","móvil 612345678","mi número es 612-345-678","+52 55 1234 5678","tel. (55) 1234-5678","+54 9 11 4123-4567","celular 300 123 4567","WhatsApp: 9 1234 5678","escríbeme al 600111222", "llame al 902 123 456"],
"fr": ["06 12 34 56 78","06.12.34.56.78","+33 6 12 34 56 78","+33 (0)1 23 45 67 89","Tél. : 01-23-45-67-89","appelez-moi au 0612345678","mon numéro : 06 12 34 56 78","portable 0612345678","0033 6 12 34 56 78","joignable au 04 78 90 12 34","+32 2 555 12 12"],
"it": ["tel. 06 1234567","chiamami al 333 1234567","cellulare: 333 123 4567","+39 333 1234567","+39 06 1234 5678","il mio numero è 3331234567","recapito telefonico 02/1234567","numero verde 800 123 456","tel 0612345678"],
"pt": ["(11) 91234-5678","(11) 9 1234-5678","+55 11 91234-5678","telefone 11 1234-5678","telemóvel: 912 345 678","+351 912 345 678","ligue 0800 123 4567","meu número é 11912345678","me liga no 21 98765-4321", "tel.: 21 123 4567","zap 11 98765 4321"],
"tr": ["0532 123 45 67","0 (532) 123 45 67","0(212) 123 45 67","(0532) 123 45 67","+90 532 123 45 67","telefonum 5321234567","0532 123 45 67'den arayın","beni 05321234567 numarasından ara","Cep: 532 123 4567","Tel: 0212 123 45 67","numaram 0532-123-45-67"],
"ru": ["8 (916) 123-45-67","+7 916 123-45-67","+7 (495) 123-45-67","8-916-123-45-67","8 916 123 45 67","номер телефона 89161234567","тел. 123-45-67","звоните по номеру 8 800 555 35 35","мой номер: 9161234567","+79161234567","8(495)1234567, тел.","телефон: 8(495)1234567","+380 67 123 45 67"],
"ar": ["+966 50 123 4567","اتصل على 0501234567","هاتف: 011 123 4567","جوال 0501234567","رقم الهاتف: ٠٥٠١٢٣٤٥٦٧","+٩٦٦ ٥٠ ١٢٣ ٤٥٦٧","اتصل بي على ٠١٠ ١٢٣٤ ٥٦٧٨","+20 10 1234 5678","00966501234567","واتساب 0100 123 4567","رقمي هو ٠٥٠ ١٢٣ ٤٥٦٧"],
"hi": ["+91 98765 43210","मोबाइल: 9876543210","फ़ोन नंबर 98765-43210","मुझे 9876543210 पर कॉल करें","मोबाइल ९८७६५ ४३२१०","संपर्क करें: 011-23456789","+91-9876543210","मेरा नंबर 09876543210 है","९८७६५४३२१० पर फ़ोन करें"],
"zh": ["电话:010-12345678","手机号13812345678","138-1234-5678","138 1234 5678","+86 138 1234 5678","请拨打400-810-1234","联系电话：（010）12345678","致电 0755-12345678转123","電話：(02) 2345-6789","0912-345-678","手機0912345678","+852 9123 4567","传真 021 12345678","13812345678是我的手机"],
"ja": ["090-1234-5678","03-1234-5678","０３－１２３４－５６７８","０９０ー１２３４ー５６７８","03(1234)5678","（03）1234-5678","電話番号：09012345678","0120-123-456","携帯 090 1234 5678","+81 90-1234-5678","+81-3-1234-5678","09012345678まで電話してください","TEL：045-123-4567","0123-45-6789","連絡先は080-1234-5678です"],
"ko": ["010-1234-5678","02-123-4567","전화번호 01012345678","031-123-4567","+82 10-1234-5678","휴대폰: 010 1234 5678","010.1234.5678로 연락 주세요","연락처는 01012345678입니다","대표번호 1588-1234","01012345678로 전화해 주세요","070-1234-5678"],
}  # fmt: skip
CLEAN = {
"en": ["order 4500123456","call order no. 4500123456","Phone order: 4500123456","invoice number 2024-000123, call us","ISBN 978-3-16-148410-0","ISBN: 0-306-40615-2","IBAN DE89 3704 0044 0532 0130 00","Telephone banking: IBAN GB82 WEST 1234 5698 7654 32","my card 4111 1111 1111 1111","mobile version 10.0.19045.3693","phones sold: 12 500 000","call me on 2024-01-02","mobile data 1.234.567","Call at 40.7128, -74.0060152","the phone costs 1,299,000 USD","\"phone_id\": 123456789","{\"call_id\": \"1234567890\"}","callId: 1732502368","phone model 12345678","tracking 1234567890, phone unknown","tel aviv 6100000","population 12345678","lines 1000-2000 call","$12,345,678 by phone","01 02 03 04 05","01 02 03 04 05 06 07 08 09 10","10.12.2024 11.12.2024 12.12.2024","call 550e8400-e29b-41d4-a716-446655440000","reach http://169.254.169.254/latest","SHA 1234567890abcdef","ticket 090-1234-5678","order 555-010-9999","epoch 1732502368000 call","2024/2025 call","UNB+UNOC:3+5010532135+5020532135","C++11/14/17/20/23","f(0123)456","a+4912345678901","phone: n/a, customer id 12345678","zip 12345-6789 phone","score 3-2 call 21-19 6-4 6-3","in 1999-2000 he called 300 400 500","52.520008, 13.404954","PHP 8.2.1234567 phone","call 100 200 300 400 500 600 700","0021  ; [*024B.0020.0002.0021] # EXCLAMATION MARK","FB03; FB03; 0046 0066 0069; # LATIN SMALL LIGATURE FFI","\"formFactor\": \"PHONE\", \"heapSize\": 256000000,","same as previous call: array([ 0.08848053,  0.29425961])"],
"de": ["Bestellnummer 0171 1234567","Kundennummer: 0123456789, Telefon unbekannt","Telefon 01.02.2024","Rechnung Nr. 2024/000123","Az. 12 345/67890","Handy für 1.299,00 EUR","Tel.: siehe Kundennr. 12345678","Konto-Nr. 0532013000","am 24.12.2024 anrufen 08:00","Aktenzeichen 0234/12345-67 Telefon","Artikelnummer 0171/1234567","Mobil 12.345.000"],
"es": ["pedido 612345678","factura nº 912 345 678","mi cuenta 0182 1234 5678","llame el 12/10/2024","móvil por 1.299.000 €","DNI 12345678Z"],
"fr": ["commande 06 12 34 56 78","facture n° 0612345678","loto : 06 12 34 45 49","SIRET 123 456 789 00012","le 12.10.2024","téléphone à 1 299 000 €","dossier 01 23 45 67 89"],
"it": ["ordine 3331234567","fattura n. 021234567","conto 0612345678","telefono da 1.299.000 euro","P.IVA 00743110157"],
"pt": ["pedido 11912345678","nota fiscal 912 345 678","CPF 111.444.777-35, telefone","celular por 1.299.000 reais" ,"protocolo 2024 1234 5678"],
"tr": ["sipariş no 5321234567","fatura 0532 123 45 67","TC 10000000146, telefon yok","takip numarası 05321234567"],
"ru": ["заказ № 89161234567","номер заказа 9161234567","счёт 40702810500000000001, тел. нет","ИНН 7707083893, телефон","договор 8-916-123-45-67","в 2024-2025 звонили","накладная 1234567890"],
"ar": ["رقم الطلب 0501234567","الفاتورة رقم 0112345678","حساب ٠٥٠١٢٣٤٥٦٧","بطاقة 1234567890 هاتف"],
"hi": ["ऑर्डर नंबर 9876543210","आधार 2345 6789 0124","खाता संख्या 9876543210 मोबाइल"],
"zh": ["订单号13812345678","快递单号 138-1234-5678","身份证110105194912310021，电话","QQ 12345678","电话2024年1月1日","编号 010-12345678","价格 12345678元 电话","发票号码 12345678"],
"ja": ["注文番号 090-1234-5678","口座番号1234567","電話は2024-01-02","郵便番号 100-0001","会員番号:0312345678","価格 1234567円 電話"],
"ko": ["주문번호 010-1234-5678","계좌번호 110-123-456789","전화 2024-01-02","운송장 번호 1234567890 연락","사업자등록번호 123-45-67890","가격 1234567원 전화"],
}  # fmt: skip


def found(text: str) -> list[str]:
    """Return what is found."""
    return [text[slice(*each.span)] for each in PHONES.detect([Text(text)])[0].findings]


@each_case("text", [text for rows in HITS.values() for text in rows])
def test_numbers_are_found_whole(text: str) -> None:
    """National and international forms, with the words that announce them, in digits of other scripts too."""
    digits = [char for char in text if char.isdecimal()]
    assert max(sum(map(str.isdecimal, each)) for each in found(text)) == len(digits)


@each_case(
    ("text", "whole"),
    [
        ("a phone line (866-488-7386) to call", "866-488-7386"),
        ("a phone line (866-488-7386 to call", "866-488-7386"),
        ("phone (020) 7946 0958", "(020) 7946 0958"),
        ("Telefon (030 901820)", "030 901820"),
        ("Fax (0 30) 90 18 20", "(0 30) 90 18 20"),
        ("81 3 5219 4510 (Fax)", "81 3 5219 4510"),
    ],
)
def test_a_number_is_one_finding(text: str, whole: str) -> None:
    """Brackets around it are none of it, those around its first digits are."""
    assert found(text) == [whole]


@each_case("text", [text for rows in CLEAN.values() for text in rows])
def test_numbers_of_other_kinds_are_not_found(text: str) -> None:
    """Orders, accounts, cards, dates, versions, prices, places, identifiers."""
    assert found(text) == []


PIECES = [
    "tel ",
    "call ",
    "+49 ",
    "0",
    "30",
    "06 12 34 56 78",
    "-",
    "(",
    ") ",
    ".",
    " ",
    "order ",
    "\u96fb\u8a71",
    "090-1234-5678",
    "\u0660\u0665",
    "7",
    ", ",
]


@given(pieces=st.lists(st.sampled_from(PIECES), max_size=30), size=st.integers(1, 7))
def test_a_stream_finds_what_detect_finds(pieces: list[str], size: int) -> None:
    """However the text is cut."""
    text = "".join(pieces)
    stream = PHONES.stream(None)
    known = [each for at in range(0, len(text), size) for each in stream.feed(text[at : at + size]).findings]
    known += stream.flush().findings
    assert {each.span for each in known} == {each.span for each in PHONES.detect([Text(text)])[0].findings}
