"""What a message says to write is right: in the place of the mistake it makes a policy that loads without a problem."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails.errors import PolicyError, PolicyErrors
from guardrails.policy.compile import compile_policy
from guardrails.policy.loading.load import load
from tests.cases import each_case

HEAD = """\
format: 1
name: t
detectors:
  w: {use: terms, terms: [foo], category: hate}
  v: {use: terms, terms: [bar], category: toxic}
  p: {use: pii}
"""
RULES = "rules:\n  - {id: q, on: output, when: toxic > 0.5, then: block}\n"

PLACES = {
    "when": HEAD + "rules:\n  - id: r\n    on: input\n    when: {}\n    then: block\n",
    "not": HEAD + "rules:\n  - id: r\n    on: input\n    when: |-\n      {}\n    then: block\n",
    "rule": HEAD + "rules:\n  - id: r\n    on: input\n    when: hate > 0.5\n    then: block\n    {}\n",
    "id": HEAD + "rules:\n  - on: input\n    when: hate > 0.5\n    then: block\n    {}\n",
    "on": HEAD + "rules:\n  - id: r\n    {}\n    when: hate > 0.5\n    then: block\n",
    "if": HEAD + "rules:\n  - id: r\n    on: input\n    {}\n    then: block\n",
    "then": HEAD + "rules:\n  - id: r\n    on: input\n    when: hate > 0.5\n    {}\n",
    "detector": HEAD + "  {}\n" + RULES,
    "top": HEAD + RULES + "{}\n",
    "test": HEAD + RULES + "tests:\n  {}\n",
    "exception": HEAD + RULES + "exceptions:\n  {}\n",
    "based": "format: 1\nname: t\nextends: [pii-only]\n{}\n",
}
"""Policies in which a line is left out."""

CURES = [
    # conditions
    ("not", "«§NOT hate >= 0.8»", "!(hate >= 0.8)"),
    ("when", "«hate >= §0,8»", "hate >= 0.8"),
    ("when", "«hate §=> 0.8»", "hate >= 0.8"),
    ("when", "«hate§\u00a0>= 0.8»", "hate >= 0.8"),
    ("when", "«hate > 0.8 && request.user.tier §in ('a', 'b')»", "hate > 0.8 && request.user.tier in ['a', 'b']"),
    ("when", "«hate > 0.8 && request.user.tier == §“staff”»", 'hate > 0.8 && request.user.tier == "staff"'),
    ("when", "hate > 0.8 && «user.tier» == 'x'", "request.user.tier"),
    ("when", "hate > 0.8 && «has(§user.tier)»", "has(request.user.tier)"),
    ("when", "hate > 0.8 && «request.user.tier == §staff»", 'request.user.tier == "staff"'),
    ("when", "hate > 0.8 && «request.user.tier == §3»", 'request.user.tier == "3"'),
    ("when", "«hate >= §85 %»", "hate >= 0.85"),
    ("when", "hate >= «80»", "0.8"),
    ("when", "«hate >= 0.8§, toxic >= 0.5»", "hate >= 0.8 && toxic >= 0.5"),
    ("when", "«hate BETWEEN 0.5 AND 0.8»", "(hate >= 0.5 && hate <= 0.8)"),
    ("when", "«AND(hate > 0.8; toxic > 0.8)»", "(hate > 0.8 && toxic > 0.8)"),
    ("when", "«IF(hate > 0.8, block, allow)»", "hate > 0.8"),
    ("when", "«max(hate, toxic) >= 0.8»", "(hate >= 0.8 || toxic >= 0.8)"),
    ("when", "«hate §and toxic > 0.8»", "hate > 0.8 && toxic > 0.8"),
    ("when", "«hate §|| toxic >= 0.8»", "hate >= 0.8 || toxic >= 0.8"),
    ("when", "«0.5 < hate §< 0.8»", "(0.5 < hate && hate < 0.8)"),
    ("when", "«hate >= 0.8 §-> block»", "hate >= 0.8"),
    ("when", "«hate > 0.8 && §request.user.tier is None»", "hate > 0.8 && !has(request.user.tier)"),
    ("when", "«hate > 0.8 && §request.model LIKE 'gpt%'»", "hate > 0.8 && request.model.contains('gpt')"),
    ("when", "«hate >=§»", "hate >= 0.8"),
    ("when", "«hate >= 0.8 &&§»", "hate >= 0.8"),
    ("when", "«(hate >= 0.8§»", "(hate >= 0.8)"),
    ("when", "«hate >= 0.8§)»", "hate >= 0.8"),
    ("when", "«hate §0.8»", "hate >= 0.8"),
    ("when", "«§if hate >= 0.8»", "hate >= 0.8"),
    ("when", "«hate-speech» >= 0.8", "hate"),
    ("when", "«toxicity» >= 0.8", "toxic"),
    ("when", "«pii.e-mail» > 0", "pii.email"),
    ("when", "«w» > 0", "hate"),
    # fields and their values
    ("then", "«action»: block", "then"),
    ("if", "«if»: hate > 0.5", "when"),
    ("on", "«stage»: input", "on"),
    ("id", "«name»: r", "id"),
    ("then", "«then: §deny»", "then: block"),
    ("then", "«then: §mask»", "then: redact"),
    ("then", "«then: §escalate»", "then: flag"),
    ("then", "«then: §[flag, block]»", "then: block"),
    ("on", "«on: §prompt»", "on: input"),
    ("on", "«on: §both»", "on: [input, output]"),
    ("on", "on: «input, output»", "[input, output]"),
    ("on", "on: «-input -output»", "[input, output]"),
    ("on", "«on: §true»", "on: input"),
    ("rule", "«mode: §dry-run»", "mode: shadow"),
    ("rule", "«severity: §hoch»", "severity: high"),
    ("rule", "«on_error: §ignore»", "on_error: allow"),
    ("rule", "tags: «owasp»", "[owasp]"),
    ("if", "«when: §0.8»", "when: hate >= 0.8"),
    ("if", "«when: §[hate >= 0.8, toxic >= 0.8]»", "when: hate >= 0.8 && toxic >= 0.8"),
    ("if", "«when: §{category: hate, threshold: 0.8}»", "when: hate >= 0.8"),
    ("if", "«when: §{hate: 0.8}»", "when: hate >= 0.8"),
    ("rule", "«message: §[No., Nein.]»", "message: {en: No., de: Nein.}"),
    ("rule", "message: {«en:No.§»}", "en: No."),
    ("id", "id: «Hate Block»", "hate-block"),
    ("id", "id: «größe»", "grosse"),
    # lines that YAML cannot read
    ("on", "«on§ input»", "on: input"),
    ("rule", "«message:§Sorry»", "message: Sorry"),
    ("rule", "«message: §Sorry: not that.»", 'message: "Sorry: not that."'),
    ("rule", "«message: §@bank says no»", 'message: "@bank says no"'),
    ("rule", "«message: §*No*»", 'message: "*No*"'),
    ("rule", "«message: §[Blocked] no»", 'message: "[Blocked] no"'),
    ("rule", "«message: §'I can't help.'»", 'message: "I can\'t help."'),
    ("rule", "«message: {en: 'I can§'t say', de: Nein.}»", """message: {en: "I can't say", de: Nein.}"""),
    ("rule", "«message: {en: Not yet.§ de: Nein.}»", "message: {en: Not yet., de: Nein.}"),
    ("rule", '«message: {en: "Not: yet."§ de: Nein.}»', 'message: {en: "Not: yet.", de: Nein.}'),
    ("rule", "«message: §\"No\" is \"no\"»", """message: '"No" is "no"'"""),
    ("rule", "«message: §\"No\" and no»", "message: '\"No\" and no'"),
    ("on", '«description: §"I cannot help»\n    on: input', 'description: "I cannot help"'),
    ("on", "«on: §[input, output»", "on: [input, output]"),
    ("if", "when: «!has(request.user.tier)»", '"!has(request.user.tier)"'),
    ("detector", "«x: {use: patterns, patterns: [§\"\\d\"]}»", "x: {use: patterns, patterns: ['\\d']}"),
    ("detector", "«x: §{use: terms, terms: [foo]»", "x: {use: terms, terms: [foo]}"),
    ("detector", "x: {use: terms, terms: [a], score: «0,8»}", "0.8"),
    ("test", "«- {input: §Note: hello, expect: {action: allow}}»", '- {input: "Note: hello", expect: {action: allow}}'),
    ("test", "- {«input: hello, §friend», expect: {action: allow}}", 'input: "hello, friend"'),
    ("top", "limits: {characters: «200,000»}", "200000"),
    # detectors
    ("detector", "x: {«use: §keywords», terms: [a]}", "use: terms"),
    ("detector", "x: {«use: §regex», patterns: ['a']}", "use: patterns"),
    ("detector", "x: {«type»: terms, terms: [a]}", "use"),
    ("detector", "x: {use: terms, «words»: [a]}", "terms"),
    ("detector", "x: {use: terms, terms: «'foo, bar'»}", "[foo, bar]"),
    ("detector", "x: {use: patterns, patterns: «'a{1,3}'»}", "['a{1,3}']"),
    ("detector", "x: {use: terms, terms: [a], «case: §sensitive»}", "case: exact"),
    ("detector", "x: {use: terms, terms: [a], «score: §80»}", "score: 0.8"),
    ("detector", "x: {use: terms, terms: [a], category: «bombs»}", "custom.bombs"),
    ("detector", "x: {use: pii, entities: [«EMAIL_ADDRESS»]}", "email"),
    ("detector", "x: {use: pii, entities: [«IBAN»]}", "iban"),
    # sections
    ("top", "limits: {characters: «200_000»}", "200000"),
    ("top", "limits: {deadline_ms: «10s»}", "10000"),
    ("top", "«limits: §200000»", "limits: {characters: 200000}"),
    ("top", "«limits:§»", "limits: {characters: 200000}"),
    ("top", "«unchecked: §block»", "unchecked: {language: block}"),
    ("top", "unchecked: {«language: §ignore»}", "language: allow"),
    ("top", "«history: §keep»", "history: remove"),
    ("top", "«tools: §[web_search]»", "tools: {allow: [{name: web_search}]}"),
    ("top", "parallel: «no»", "false"),
    ("based", "«disable: §pii.redact»", "disable: [pii.redact]"),
    ("based", "«override:\n  §pii.redact: {mode: shadow}»", "override: {rules: [{id: pii.redact, mode: shadow}]}"),
    ("based", "«override: §[pii.redact]»", "override: {rules: [{id: pii.redact, mode: shadow}]}"),
    ("based", "«rules: [{id: §pii.redact, mode: shadow}]»", "override: {rules: [{id: pii.redact, mode: shadow}]}"),
    ("based", "«rules: [§{override: pii.redact, mode: shadow}]»", "override: {rules: [{id: pii.redact, mode: shadow}]}"),
    # tests and exceptions
    ("test", "- {input: hello, «expect: §allow»}", "expect: {action: allow}"),
    ("test", "- {input: hello, expect: {«action: §pass»}}", "action: allow"),
    ("test", "- {input: hello, «action: allow»}", "expect: {action: allow}"),
    ("test", "- {input: foo, expect: {findings: «hate»}}", "[{category: hate}]"),
    ("test", "«- §hello»", "- {input: hello, expect: {action: allow}}"),
    ("exception", "«- §acme»", "- {id: acme, matches: [acme], reason: our name}"),
    ("exception", "- {id: a, «allow»: [a], reason: us}", "matches"),
    ("exception", "- {id: a, matches: [a], reason: us, expires: «31.12.2027»}", "2027-12-31"),
    # other languages, keyboards and word processors
    ("when", "«hate >= 0.8 §y toxic >= 0.5»", "hate >= 0.8 && toxic >= 0.5"),
    ("when", "«hate >= 0.8 §или toxic >= 0.5»", "hate >= 0.8 || toxic >= 0.5"),
    ("when", "«hate §gt 0.8»", "hate > 0.8"),
    ("when", "«hate §at least 0.8»", "hate >= 0.8"),
    ("when", "«hate >= 0.8§.»", "hate >= 0.8"),
    ("when", "«hate >= 0.8 §/* high */»", "hate >= 0.8"),
    ("when", "«hate §is high»", "hate >= 0.8"),
    ("when", "hate >= «threshold»", "0.8"),
    ("when", "hate >= «5»", "0.8"),
    ("when", "«hate.score» > 0.8", "hate"),
    ("when", "«detectors.w.hate» > 0.8", "detector.w.hate"),
    ("when", "«w.hate» > 0.8", "detector.w.hate"),
    ("when", "«detector.w» > 0.8", "detector.w.hate"),
    ("when", "«count(hate)» > 2", 'count("hate")'),
    ("when", "«hate > 0.8 && §request.user.has('tier')»", "hate > 0.8 && has(request.user.tier)"),
    ("when", "«hate > 0.8 && §request.user['tier'] == 'a'»", "hate > 0.8 && request.user.tier == 'a'"),
    ("when", "«§has request.user.tier && hate > 0.8»", "has(request.user.tier) && hate > 0.8"),
    ("when", "«exists§(request.user.tier) && hate > 0.8»", "has(request.user.tier) && hate > 0.8"),
    ("when", "«hate > 0.8 && request.user.tier §in 'a'»", "hate > 0.8 && request.user.tier in ['a']"),
    ("when", "«hate > 0.8 && request.user.tier §IN ['a']»", "hate > 0.8 && request.user.tier in ['a']"),
    ("when", "hate > 0.8 && request.tenant in [«acme»]", '"acme"'),
    ("when", "hate > 0.8 && request.model == «gpt-4»", '"gpt-4"'),
    ("when", "«hate > 0.8 && content.language §= de»", 'hate > 0.8 && content.language == "de"'),
    ("when", "«hate > 0.8 && content.length > §1,500»", "hate > 0.8 && content.length > 1500"),
    ("when", "«hate >= 0.8 §unless request.user.tier == 'staff'»", "(hate >= 0.8) && !(request.user.tier == 'staff')"),
    ("when", "«hate >= 0.8 §&& && toxic > 0.5»", "hate >= 0.8 && toxic > 0.5"),
    ("when", "«hate >= 0.8 && (toxic >= 0.5 §|| )»", "hate >= 0.8 && (toxic >= 0.5)"),
    ("when", "«§“hate >= 0.8”»", "hate >= 0.8"),
    ("when", "«hate >= §\uff10.\uff18»", "hate >= 0.8"),
    ("when", "«hate >= 0.8§\uff1b»", "hate >= 0.8"),
    ("if", "«when: §{hate} >= 0.8»", "when: hate >= 0.8"),
    ("if", "«when: §hate: 0.8»", "when: hate >= 0.8"),
    ("if", "«when: §*»", "when: hate >= 0.8"),
    ("if", "«when: §hate >= 0.8 ? block : allow»", "when: hate >= 0.8"),
    ("if", '«when: §"hate > 0.5" && toxic > 0.5»', "when: hate > 0.5 && toxic > 0.5"),
    ("if", "«when: §{hate: 0.8, toxic: 0.5}»", "when: hate >= 0.8 && toxic >= 0.5"),
    ("if", '«when: §{hate: ">= 0.8"}»', "when: hate >= 0.8"),
    ("if", "«when: §{any: [hate > 0.5, toxic > 0.5]}»", "when: hate > 0.5 || toxic > 0.5"),
    ("then", "«then: §{action: block}»", "then: block"),
    ("then", "«Then»: block", "then"),
    ("on", "«on: §eingabe»", "on: input"),
    ("on", "«on: §image»", "on: [input, output]"),
    ("on", "«on: §*»", "on: [input, output]"),
    ("on", "«on: §{input: true, output: true}»", "on: [input, output]"),
    ("on", "on: [«input output»]", "input, output"),
    ("on", "«on: §- input - output»", "on: [input, output]"),
    ("on", "«on§ = input»", "on: input"),
    ("on", "«on§\uff1ainput»", "on: input"),
    ("on", "«on: [input]§]»", "on: [input]"),
    ("rule", "«severity: §urgent»", "severity: critical"),
    ("rule", "«mode: §disabled»", "mode: shadow"),
    ("rule", "«message_de: Nein.»", "message: {de: Nein.}"),
    ("rule", "«scope: §session»", "scope: conversation"),
    ("detector", "x: {use: profanity, languages: [«English»]}", "en"),
    ("detector", "x: {use: terms, terms: [Verräter], inflect: [«deutsch»]}", "de"),
    ("detector", "x: {use: terms, terms: «{acme: 1}»}", "[acme]"),
    ("detector", "x: {use: pii, entities: [«address»]}", "street_address"),
    ("detector", "«x: {use: patterns, patterns: [§\\d{4}]}»", "x: {use: patterns, patterns: ['\\d{4}']}"),
    ("detector", "«x: {use: pii}§}»", "x: {use: pii}"),
    ("detector", "«My Words»: {use: pii}", "my_words"),
    ("top", "extends: «pii-only, secrets»", "[pii-only, secrets]"),
    ("top", "«history: §delete»", "history: remove"),
    ("test", "- {input: foo, «user: §guest», expect: {action: allow}}", "user: {tier: guest}"),
    ("test", "- {input: foo, «language: de», expect: {action: allow}}", "client: {language: de}"),
    ("exception", "- {id: a, «rule»: [q], matches: [a], reason: us}", "rules"),
]  # fmt: skip
"""Where a line stands; the line, with the mistake in «» and § at its place, where that is not its beginning; what is to be
written for it, which is in the message.
"""


def problems(folder: Path, text: str) -> list[PolicyError]:
    """Return what is wrong with a policy."""
    (folder / "p.yaml").write_text(text, encoding="utf-8")
    try:
        compile_policy(load(folder / "p.yaml"))
    except PolicyErrors as found:
        return found.errors
    return []


@each_case(("place", "line", "cure"), CURES)
def test_what_is_said_to_write_loads(tmp_path: Path, place: str, line: str, cure: str) -> None:
    """One problem, in its place; what its message says to write loads in the place of the mistake."""
    before, rest = line.split("«")
    wrong, after = rest.split("»")
    text = PLACES[place].replace("{}", before + wrong.replace("§", "") + after)
    marked = PLACES[place].replace("{}", before + (wrong if "§" in wrong else f"§{wrong}") + after)
    head = marked.split("§")[0]
    (problem,) = problems(tmp_path, text)
    assert cure in problem.hint
    assert (problem.line, problem.col) == (head.count("\n") + 1, len(head) - head.rfind("\n"))
    assert problems(tmp_path, PLACES[place].replace("{}", before + cure + after)) == []


@each_case(
    ("wrong", "cure"),
    [
        ("competitors: [Globex]", "my_topic: {use: topic, competitors: [Globex]}"),
        ("deny: [politics]", "my_topic: {use: topic, deny: {politics: {definition: what it is about}}}"),
        ("banned_words: [acme]", "words: {use: terms, terms: [acme], category: custom.words}"),
    ],
)
def test_what_belongs_below_another_section_is_shown_there(tmp_path: Path, wrong: str, cure: str) -> None:
    """A detector's field at the left margin: the message has the detector, which loads below `detectors:`."""
    (problem,) = problems(tmp_path, PLACES["top"].replace("{}", wrong))
    assert (problem.line, problem.col, problem.code) == (9, 1, "unknown_field")
    assert cure in problem.hint
    assert problems(tmp_path, PLACES["detector"].replace("{}", cure)) == []


@each_case(
    "section", ["detector:", "detectors:\n  - name: w\n    use: terms\n    terms: [foo]\n    category: hate"]
)
def test_rules_are_not_blamed_for_detectors(tmp_path: Path, section: str) -> None:
    """Detectors below a misspelt key or in a list are one problem, and none of the rules that need them."""
    below = "\n  w: {use: terms, terms: [foo], category: hate}" if section == "detector:" else ""
    rules = "rules:\n  - {id: r, on: input, when: hate > 0.5, then: block}\n"
    (problem,) = problems(tmp_path, f"format: 1\nname: t\n{section}{below}\n{rules}")
    assert problem.line in (3, 4)


@each_case(
    ("right", "wrong", "said"),
    [
        ("  - id: r", "  -id: r", "a space is missing behind the dash - write - id: r"),
        ("  - id: r", "  \u2013 id: r", "an entry of a list begins with a dash and a space - write - id: r"),
        ("  - id: r", "  • id: r", "an entry of a list begins with a dash and a space - write - id: r"),
        ("  - id: r", "  1. id: r", "an entry of a list begins with a dash and a space - write - id: r"),
        ("rules:", "  rules:", "rules: stands at the left margin"),
        ("    then: block", "    message: |\n    No.\n    then: block", "the text below '|' must stand further right than its key"),
        ("format: 1", "```yaml\nformat: 1", "this line belongs to Markdown, not to a policy - remove it, and that at the end"),
        ("    when: hate > 0.5", "    category: hate\n    threshold: 0.7", "write when: hate >= 0.7"),
        ("    when: hate > 0.5", "    when: hate > 0.5\n    unless: has(request.tenant)", "write when: (hate > 0.5) && !(has(request.tenant))"),
        ("    when: hate > 0.5", "    when: hate speech > 0.5", "names have no blanks in them"),
        ("    when: hate > 0.5", "    when: hate > 0.5 && time.hour > 9", "conditions know no time"),
        ("    when: hate > 0.5", "    when: hate == true", "compare a score with a number"),
        ("    then: block", "    then: redact\n    with: [removed]", "write with: {text: {en: '[removed]'}}"),
        ("name: t", "name: t\ntools: {deny: [shell]}", "a tool is stopped by a rule"),
        ("name: t", "name: t\nextends: ['C:\\policies\\base.yaml']", "name it from there: base.yaml"),
        ("name: t", "name: t\nextends: ['policies\\base.yaml']", "write policies/base.yaml"),
        ("name: t", "name: t\nextends: [https://x.example/a.yaml]", "policies are read from files"),
        ("  - id: r", "  - id: 仇恨", "such as hate.block, in Latin letters"),
        ("  - id: r", "  - id: r\n    languages: [English]", 'content.language in ["en"]'),
    ],
)  # fmt: skip
def test_what_takes_several_lines_is_told_with_its_cure(
    tmp_path: Path, right: str, wrong: str, said: str
) -> None:
    """The message of the first problems has the cause and what to write."""
    text = PLACES["id"].replace("{}", "severity: high").replace("  - on", "  - id: r\n    on")
    assert problems(tmp_path, text) == []
    found = problems(tmp_path, text.replace(right, wrong, 1))
    assert any(said in f"{each.message} - {each.hint}" for each in found), found


@each_case(
    ("content", "message"),
    [
        (HEAD.encode("utf-16"), "the file is UTF-16"),
        (HEAD.encode("utf-16-le"), "the file is UTF-16"),
        (b"PK\x03\x04\x14\x00" + bytes(range(256)), "a document of a word processor"),
        (b"%PDF-1.4\n%\xe2\xe3", "a document of a word processor"),
        ((HEAD + "# größer").encode("latin-1"), "byte 0xF6 is not UTF-8"),
    ],
)
def test_a_file_of_another_form_is_told_as_what_it_is(tmp_path: Path, content: bytes, message: str) -> None:
    """What Windows and word processors save."""
    (tmp_path / "p.yaml").write_bytes(content)
    with pytest.raises(PolicyErrors) as caught:
        load(tmp_path / "p.yaml")
    (problem,) = caught.value.errors
    assert message in problem.message
    assert "save it as" in problem.hint
