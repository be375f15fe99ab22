"""What a classifier that was validated on some languages leaves `unchecked: language`: see `language.py --unchecked`."""

from __future__ import annotations

import gzip
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from guardrails.detectors.language.foreign_text import weigh_language
from guardrails.detectors.language.identification import choose_language
from guardrails.detectors.language.prose_words import count_letters, without_noise
from measure import table

LANGUAGES: Final = "en,de,fr,es,it,pt,tr,ru,ar,hi,zh,ja,ko"

SETS: Final = (
    "multiq", "lobe_questions", "marco_mif", "home_assistant", "rtp_lx_benign", "xcopa", "vicuna_multi", "m_ifeval",
    "interview_questions",
)  # fmt: skip
"""Texts with a language; few are marked with a wrong one."""

LONGER: Final = ("docs_multi", "humaneval_xl", "rtp_lx_completions", "rtp_lx_prompts", "framework_prompts")
"""Texts with much English, code or names between the words of a language, read whole alone."""

ENGLISH: Final = (
    "banking77", "clinc_oos", "massive_en", "snips_nlu", "nlupp", "webquestions", "strategyqa", "hh_online_prompts", "enron_mail",
    "prism_prompts", "code_docs", "tau_bench", "framework_prompts", "gsm8k", "bbh", "medquad", "wiki_context_toxicity",
    "paradetox",
)  # fmt: skip

CUTS: Final = (12, 20, 32, 60)
MOST: Final = 400
CLASSES: Final = ((0, "1 to 11"), (12, "12 to 19"), (20, "20 to 39"), (40, "40 to 79"), (80, "80 and more"))

SAME: Final = {"zh-Hant": "zh", "yue": "zh", "nb": "no", "fil": "tl", "sr-Latn": "sr"}
"""Marks of the data -> codes."""

PROGRAMS: Final = {
    "Python": ".py",
    "C": ".h",
    "JavaScript": ".js",
    "JSON": ".json",
    "SQL": ".sql",
    "Perl": ".pm",
}
LOCALES: Final = (
    "en_US", "de_DE", "fr_FR", "es_ES", "it_IT", "pt_BR", "tr_TR", "nl_NL", "pl_PL", "sv_SE", "cs_CZ", "hu_HU", "fi_FI", "da_DK",
    "ro_RO", "vi_VN", "sk_SK", "sl_SI", "lt_LT",
)  # fmt: skip
TRANSLATED: Final = re.compile("locale|i18n|nls|/lang/|translat", re.IGNORECASE)
"""Files of programs that are in other languages."""
COMMANDS: Final = re.compile(r"```(?:bash|sh|console|shell)\n(.*?)```", re.DOTALL)


def rows(data: Path, name: str) -> Iterator[tuple[str, str]]:
    """Yield the language and text of each row of a set; leave with the cure where it is missing."""
    path = data / "dev" / f"{name}.jsonl.gz"
    if not path.is_file():
        sys.exit(f"{path} is missing: give the folder of the labelled texts by --data or GUARDRAILS_DATA")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            yield SAME.get(row["lang"], row["lang"]), row["text"]


def shorten(text: str) -> str:
    """The beginning of a text, up to a blank."""
    return text if len(text) <= MOST else text[:MOST].rpartition(" ")[0] or text[:MOST]


def first_words(text: str, letters: int) -> str:
    """The first words of a text with up to so many letters, or of one without blanks the first characters."""
    end = count = 0
    for word in re.finditer(r"\S+\s*", text):
        count += count_letters(word[0])
        if count > letters and end:
            break
        end = word.end()
        if count > letters:
            return text[: letters // 2]
    return text[:end].strip()


def labelled(data: Path) -> list[tuple[str, str]]:
    """Every text with its language, whole and cut, each once."""
    found: dict[tuple[str, str], None] = {}
    for name in SETS:
        for code, text in rows(data, name):
            whole = shorten(text)
            found.update(((code, each), None) for each in (whole, *(first_words(whole, cut) for cut in CUTS)))
    return [each for each in found if each[1]]


def letters_class(text: str) -> str:
    """The class of a text by its letters."""
    letters = count_letters(without_noise(text))
    return next(name for least, name in reversed(CLASSES) if letters >= least)


def program_texts() -> Iterator[tuple[str, str]]:
    """Yield lines of programs that are installed, and lines of commands."""
    chance = random.Random(7)
    folders = (Path(json.__file__).parents[1], Path("/usr/include"), Path("/usr/share"))
    for kind, ending in PROGRAMS.items():
        found = sorted(path for folder in folders for path in folder.rglob(f"*{ending}"))
        files = [path for path in found if path.is_file() and not TRANSLATED.search(str(path))]
        for path in chance.sample(files, min(300, len(files))):
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            for size in (1, 2, 4, 8):
                at = chance.randrange(max(1, len(lines) - size))
                yield f"code: {kind}", "\n".join(lines[at : at + size])[:MOST]
    for page in Path(__file__).parents[1].rglob("*.md"):
        for block in COMMANDS.findall(page.read_text(encoding="utf-8")):
            yield from (("commands", line) for line in block.splitlines())


def named_texts() -> Iterator[tuple[str, str]]:
    """Yield names, addresses and lines of logs."""
    from faker import Faker

    Faker.seed(5)
    for locale in LOCALES:
        make = Faker(locale)
        for _ in range(40):
            yield "names", make.name()
            yield "lists of names", ", ".join(make.name() for _ in range(4))
            yield "names in English", f"My name is {make.name()} and I live in {make.city()}."
            yield "names in small letters", make.name().lower()
            yield "addresses", make.address()
            person = {"name": make.name(), "city": make.city(), "email": make.email()}
            yield "JSON of people", json.dumps(person, ensure_ascii=False)
    make = Faker("en_US")
    for _ in range(400):
        yield (
            "logs",
            f'{make.ipv4()} - - [{make.date()}] "GET /{make.uri_path()} HTTP/1.1" 200 "{make.user_agent()}"',
        )
        yield "logs", f"{make.date_time()} INFO [{make.word()}.{make.word()}] {make.md5()} {make.sentence(5)}"


def english_texts(data: Path) -> Iterator[tuple[str, str]]:
    """Yield English texts, whole and a few words from anywhere."""
    chance = random.Random(11)
    for name in ENGLISH:
        texts = [text for code, text in rows(data, name) if code == "en"]
        for text in chance.sample(texts, min(500, len(texts))):
            yield "English", shorten(text)
            words = text.split()
            for size in (2, 3, 5, 8):
                if len(words) > size:
                    at = chance.randrange(len(words) - size)
                    yield "English, 2 to 8 words", " ".join(words[at : at + size])


def percent(part: int, whole: int) -> str:
    """A share in percent."""
    return f"{100 * part / (whole or 1):.2f}"


def fit_rows(found: Sequence[tuple[str, str]], languages: frozenset[str]) -> Iterator[dict[str, object]]:
    """Yield a row for each class of texts by their letters."""
    fits: dict[str, Counter[tuple[bool, str]]] = {name: Counter() for _, name in CLASSES}
    chosen: dict[str, Counter[str]] = {name: Counter() for _, name in CLASSES}
    for code, text in found:
        name, own = letters_class(text), code in languages
        fits[name][own, weigh_language(text, languages)] += 1
        if own:
            said = choose_language(text, languages)
            chosen[name]["right" if said == code else "wrong" if said else "none"] += 1
    for name, counts in fits.items():
        own, others = (
            sum(counts[side, fit] for fit in ("own", "foreign", "unclear")) for side in (True, False)
        )
        yield {
            "letters": name,
            "validated": own,
            "wrong %": percent(counts[True, "foreign"], own),
            "unclear %": percent(counts[True, "unclear"], own),
            "others": others,
            "caught %": percent(counts[False, "foreign"], others),
            "unclear  %": percent(counts[False, "unclear"], others),
            "message right %": percent(chosen[name]["right"], own),
            "message wrong %": percent(chosen[name]["wrong"], own),
        }


def language_rows(found: Sequence[tuple[str, str]], languages: frozenset[str]) -> Iterator[dict[str, object]]:
    """Yield a row for each other language of which there are enough texts: the share that is caught, by letters."""
    counts: Counter[tuple[str, str, bool]] = Counter()
    for code, text in found:
        if code not in languages:
            counts[code, letters_class(text), weigh_language(text, languages) == "foreign"] += 1
    for code in sorted({code for code, _, _ in counts}):
        whole = {name: counts[code, name, True] + counts[code, name, False] for _, name in CLASSES}
        if sum(whole.values()) >= 100:
            shares = {
                name: percent(counts[code, name, True], number) for name, number in whole.items() if number
            }
            yield {
                "language": code,
                "texts": sum(whole.values()),
                **{name: shares.get(name, "") for _, name in CLASSES},
            }


def calm_rows(found: Iterator[tuple[str, str]], languages: frozenset[str]) -> Iterator[dict[str, object]]:
    """Yield a row for each kind of text that is to stay calm: the share that is taken for foreign."""
    counts: Counter[tuple[str, bool]] = Counter()
    for kind, text in dict.fromkeys(found):
        if text.strip():
            counts[kind, weigh_language(text, languages) == "foreign"] += 1
    for kind in sorted({kind for kind, _ in counts}):
        number = counts[kind, True] + counts[kind, False]
        yield {"kind": kind, "texts": number, "wrong %": percent(counts[kind, True], number)}


def longer_rows(data: Path, languages: frozenset[str]) -> Iterator[dict[str, object]]:
    """Yield a row for each set of longer texts."""
    for name in LONGER:
        counts: Counter[tuple[bool, bool]] = Counter()
        for code, text in rows(data, name):
            counts[code in languages, weigh_language(shorten(text), languages) == "foreign"] += 1
        own, others = (counts[side, True] + counts[side, False] for side in (True, False))
        yield {
            "set": name,
            "validated": own,
            "wrong %": percent(counts[True, True], own),
            "others": others,
            "caught %": percent(counts[False, True], others),
        }


def report(data: Path, languages: frozenset[str]) -> str:
    """The tables: by letters, by language, by longer texts, and of what is to stay calm."""
    found = labelled(data)
    calm = [*english_texts(data), *program_texts(), *named_texts()]
    return "\n\n".join(
        (
            f"validated: {', '.join(sorted(languages))}",
            table([*fit_rows(found, languages)]),
            table([*language_rows(found, languages)]),
            table([*longer_rows(data, languages)]),
            table([*calm_rows(iter(calm), languages)]),
        )
    )
