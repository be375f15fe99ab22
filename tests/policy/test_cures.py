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


@pytest.mark.parametrize(
    "section", ["detector:", "detectors:\n  - name: w\n    use: terms\n    terms: [foo]\n    category: hate"]
)
def test_rules_are_not_blamed_for_detectors(tmp_path: Path, section: str) -> None:
    """Detectors below a misspelt key or in a list are one problem, and none of the rules that need them."""
    below = "\n  w: {use: terms, terms: [foo], category: hate}" if section == "detector:" else ""
    rules = "rules:\n  - {id: r, on: input, when: hate > 0.5, then: block}\n"
    (problem,) = problems(tmp_path, f"format: 1\nname: t\n{section}{below}\n{rules}")
    assert problem.line in (3, 4)
