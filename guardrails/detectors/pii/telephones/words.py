"""Words about numbers in thirteen languages: which announce a telephone number, follow one, or name a number of another kind.

Words are whole and in any case; a blank stands for one sign that separates words. Those that do not begin or end with a letter
or digit of ASCII may be parts of words, as endings are, and as in writing without blanks.
"""

from __future__ import annotations

from typing import Final


def _split(words: str) -> tuple[str, ...]:
    return tuple(words.split("|"))


ANNOUNCE: Final[dict[str, tuple[str, ...]]] = {
    "en": _split(
        "phone|telephone|tel|mobile|cell|cellphone|landline|hotline|helpline|whatsapp|sms|fax|desk|answering|"
        "contact number|direct line|call|dial|text me|text us|ring me|ring us|reach|"
        "my number"
    ),
    "de": _split(
        "telefon|telefonnummer|tel|handy|handynummer|mobil|mobilnummer|festnetz|rufnummer|durchwahl|fax|faxnummer|notruf|"
        "hotline|ruf mich|rufe mich|rufen sie|ruft mich|ruf an|anrufen|anruf|zur\xfcckrufen|r\xfcckruf|erreichbar unter|"
        "erreichst du mich|erreichen sie mich|erreichen sie uns|erreiche ich|meine nummer|meine nr|unter der nummer"
    ),
    "es": _split(
        "tel\xe9fono|telefono|tel\xe9fonos|tel|tfno|tlf|tfn|m\xf3vil|movil|celular|fijo|fax|whatsapp|ll\xe1mame|llamame|"
        "ll\xe1menme|ll\xe1menos|ll\xe1manos|llame al|llamen al|llama al|llamar al|llamando al|mi n\xfamero|"
        "n\xfamero de contacto|cont\xe1ctame|cont\xe1ctenos|escr\xedbeme al"
    ),
    "fr": _split(
        "t\xe9l\xe9phone|telephone|t\xe9l|tel|portable|t\xe9l\xe9copie|fax|fixe|mobile|appelez|appelle moi|"
        "appeler le|appeler au|rappelez moi|rappelle moi|joindre au|joignable au|contactez moi au|contactez nous au|"
        "mon num\xe9ro"
    ),
    "it": _split(
        "telefono|tel|cellulare|cell|fisso|recapito|recapiti|fax|chiamami|chiamatemi|chiamaci|chiamateci|mi chiami|"
        "chiamare il|chiamare al|chiama il|chiami il|contattami|contattaci|il mio numero|numero verde|whatsapp"
    ),
    "pt": _split(
        "telefone|telem\xf3vel|telemovel|tel|celular|fixo|fax|whatsapp|zap|ligue|liga para|ligar para|me liga|liga me|"
        "me ligue|ligue me|contacto|contato|meu n\xfamero|meu numero"
    ),
    "tr": _split(
        "telefon|telefonu|telefonum|telefon numaras\u0131|tel|cep|cebim|gsm|faks|whatsapp|beni ara|beni aray\u0131n|"
        "bizi aray\u0131n|numaram|irtibat|ileti\u015fim"
    ),
    "ru": _split(
        "\u0442\u0435\u043b\u0435\u0444\u043e\u043d|\u0442\u0435\u043b.|\u0442\u0435\u043b:|\u043c\u043e\u0431.|"
        "\u043c\u043e\u0431\u0438\u043b\u044c\u043d|\u0441\u043e\u0442\u043e\u0432|\u0444\u0430\u043a\u0441|"
        "\u0437\u0432\u043e\u043d\u0438|\u043f\u043e\u0437\u0432\u043e\u043d|\u043d\u0430\u0431\u0435\u0440\u0438|"
        "\u043c\u043e\u0439 \u043d\u043e\u043c\u0435\u0440|\u043f\u043e \u043d\u043e\u043c\u0435\u0440\u0443|"
        "\u0432\u043e\u0442\u0441\u0430\u043f|\u0432\u0430\u0442\u0441\u0430\u043f"
    ),
    "ar": _split(
        "\u0647\u0627\u062a\u0641|\u062c\u0648\u0627\u0644|\u0645\u0648\u0628\u0627\u064a\u0644|"
        "\u0645\u062d\u0645\u0648\u0644|\u062a\u0644\u0641\u0648\u0646|\u062a\u0644\u064a\u0641\u0648\u0646|"
        "\u0641\u0627\u0643\u0633|\u0648\u0627\u062a\u0633\u0627\u0628|\u0648\u0627\u062a\u0633 \u0627\u0628|"
        "\u0627\u062a\u0635\u0644|\u0627\u0644\u0627\u062a\u0635\u0627\u0644|\u0644\u0644\u062a\u0648\u0627\u0635\u0644|"
        "\u0631\u0642\u0645\u064a"
    ),
    "hi": _split(
        "\u092b\u093c\u094b\u0928|\u092b\u094b\u0928|\u095e\u094b\u0928|\u092e\u094b\u092c\u093e\u0907\u0932|"
        "\u0926\u0942\u0930\u092d\u093e\u0937|\u0915\u0949\u0932|\u0935\u094d\u0939\u093e\u091f\u094d\u0938\u090f\u092a|"
        "\u0935\u094d\u0939\u093e\u091f\u094d\u0938\u0910\u092a|\u0938\u0902\u092a\u0930\u094d\u0915|"
        "\u092e\u0947\u0930\u093e \u0928\u0902\u092c\u0930|\u092e\u0947\u0930\u093e \u0928\u092e\u094d\u092c\u0930"
    ),
    "zh": _split(
        "\u7535\u8bdd|\u96fb\u8a71|\u624b\u673a|\u624b\u6a5f|\u5ea7\u673a|\u56fa\u8bdd|\u4f20\u771f|\u50b3\u771f|"
        "\u81f4\u7535|\u81f4\u96fb|\u62e8\u6253|\u64a5\u6253|\u6253\u7ed9|\u6765\u7535|\u70ed\u7ebf|\u71b1\u7dda|"
        "\u8054\u7cfb\u65b9\u5f0f|\u806f\u7d61\u65b9\u5f0f|\u6211\u7684\u53f7\u7801"
    ),
    "ja": _split(
        "\u96fb\u8a71|\u643a\u5e2f|\u30b1\u30fc\u30bf\u30a4|\u30b9\u30de\u30db|\u9023\u7d61\u5148|\u3054\u9023\u7d61|"
        "\u30d5\u30a1\u30c3\u30af\u30b9|\u30d5\u30a1\u30af\u30b9|\u76f4\u901a|\u30d5\u30ea\u30fc\u30c0\u30a4\u30e4\u30eb|"
        "tel|fax"
    ),
    "ko": _split(
        "\uc804\ud654|\ud734\ub300\ud3f0|\ud578\ub4dc\ud3f0|\ud734\ub300\uc804\ud654|\uc5f0\ub77d\ucc98|\uc5f0\ub77d|"
        "\ud329\uc2a4|\ub300\ud45c\ubc88\ud638|\uc9c1\ud1b5| \ub0b4 \ubc88\ud638| \uc81c \ubc88\ud638"
    ),
    "others": _split("telefoon|mobiel|puhelin|puhelinnumero|tlf|tfn|komorka|mobilnr|telefonnr"),
}
"""Language → the words that announce a number within forty characters."""

FOLLOW: Final[dict[str, tuple[str, ...]]] = {
    "en": (
        "[,(\\-]? ?(?:[Oo]ffice|[Ff]ax|[Mm]obile|[Cc]ell)\\b",
        " \\(?(?:[Oo]ffice|[Ff]ax|[Mm]obile|[Cc]ell)\\b",
        " is my (?:[a-z]{1,10} )?(?:number|phone|cell|mobile)\\b",
    ),
    "de": (
        " (?:an|zur\xfcck)rufen\\b",
        " erreichbar\\b",
        " zu erreichen\\b",
        " ist meine [A-Za-z]{0,10}[Nn]ummer\\b",
    ),
    "tr": (
        "['\u2019]?(?:d[ea]n|t[ea]n|[yn]?[\u0131iu\xfc]) (?:(?:beni|bizi|bana) )?(?:ara|ula\u015f)",
        " numaral\u0131 telefon",
        " numaras\u0131n(?:dan|\u0131) (?:(?:beni|bizi|bana) )?(?:ara|ula\u015f)",
    ),
    "hi": (
        " ?\u092a\u0930 (?:\u0915\u0949\u0932|\u092b\u093c?\u094b\u0928|\u0938\u0902\u092a\u0930\u094d\u0915|"
        "\u092e\u0948\u0938\u0947\u091c|\u0935\u094d\u0939\u093e\u091f\u094d\u0938)",
    ),
    "zh": (
        " ?\u662f\u6211\u7684(?:\u53f7\u7801|\u865f\u78bc|\u624b\u673a|\u624b\u6a5f|\u7535\u8bdd|\u96fb\u8a71)",
        " ?[\u8fd9\u9019][\u4e2a\u500b]?\u53f7",
    ),
    "ja": (
        " ?(?:\u307e\u3067\u306b?|\u306b|\u3078)\u3001?[\u304a\u3054]?(?:\u96fb\u8a71|\u9023\u7d61|\u304b\u3051|TEL)",
    ),
    "ko": (
        " ?(?:\uc73c\ub85c|\ub85c|\ubc88\uc73c\ub85c) ?(?:\uc804\ud654|\uc5f0\ub77d|\ubb38\uc790|\ubb38\uc758)",
    ),
}
"""Language → patterns of what follows a number and tells that it is one to call."""

EXTENSION: Final = (
    "(?: ?[,;\\-]? ?(?:x|X|[Ee]xt\\.?|extension|#|poste|int\\.|interno|ramal|anexo|DW|Durchwahl|Apparat|dahili|"
    "\u0434\u043e\u0431\\.?|\u062a\u062d\u0648\u064a\u0644\u0629|[\u8f6c\u8f49]|\u5206[\u673a\u6a5f]|[\u5185\u5167]\u7dda|"
    "\ub0b4\uc120) ?\\d{1,6})?"
)
"""What may stand behind a number: an extension."""

NAMED: Final[dict[str, tuple[str, ...]]] = {
    "en": _split(
        "order|orders|purchase order|invoice|customer|client|account|acct|iban|bic|isbn|issn|ean|upc|sku|asin|ticket|"
        "case no|case number|reference|ref|tracking|shipment|parcel|serial|model|version|build|release|article|booking|"
        "reservation|contract|policy|passport|ssn|vat|tax|transaction|payment|receipt|confirmation|id|ids|uid|uuid|pid|zip|"
        "employee|student|patient|member|timestamp|epoch|population|latitude|longitude|lat|lon|lng|doi|card|visa|mastercard|"
        "part no|part number|docket|patent|routing|social security|license|licence|imei|vin|nhs|rfc|issue|aviv"
    ),
    "de": _split(
        "bestellung|bestellnummer|bestellnr|bestell-nr|auftrag|auftragsnummer|auftragsnr|rechnung|rechnungsnummer|"
        "rechnungsnr|rechnungs-nr|kunde|kundennummer|kundennr|kunden-nr|konto|kontonummer|konto-nr|kartennummer|karte|"
        "vertrag|vertragsnummer|vorgang|vorgangsnummer|aktenzeichen|artikel|artikelnummer|artikel-nr|seriennummer|sendung|"
        "sendungsnummer|ticketnummer|buchung|buchungsnummer|buchungscode|steuernummer|mitgliedsnummer|personalnummer|"
        "matrikelnummer|referenz|referenznummer|versicherungsnummer|police|fallnummer|zeichen|plz"
    ),
    "es": _split(
        "pedido|orden|factura|cliente|cuenta|tarjeta|contrato|referencia|expediente|seguimiento|env\xedo|albar\xe1n|reserva|"
        "p\xf3liza|dni|nif|nie|rut|art\xedculo|serie|recibo|caso"
    ),
    "fr": _split(
        "commande|facture|client|compte|carte|contrat|r\xe9f\xe9rence|dossier|suivi|colis|r\xe9servation|siret|siren|"
        "article|s\xe9rie|police|s\xe9curit\xe9 sociale|re\xe7u|billet|tirage|loto"
    ),
    "it": _split(
        "ordine|fattura|cliente|conto|carta|contratto|riferimento|pratica|spedizione|prenotazione|polizza|partita iva|p.iva|"
        "articolo|serie|ricevuta|biglietto|matricola"
    ),
    "pt": _split(
        "pedido|encomenda|fatura|factura|cliente|conta|cart\xe3o|contrato|refer\xeancia|protocolo|rastreio|rastreamento|"
        "reserva|ap\xf3lice|nif|cpf|cnpj|artigo|s\xe9rie|recibo|nota fiscal"
    ),
    "tr": _split(
        "sipari\u015f|fatura|m\xfc\u015fteri|hesap|kart|takip|kargo|sicil|kimlik|\xfcr\xfcn|referans|rezervasyon|dosya|"
        "abone|tc|seri|poli\xe7e|s\xf6zle\u015fme"
    ),
    "ru": _split(
        "\u0437\u0430\u043a\u0430\u0437|\u0441\u0447\u0435\u0442|\u0441\u0447\u0451\u0442|\u043a\u0430\u0440\u0442|"
        "\u0434\u043e\u0433\u043e\u0432\u043e\u0440|\u043a\u043b\u0438\u0435\u043d\u0442|\u0438\u043d\u043d|"
        "\u043a\u043f\u043f|\u043e\u0433\u0440\u043d|\u0441\u043d\u0438\u043b\u0441|\u0431\u0438\u043a|"
        "\u0442\u0440\u0435\u043a|\u043d\u0430\u043a\u043b\u0430\u0434\u043d|\u0430\u0440\u0442\u0438\u043a\u0443\u043b|"
        "\u043f\u043e\u043b\u0438\u0441|\u043f\u0430\u0441\u043f\u043e\u0440\u0442|\u0431\u0438\u043b\u0435\u0442|"
        "\u0437\u0430\u044f\u0432\u043a|\u0431\u0440\u043e\u043d\u0438|\u0434\u0435\u043b\u043e|"
        "\u0438\u043d\u0434\u0435\u043a\u0441"
    ),
    "ar": _split(
        "\u0637\u0644\u0628|\u0627\u0644\u0637\u0644\u0628|\u0641\u0627\u062a\u0648\u0631\u0629|"
        "\u0627\u0644\u0641\u0627\u062a\u0648\u0631\u0629|\u062d\u0633\u0627\u0628|\u0627\u0644\u062d\u0633\u0627\u0628|"
        "\u0628\u0637\u0627\u0642\u0629|\u0627\u0644\u0628\u0637\u0627\u0642\u0629|\u062a\u0630\u0643\u0631\u0629|"
        "\u0627\u0644\u062a\u0630\u0643\u0631\u0629|\u0634\u062d\u0646\u0629|\u0627\u0644\u0634\u062d\u0646\u0629|"
        "\u0645\u0631\u062c\u0639|\u0627\u0644\u0645\u0631\u062c\u0639|\u0627\u0644\u0639\u0645\u064a\u0644|"
        "\u0627\u0644\u062a\u062a\u0628\u0639|\u0627\u0644\u062d\u062c\u0632|\u0627\u0644\u0639\u0642\u062f"
    ),
    "hi": _split(
        "\u0911\u0930\u094d\u0921\u0930|\u0906\u0926\u0947\u0936|\u0916\u093e\u0924\u093e|\u0916\u093e\u0924\u0947|"
        "\u0907\u0928\u0935\u0949\u0907\u0938|\u0906\u0927\u093e\u0930|\u092a\u093f\u0928|\u0915\u093e\u0930\u094d\u0921|"
        "\u091f\u093f\u0915\u091f|\u0917\u094d\u0930\u093e\u0939\u0915|\u092c\u0941\u0915\u093f\u0902\u0917"
    ),
    "zh": _split(
        "\u8ba2\u5355|\u8a02\u55ae|\u7f16\u53f7|\u7de8\u865f|\u5355\u53f7|\u55ae\u865f|\u8eab\u4efd\u8bc1|"
        "\u8eab\u5206\u8b49|\u94f6\u884c\u5361|\u5361\u53f7|\u8d26\u53f7|\u5e10\u53f7|\u5e33\u865f|\u53d1\u7968|"
        "\u767c\u7968|\u5408\u540c|\u90ae\u7f16|\u5de5\u53f7|\u5b66\u53f7|\u5e8f\u5217\u53f7|qq|\u5ba2\u6237\u53f7"
    ),
    "ja": _split(
        "\u6ce8\u6587|\u4f1a\u54e1|\u53e3\u5ea7|\u90f5\u4fbf|\u4f1d\u7968|\u8ffd\u8de1|\u54c1\u756a|\u578b\u756a|"
        "\u7ba1\u7406|\u304a\u5ba2\u69d8|\u9867\u5ba2|\u4e88\u7d04|\u5951\u7d04|\u8acb\u6c42\u66f8|\u30ab\u30fc\u30c9|"
        "\u793e\u54e1"
    ),
    "ko": _split(
        "\uc8fc\ubb38|\uacc4\uc88c|\uc1a1\uc7a5|\uc6b4\uc1a1\uc7a5|\uce74\ub4dc|\uc0ac\uc5c5\uc790|\ud68c\uc6d0|"
        "\uace0\uac1d|\uc6b0\ud3b8|\uc608\uc57d|\uc811\uc218|\uad00\ub9ac|\uc815\ucc45|\uacc4\uc57d|\uc0ac\ubc88"
    ),
}
"""Language → the words that name a number of another kind, which stand right before it."""

KINDS: Final = _split(
    "number|numbers|no|nr|num|num.|nummer|num\xe9ro|n\xfamero|numero|numaras\u0131|code|id|ids|"
    "\u043d\u043e\u043c\u0435\u0440|\u2116|n\xb0|n\xba|\u53f7\u7801|\u53f7|\u865f\u78bc|\u865f|\u756a\u53f7|\ubc88\ud638|"
    "\u0928\u0902\u092c\u0930|\u0938\u0902\u0916\u094d\u092f\u093e|\u0631\u0642\u0645"
)
"""Words for "number" between a name and the number."""
