"""Names that everybody knows and the shipped model does not: of countries, for which it has no label, and of companies and
programs, which it takes for people. Words that are also first names, surnames or everyday words are left out, as `Jordan` and
`Target`.
"""

from __future__ import annotations

from typing import Final

_COUNTRIES: Final = """
Afghanistan|Albania|Algeria|American Samoa|Andorra|Angola|Anguilla|Antarctica|Antigua and Barbuda|Argentina|Armenia|Aruba|
Australia|Austria|Azerbaijan|Bahamas|Bahrain|Bangladesh|Barbados|Belarus|Belgium|Belize|Benin|Bermuda|Bhutan|Bolivia|
Bosnia and Herzegovina|Bosnia|Botswana|Brazil|British Virgin Islands|Brunei Darussalam|Brunei|Bulgaria|Burkina Faso|Burundi|
Cambodia|Cameroon|Canada|Cape Verde|Cayman Islands|Central African Republic|Chile|Christmas Island|Cocos Islands|Colombia|
Comoros|Congo|Cook Islands|Costa Rica|C\u00f4te d'Ivoire|Cote d'Ivoire|Ivory Coast|Croatia|Cuba|Cura\u00e7ao|Curacao|Cyprus|
Czech Republic|Czechia|Democratic Republic of the Congo|Denmark|Djibouti|Dominican Republic|East Timor|Ecuador|Egypt|
El Salvador|Equatorial Guinea|Eritrea|Estonia|Eswatini|Ethiopia|Falkland Islands|Faroe Islands|Fiji|Finland|French Guiana|
French Polynesia|French Southern Territories|Gabon|Gambia|Germany|Ghana|Gibraltar|Greece|Greenland|Grenada|Guadeloupe|Guam|
Guatemala|Guernsey|Guinea-Bissau|Guinea|Guyana|Haiti|Honduras|Hong Kong|Hungary|Iceland|India|Indonesia|Iran|Iraq|Isle of Man|
Italy|Jamaica|Japan|Kazakhstan|Kenya|Kiribati|Kosovo|Kuwait|Kyrgyzstan|Kyrgyz Republic|Lao People's Democratic Republic|Laos|
Latvia|Lebanon|Lesotho|Liberia|Libya|Libyan Arab Jamahiriya|Liechtenstein|Lithuania|Luxembourg|Macao|Macau|Macedonia|
Madagascar|Malawi|Malaysia|Maldives|Mali|Malta|Marshall Islands|Martinique|Mauritania|Mauritius|Mayotte|Mexico|Micronesia|
Moldova|Monaco|Mongolia|Montenegro|Montserrat|Morocco|Mozambique|Myanmar|Namibia|Nauru|Nepal|Netherlands Antilles|Netherlands|
New Caledonia|New Zealand|Nicaragua|Nigeria|Niger|Niue|Norfolk Island|North Korea|North Macedonia|Northern Ireland|
Northern Mariana Islands|Norway|Oman|Pakistan|Palau|Palestine|Palestinian Territory|Panama|Papua New Guinea|Paraguay|Peru|
Philippines|Pitcairn Islands|Poland|Portugal|Puerto Rico|Qatar|R\u00e9union|Romania|Russian Federation|Russia|Rwanda|
Saint Barth\u00e9lemy|Saint Helena|Saint Kitts and Nevis|Saint Lucia|Saint Martin|Saint Pierre and Miquelon|
Saint Vincent and the Grenadines|Samoa|San Marino|S\u00e3o Tom\u00e9 and Pr\u00edncipe|Sao Tome and Principe|Saudi Arabia|
Senegal|Serbia|Seychelles|Sierra Leone|Singapore|Slovakia|Slovak Republic|Slovenia|Solomon Islands|Somalia|South Africa|
South Korea|South Sudan|Spain|Sri Lanka|Sudan|Suriname|Svalbard|Swaziland|Sweden|Switzerland|Syrian Arab Republic|Syria|
Taiwan|Tajikistan|Tanzania|Thailand|Timor-Leste|Togo|Tokelau|Tonga|Trinidad and Tobago|Tunisia|Turkey|T\u00fcrkiye|
Turkmenistan|Turks and Caicos Islands|Tuvalu|Uganda|Ukraine|United Arab Emirates|United Kingdom|Great Britain|
United States of America|United States Virgin Islands|United States|Uruguay|Uzbekistan|Vanuatu|Vatican City|Venezuela|Vietnam|
Viet Nam|Wallis and Futuna|Western Sahara|Yemen|Zambia|Zimbabwe|England|Scotland|Ireland|France|China|Israel|Holland|USA|
U\\.S\\.A\\.|UAE|Deutschland|\u00d6sterreich|Schweiz|Frankreich|Italien|Spanien|Gro\u00dfbritannien|Niederlande|Polen|Ungarn|
T\u00fcrkei|Vereinigte Staaten|Allemagne|Autriche|Suisse|Espagne|Italie|Royaume-Uni|Pays-Bas|Belgique|\u00c9tats-Unis|
Angleterre|Maroc|Alg\u00e9rie|Tunisie|Espa\u00f1a|Alemania|Francia|Italia|Reino Unido|Estados Unidos|M\u00e9xico|Per\u00fa|
Brasil|Suiza|Marruecos|Germania|Svizzera|Regno Unito|Stati Uniti|Spagna|Alemanha|Espanha|It\u00e1lia|Fran\u00e7a|
Su\u00ed\u00e7a|Nederland|Belgi\u00eb|Duitsland|Frankrijk|Spanje|Itali\u00eb|Sverige|Danmark|Norge|Suomi|Polska|
Magyarorsz\u00e1g|\u010cesko
"""

_COMPANIES: Final = """
Accenture|Adidas|Adobe|Aeroflot|Airbnb|Airbus|Air France|Air Canada|Aldi|AliExpress|Alibaba|Allianz|Amazon|AMD|
American Airlines|American Express|Asda|Asus|AstraZeneca|AT&T|Audi|Aviva|AXA|BASF|Barclays|Bayer|BBC|Best Buy|BlackRock|BMW|
BNP Paribas|Boeing|Booking\\.com|Bosch|British Airways|British Gas|British Telecom|Burger King|Burberry|Cadbury|Capgemini|
Capital One|Carlsberg|Carrefour|Caterpillar|Chase|Chevrolet|Chevron|Chipotle|Cisco|Citibank|Citigroup|Citro\u00ebn|CNN|
Coca-Cola|Colgate|Comcast|Commerzbank|ConocoPhillips|Costco|Cr\u00e9dit Agricole|Credit Suisse|Danone|Decathlon|Deliveroo|
Deloitte|Delta Air Lines|Deutsche Bahn|Deutsche Post|Deutsche Telekom|DHL|Domino's Pizza|DoorDash|Dropbox|Dunkin' Donuts|
Dunkin|DuPont|easyJet|eBay|EasyJet|Edeka|Electrolux|Emirates|Enel|Engie|Ericsson|Ernst & Young|Etsy|Etihad|Eurowings|Expedia|
Experian|ExxonMobil|Facebook|FedEx|Fiat|Foot Locker|Fujitsu|Gazprom|General Electric|General Mills|General Motors|GitHub|
GlaxoSmithKline|Goldman Sachs|Google|Groupon|H&M|Heineken|Hewlett-Packard|Hewlett Packard|Hitachi|Home Depot|HSBC|Huawei|
Hyundai|IBM|Iberia|IKEA|Instagram|Intel|JPMorgan|JPMorgan Chase|Johnson & Johnson|Johnson Controls|Kaufland|Kellogg's|KFC|
Klarna|KLM|KPMG|Kia|Kraft Heinz|Kroger|Lamborghini|LATAM|Lenovo|Leroy Merlin|Lidl|LinkedIn|Lloyds|Lockheed Martin|
L'Or\u00e9al|Louis Vuitton|Lufthansa|Lyft|Maersk|Marks & Spencer|Marks and Spencer|Marriott|Mastercard|Mazda|McDonald's|
McDonalds|McKinsey|Mediamarkt|Mercedes-Benz|Mercedes|Metro-Goldwyn-Mayer|Michelin|Microsoft|Mitsubishi|Monsanto|
Morgan Stanley|Motorola|NatWest|Nestl\u00e9|Nestle|Netflix|Nike|Nintendo|Nissan|Nokia|Northrop Grumman|Novartis|Novo Nordisk|
Nvidia|OpenAI|PayPal|Panasonic|PepsiCo|Pepsi|Peugeot|Pfizer|Philips|Pinterest|Pizza Hut|PlayStation|Porsche|
PricewaterhouseCoopers|Procter & Gamble|PwC|Qantas|Qualcomm|Reddit|Renault|Revolut|Rewe|Roche|Rolls-Royce|Ryanair|Sainsbury's|
Salesforce|Samsung|Sanofi|Santander|SAP|Sears|Siemens|SingTel|Skype|Skoda|\u0160koda|Snapchat|
Soci\u00e9t\u00e9 G\u00e9n\u00e9rale|Sony|Sotheby's|SpaceX|Spotify|Starbucks|Stripe|Subaru|Suzuki|Swarovski|Sysco|
Telef\u00f3nica|Telefonica|Tencent|Tesco|Tesla|Texaco|Texas Instruments|ThyssenKrupp|TikTok|Toshiba|Toyota|Trader Joe's|
Tripadvisor|TripAdvisor|Trivago|T-Mobile|UBS|Uber|Unilever|UniCredit|United Airlines|UnitedHealth|UPS|Verizon|Vodafone|
Volkswagen|Volvo|Waitrose|Walgreens|Walmart|WeChat|Wells Fargo|Wendy's|WhatsApp|Whole Foods|Wikipedia|Wizz Air|Xerox|Xiaomi|
Yahoo|YouTube|Zalando|Zoom|Zurich Insurance
"""

_PROGRAMS: Final = """
Adadelta|AdaGrad|Airflow|Alexa|Android|Angular|Anthropic|Ansible|Bash|BERT|Bitcoin|Bluetooth|Celery|ChatGPT|Chromium|Cortana|
Debian|Discord|Django|Docker|Dockerfile|Drupal|Elasticsearch|Ethereum|Excel|FastAPI|Figma|Firefox|Flask|Gmail|Grafana|GraphQL|
Hadoop|Haskell|Haystack|HTML|iPhone|iPad|JavaScript|Jenkins|Jinja|Jira|JSON|Jupyter|Kafka|Keras|Kotlin|Kubernetes|LaTeX|
LangChain|LangGraph|LangSmith|Linux|LlamaIndex|macOS|Matlab|MATLAB|Matplotlib|Mistral|MongoDB|Mozilla|MySQL|NumPy|Numpy|
Ollama|Outlook|Pandas|Perl|PostgreSQL|PowerPoint|Prometheus|Pydantic|PyTorch|Pytorch|Python|RabbitMQ|Redis|Redux|Scala|
Selenium|Slack|SpaCy|spaCy|SQL|SQLAlchemy|Starlette|Tavily|TensorFlow|Tensorflow|Terraform|TypeScript|Ubuntu|Unix|Uvicorn|
Vercel|Windows|Wolfram|WordPress|YAML|Zapier
"""


def _names(lines: str) -> str:
    """Return an alternation in which longer names come before those that they begin with."""
    return "|".join(
        sorted((each.strip() for each in lines.replace("\n", "").split("|")), key=len, reverse=True)
    )


COUNTRIES: Final = _names(_COUNTRIES)
"""As a part of a regular expression; so are the others."""

COMPANIES: Final = _names(_COMPANIES)

PROGRAMS: Final = _names(_PROGRAMS)

EPONYMS: Final = (
    r"[A-Z][a-z\u00df-\u00ff]+(?:['\u2019]s|-[A-Z][a-z\u00df-\u00ff]+)? "
    r"(?:[Dd]isease|[Ss]yndrome|[Aa]lgorithm|[Tt]heorem|[Ee]quations?)"
)
"""What is called after somebody, and is not somebody."""
