"""Forms of terms: the inflections of ten languages, and no other words."""

# ruff: noqa: RUF001 - these are words of other alphabets

from __future__ import annotations

from guardrails.detectors.terms.inflection_tables import Language
from guardrails.detectors.terms.inflections import LANGUAGES, SHORTEST, inflect_term
from tests.cases import each_case

IN_ANY_LANGUAGE = {
    "kill": "kills killed killing",
    "bully": "bullies bullied bullying",
    "die": "dies died dying",
    "agree": "agrees agreed agreeing",
    "stop": "stops stopped stopping",
    "travel": "travels traveled travelled travelling",
    "bomb": "bombs bombed bombing",
    "bitch": "bitches bitched bitching",
    "stomach": "stomachs",
    "hero": "heroes",
    "photo": "photos",
    "thief": "thieves",
    "knife": "knives",
    "gunman": "gunmen",
    "child": "children",
    "shoot": "shoots shooting shot",
    "steal": "stole stolen stealing",
    "panic": "panicked panicking",
    "VIP": "VIPs",
    "Verräter": "Verrätern Verräters Verräterin Verräterinnen",
    "Idiot": "Idioten Idiots",
    "Mörder": "Mördern Mörderinnen",
    "Drohung": "Drohungen",
    "Waffe": "Waffen",
    "töten": "tötet tötete getötet tötest tötend",
    "idiota": "idiotas",
    "estúpido": "estúpida estúpidos estúpidas",
    "ladrón": "ladrones ladrona",
    "imbécil": "imbéciles",
    "feliz": "felices",
    "estafador": "estafadora estafadores estafadoras",
    "ladrão": "ladrões",
    "stupido": "stupidi stupida stupide",
    "puttana": "puttane",
    "coglione": "coglioni",
    "cheval": "chevaux",
    "menteur": "menteurs menteuse menteuses",
    "paumé": "paumés paumée paumées",
    "убийца": "убийцы убийцу убийцам убийц",
    "глупый": "глупая глупого глупым глупые",
    "убивать": "убивает убивают убивал убивай",
    "изменник": "изменники изменника изменникам",
    "hırsız": "hırsızlar hırsızı",
    "أحمق": "الأحمق والأحمق",
    "قاتلة": "القاتلة قاتلات",
    "लड़का": "लड़के लड़कों",
    "मारना": "मारता मारा मारेगा",
}
"""Term → forms that are found of it with `inflect: true`."""

IN_ONE_LANGUAGE = [
    ("de", "dumm", "dumme dummen dummer dummes dummem"),
    ("de", "idiot", "idioten"),
    ("de", "erschießen", "erschieße erschießt erschießend"),
    ("es", "matar", "mata matas matan matando matado maté mató matarte"),
    ("es", "robar", "roban robaron robado"),
    ("es", "traicion", "traiciones"),
    ("es", "animal", "animales"),
    ("pt", "matar", "mata matou matando matei"),
    ("pt", "animal", "animais"),
    ("pt", "homem", "homens"),
    ("it", "ladro", "ladri ladra"),
    ("it", "amica", "amiche"),
    ("it", "ammazzare", "ammazza ammazzano ammazzato ammazzando"),
    ("fr", "idiot", "idiots idiote idiotes"),
    ("fr", "tuer", "tue tues tuez tuent tué tuée tuera"),
    ("fr", "vendre", "vends vend vendu vendent"),
    ("tr", "aptal", "aptallar aptalsın aptalı"),
    ("tr", "hain", "hainler hainsin"),
    ("tr", "öldürmek", "öldürür öldürdü öldürüyor öldüreceğim"),
    ("tr", "vurmak", "vurdu vuruyor vuracak"),
    ("tr", "kötü", "kötüler kötüsün"),
]
"""Language → term → forms that are found where the language is named."""

OTHER_WORDS = {
    "universe": "university universal",
    "organ": "organize organization organic",
    "general": "generate generic",
    "news": "new",
    "past": "paste pasta pastor pastel",
    "plan": "plane planes planet",
    "numb": "number",
    "butt": "butter button",
    "chick": "chicken",
    "pin": "pine pines",
    "hat": "hate hated hating",
    "car": "care cared caring",
    "star": "stare staring",
    "bar": "bare bared",
    "cut": "cute",
    "sin": "since sing",
    "kin": "king kind",
    "be": "bed bees being",
    "see": "seed",
    "fee": "feed",
    "gum": "gun guns",
    "loser": "lose loses",
    "poker": "poke",
    "motif": "motive",
    "person": "persona",
    "casa": "caso",
    "skill": "kill kills",
    "kill": "skill killer killjoy",
    "ass": "assess asset assassin pass",
    "rape": "grape rapeseed",
    "punto": "punta",
    "puerto": "puerta",
    "pasta": "paste",
    "мат": "матрица математика мать",
    "бит": "битва",
    "قتل": "مقتل",
}
"""Term → words that are none of its forms."""


@each_case(("term", "forms"), IN_ANY_LANGUAGE.items())
def test_forms_are_written_whatever_the_language(term: str, forms: str) -> None:
    """Those whose endings are safe in all languages, or whose language the word itself names."""
    assert set(forms.split()) - {*inflect_term(term)} == set()


@each_case(("language", "term", "forms"), IN_ONE_LANGUAGE)
def test_a_language_that_is_named_gives_all_of_its_endings(language: Language, term: str, forms: str) -> None:
    """Short endings too, which would make words of other languages."""
    assert set(forms.split()) - {*inflect_term(term, [language])} == set()


@each_case(("term", "others"), OTHER_WORDS.items())
def test_other_words_are_no_forms(term: str, others: str) -> None:
    """Words that share a stem or a beginning stay apart."""
    assert {*inflect_term(term)} & set(others.split()) == set()


@each_case(
    ("term", "languages", "forms"),
    [
        ("shooting star", None, ["shooting stars"]),
        ("kill yourself", ["en"], ["kills yourself", "killing yourself", "killed yourself"]),
        ("tarjeta robada", ["es"], ["tarjetas robadas", "tarjetas robada"]),
        ("dummer Idiot", ["de"], ["dummer Idioten"]),
        ("brother-in-law", ["en"], ["brothers-in-law"]),
    ],
)
def test_of_a_phrase_one_word_changes_or_two_neighbours(
    term: str, languages: list[Language] | None, forms: list[str]
) -> None:
    """As in compounds, verbs with an object, and adjectives that agree with their noun."""
    assert set(forms) - {*inflect_term(term, languages)} == set()


@each_case("term", ["at", "42", "C3PO", "机密", "비밀", "秘密", "ゲーム", "…", ""])
def test_what_has_no_forms_has_none(term: str) -> None:
    """Short words, numbers, and scripts in which terms are found within words anyway."""
    assert inflect_term(term) == []


def test_no_form_is_shorter_than_a_word_may_be() -> None:
    """What is left of a short word would be found everywhere."""
    assert "go" not in inflect_term("gore", ["fr"])
    assert (
        min(map(len, (form for term in IN_ANY_LANGUAGE for form in inflect_term(term, LANGUAGES))))
        >= SHORTEST
    )


@each_case("term", [*IN_ANY_LANGUAGE, "shooting star"])
def test_a_term_is_none_of_its_own_forms(term: str) -> None:
    """And no form is written twice."""
    forms = inflect_term(term)
    assert term not in forms
    assert len(set(forms)) == len(forms)
