"""Policies with mistakes: every one is reported at once, at its line and column, with a cure (all floors together)."""

from __future__ import annotations

import os
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
  p: {use: pii}
  t: {use: terms, terms: [foo], category: hate}
"""
RULE = """\
rules:
  - id: r
    on: input
    when: hate > 0
    then: block
"""


def errors(folder: Path, text: str) -> list[PolicyError]:
    """Return what is wrong with a policy, with paths from its folder."""
    (folder / "p.yaml").write_text(text)
    with pytest.raises(PolicyErrors) as caught:
        compile_policy(load(folder / "p.yaml"))
    return [
        PolicyError(
            os.path.relpath(each.file, folder), each.line, each.col, each.code, each.message, each.hint
        )
        for each in caught.value.errors
    ]


def rule(**fields: str) -> str:
    """Return a policy with one rule (id in line 7, then one field a line: on, when, then, others)."""
    lines = {"id": "r", "on": "input", "when": "hate > 0", "then": "block"} | fields
    return (
        HEAD
        + "rules:\n  - "
        + "\n    ".join(f"{name}: {text}" for name, text in lines.items() if text)
        + "\n"
    )


def detector(text: str, name: str = "x") -> str:
    """Return a policy with one detector more, in line 6."""
    return f"{HEAD}  {name}: {text}\n{RULE}"


def more(text: str) -> str:
    """Return a policy with more after its rules, from line 11."""
    return f"{HEAD}{RULE}{text}\n"


MANY = """\
format: 2
name: Support Chat
version: 1.10
extends: [defualt]
ruls: []
detectors:
  one: {use: ptterns, patterns: [a]}
  two: {use: patterns, patterns: ['ok', 'ab(c'], scor: 0.5}
  three: {use: terms, file: ../outside.txt}
  four: {use: terms, terms: [1984]}
  five: {terms: [x]}
rules:
  - id: bad stage
    on: inptu
    when: spam >= 0.5
    then: blok
  - on: [input, outptu]
    wehn: hate > 0
    then: block
  - id: range
    on: input
    when: jailbreak >= 85
    then: block
    severity: hihg
  - id: scores
    on: input
    when: >-
      jailbreak > 0 &&
      haet > 0.5
    then: block
  - id: nobody
    on: input
    when: "spam > 0"
    then: block
    with: mask
  - id: syntax
    on: input
    when: |
      jailbreak > 0
      and injection > 0
    then: flag
  - id: jailbreak.block
    on: input
    when: jailbreak > 0
    then: block
unchecked: {limit: alow}
limits: {characters: 0}
exceptions:
  - {id: e, rules: [nobdy], reason: old}
  - {id: f, rules: [nobody], expires: 2027-02-31}
tests:
  - {input: a}
  - {input: a, output: b, expect: {action: block}}
override:
  rules:
    - {id: secrets.redcat, then: block}
disable: {rules: [pii.contact.falg]}
"""
FOUND = [
    (1, 9, "invalid_value"), (2, 7, "invalid_value"), (4, 11, "unknown_policy"), (5, 1, "unknown_field"),
    (7, 14, "unknown_detector"), (8, 46, "invalid_pattern"), (8, 50, "unknown_field"), (9, 29, "unreadable_file"),
    (10, 30, "wrong_type"), (11, 3, "missing_field"), (13, 9, "invalid_value"), (14, 9, "invalid_value"),
    (15, 11, "category_without_detector"), (16, 11, "invalid_value"), (17, 5, "missing_field"),
    (17, 17, "invalid_value"), (18, 5, "unknown_field"), (22, 24, "score_range"), (24, 15, "invalid_value"),
    (29, 7, "unknown_category"), (33, 12, "category_without_detector"), (35, 5, "not_a_redaction"),
    (40, 7, "condition_syntax"), (42, 9, "duplicate_rule"), (46, 20, "invalid_value"), (47, 22, "invalid_value"),
    (49, 21, "unknown_rule"), (50, 5, "missing_field"), (50, 39, "invalid_value"), (52, 5, "missing_field"),
    (53, 16, "invalid_test"), (56, 12, "unknown_rule"), (57, 19, "unknown_rule"),
]  # fmt: skip


def test_thirty_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    """One run names every mistake of a file, each once, in the order of the file."""
    assert [(each.line, each.col, each.code) for each in errors(tmp_path, MANY)] == FOUND


SINGLE = {
    "top-level key": (more("ruls: []"), (11, 1, "unknown_field"), "did you mean 'rules'?"),
    "rule key": (rule(severty="high"), (11, 5, "unknown_field"), "did you mean 'severity'?"),
    "rule key that was needed": (rule(when="", wehn="hate > 0"), (10, 5, "unknown_field"), "did you mean 'when'?"),
    "missing id": (rule(id=""), (7, 5, "missing_field"), "such as id: pii.mask"),
    "missing on": (rule(on=""), (7, 5, "missing_field"), "such as on: input"),
    "missing when": (rule(when=""), (7, 5, "missing_field"), "such as when: hate >= 0.85"),
    "missing then": (rule(then=""), (7, 5, "missing_field"), "such as then: flag"),
    "bad id": (rule(id='"Bad Id"'), (7, 9, "invalid_value"), ""),
    "id of a number": (rule(id="5"), (7, 9, "wrong_type"), "put it in quotes"),
    "duplicate id": (HEAD + RULE + RULE[7:], (11, 9, "duplicate_rule"), "give each its own"),
    "reserved id": (rule(id="unchecked.x"), (7, 9, "reserved_id"), "choose another id"),
    "stage": (rule(on="inptu"), (8, 9, "invalid_value"), "did you mean 'input'?"),
    "stage in a list": (rule(on="[input, outptu]"), (8, 17, "invalid_value"), "did you mean 'output'?"),
    "stage of a number": (rule(on="5"), (8, 9, "invalid_value"), ""),
    "no stage": (rule(on="[]"), (8, 9, "invalid_value"), "such as on: input"),
    "stages in a mapping": (rule(on="{input: 1}"), (8, 9, "wrong_type"), ""),
    "action": (rule(then="blok"), (10, 11, "invalid_value"), "did you mean 'block'?"),
    "action in capitals": (rule(then="BLOCK"), (10, 11, "invalid_value"), "did you mean 'block'?"),
    "action in a list": (rule(then="[block]"), (10, 11, "wrong_type"), ""),
    "severity": (rule(severity="hihg"), (11, 15, "invalid_value"), "did you mean 'high'?"),
    "severity of a number": (rule(severity="3"), (11, 15, "invalid_value"), ""),
    "tags of a text": (rule(tags="owasp"), (11, 11, "wrong_type"), "write a list: [owasp]"),
    "tag of a number": (rule(tags="[a, 1]"), (11, 15, "wrong_type"), "put it in quotes"),
    "message of a number": (rule(message="5"), (11, 14, "wrong_type"), "put it in quotes"),
    "message in a language": (rule(message="{en: 5, de: x}"), (11, 19, "wrong_type"), "put it in quotes"),
    "message without language": (rule(message="{}"), (11, 14, "invalid_value"), "such as message: {en: No.}"),
    "mode": (rule(mode="shadwo"), (11, 11, "invalid_value"), "did you mean 'shadow'?"),
    "scope": (rule(scope="mesage"), (11, 12, "invalid_value"), "did you mean 'message'?"),
    "on_error": (rule(on_error="redact"), (11, 15, "invalid_value"), ""),
    "when of a number": (rule(when="5"), (9, 11, "wrong_type"), "such as when: hate >= 0.8"),
    "empty when": (rule(when="''"), (9, 11, "invalid_value"), ""),
    "blank when": (rule(when="'  '"), (9, 11, "condition_syntax"), "write hate >= 0.8"),
    "null when": (rule(when="~"), (9, 11, "wrong_type"), "remove the key, or write a value"),
    "with": (rule(then="redact", **{"with": "plaecholder"}), (11, 11, "invalid_value"), "did you mean 'placeholder'?"),
    "with in a mapping": (rule(then="redact", **{"with": "{text: foo}"}), (11, 18, "invalid_value"), ""),
    "key of with": (rule(then="redact", **{"with": "{txt: mask}"}), (11, 12, "unknown_field"), "did you mean 'text'?"),
    "with on a block": (rule(**{"with": "mask"}), (11, 5, "not_a_redaction"), "remove 'with', or write then: redact"),
    "redact on a flag": (rule(then="flag", redact="[hate]"), (11, 5, "not_a_redaction"), "remove 'redact'"),
    "redact of a text": (rule(then="redact", redact="hate"), (11, 13, "wrong_type"), "write a list: [hate]"),
    "redact of nothing": (rule(then="redact", redact="[]"), (11, 13, "invalid_value"), ""),
    "redact a misspelt one": (rule(then="redact", redact="[haet]"), (11, 14, "unknown_category"), "did you mean 'hate'?"),
    "redact two together": (rule(then="redact", when="hate > 0 && pii.email > 0"), (9, 11, "redact_nothing"),
                            "redact: [hate, pii.email]"),
    "redact a count": (rule(then="redact", when='count("hate") > 1'), (9, 11, "redact_nothing"), "redact: [hate]"),
    "redact no category": (rule(then="redact", when="request.tenant == 'a'"), (9, 11, "redact_nothing"), "[category]"),
    # conditions
    "syntax": (rule(when="hate >"), (9, 17, "condition_syntax"), "such as hate > 0.8"),
    "syntax in quotes": (rule(when='"hate > && hate"'), (9, 19, "condition_syntax"), ""),
    "and": (rule(when="hate > 0 and hate < 1"), (9, 20, "condition_syntax"), "write && for 'and'"),
    "=": (rule(when="hate = 0"), (9, 16, "condition_syntax"), "write == to compare"),
    "%": (rule(when="hate >= 85%"), (9, 19, "condition_syntax"), "write hate >= 0.85"),
    "bracket": (rule(when="(hate > 0"), (9, 20, "condition_syntax"), "close the bracket"),
    "category": (rule(when="haet > 0"), (9, 11, "unknown_category"), "did you mean 'hate'?"),
    "category in capitals": (rule(when="hate > 0 || HATE > 0"), (9, 23, "unknown_category"), "did you mean 'hate'?"),
    "category of nobody": (rule(when="sexual > 0"), (9, 11, "category_without_detector"), "add one under 'detectors:', such as safety: {use: classifier}"),
    "leaf of nobody": (rule(when="pii.emial > 0"), (9, 11, "category_without_detector"), "did you mean 'pii.email'"),
    "folded": (rule(when=">-\n      hate > 0 &&\n      haet > 0"), (11, 7, "unknown_category"), "did you mean 'hate'?"),
    "literal": (rule(when="|\n      hate > 0\n      && haet > 0"), (11, 10, "unknown_category"), "did you mean 'hate'?"),
    "single quotes": (rule(when="'hate > 0 || request.tenant == ''x'' || haet > 0'"), (9, 51, "unknown_category"),
                      "did you mean 'hate'?"),
    "double quotes": (rule(when='"hate > 0 || request.tenant == \\"x\\" || haet > 0"'), (9, 51, "unknown_category"),
                      "did you mean 'hate'?"),
    "plain in two lines": (rule(when="hate > 0 ||\n      haet > 0"), (10, 7, "unknown_category"), "did you mean 'hate'?"),
    "type": (rule(when="hate > 'x'"), (9, 16, "condition_type"), "without quotes: hate >= 0.8"),
    "type behind a widened number": (rule(when="hate > 0 && hate > 'x'"), (9, 28, "condition_type"), "without quotes"),
    "no truth": (rule(when="hate"), (9, 11, "condition_type"), "compare it: hate >= 0.8"),
    "context": (rule(when="request.usr.tier == 'a'"), (9, 11, "unknown_name"), "did you mean 'request.user.tier'"),
    "range": (rule(when="hate >= 85"), (9, 19, "score_range"), "write 0.85 for 85 %"),
    "range below": (rule(when="hate > -1"), (9, 18, "score_range"), "write 0.85"),
    "count without quotes": (rule(when="count(hate) > 0"), (9, 11, "condition_type"), 'write count("hate")'),
    "count of two": (rule(when='count("hate", "x") > 0'), (9, 11, "condition_type"), 'write count("pii.email")'),
    "count of a misspelt one": (rule(when='count("haet") > 0'), (9, 18, "unknown_category"), "did you mean 'hate'?"),
    "count and fractions": (rule(when='count("hate") > 0.5'), (9, 25, "condition_type"), "write a whole number"),
    "detector in a condition": (rule(when="detector.tt.hate > 0"), (9, 11, "unknown_detector"), "did you mean 't'?"),
    "category of a detector": (rule(when="detector.p.hate > 0"), (9, 11, "unknown_category"), ""),
    "scope of a leaf": (rule(when="tool.name == 'x'", scope="conversation"), (9, 11, "not_in_scope"), "use scope: message"),
    "nesting": (rule(when="(" * 60 + "hate > 0" + ")" * 60), (9, 11, "condition_syntax"), "split the rule"),
    # detectors
    "kind": (detector("{use: ptterns}"), (6, 12, "unknown_detector"), "did you mean 'patterns'"),
    "no kind": (detector("{terms: [a]}"), (6, 3, "missing_field"), "such as use: terms"),
    "kind of a number": (detector("{use: 5}"), (6, 12, "wrong_type"), ""),
    "detector of a text": (detector("terms"), (6, 6, "wrong_type"), "write x: {use: terms"),
    "name of a detector": (detector("{use: pii}", '"a b"'), (6, 3, "invalid_name"), ""),
    "regex": (detector("{use: patterns, patterns: ['a', 'ab(c']}"), (6, 43, "invalid_pattern"), ""),
    "regex in a mapping": (detector("{use: patterns, patterns: [{pattern: 'ab(c'}]}"), (6, 48, "invalid_pattern"), ""),
    "regex in double quotes": (detector('{use: patterns, patterns: ["\\\\d(c"]}'), (6, 39, "invalid_pattern"), ""),
    "regex of nothing": (detector("{use: patterns, patterns: ['a*']}"), (6, 33, "invalid_pattern"), ""),
    "group": (detector("{use: patterns, patterns: [{pattern: 'a', group: 1}]}"), (6, 55, "invalid_pattern"), ""),
    "key of a pattern": (detector("{use: patterns, patterns: [{patern: a}]}"), (6, 34, "unknown_field"), "'pattern'"),
    "pattern of a number": (detector("{use: patterns, patterns: [5]}"), (6, 33, "wrong_type"), "put it in quotes"),
    "validator": (detector("{use: patterns, patterns: [{pattern: a, validate: lun}]}"), (6, 56, "invalid_value"), "'luhn'"),
    "no patterns": (detector("{use: patterns}"), (6, 3, "no_patterns"), "add 'patterns:' or 'file:'"),
    "term file": (detector("{use: terms, file: nope.txt}"), (6, 25, "unreadable_file"), ""),
    "term file outside": (detector("{use: terms, file: ../../etc/passwd}"), (6, 25, "unreadable_file"), ""),
    "no terms": (detector("{use: terms, terms: []}"), (6, 3, "no_terms"), "add 'terms:' or 'file:'"),
    "empty term": (detector("{use: terms, terms: [a, ' ']}"), (6, 30, "empty_term"), ""),
    "term of a number": (detector("{use: terms, terms: [1984]}"), (6, 27, "wrong_type"), "put it in quotes"),
    "terms of a text": (detector("{use: terms, terms: foo}"), (6, 26, "wrong_type"), "write a list: [foo]"),
    "category of a detector's own": (detector("{use: terms, terms: [a], category: My}"), (6, 41, "unknown_category"), "'custom.'"),
    "score in percent": (detector("{use: terms, terms: [a], score: 85}"), (6, 38, "invalid_value"), ""),
    "score in quotes": (detector("{use: terms, terms: [a], score: '0.5'}"), (6, 38, "wrong_type"), "write it without quotes"),
    "entity": (detector("{use: pii, entities: [emial]}"), (6, 28, "unknown_entity"), "did you mean 'email'?"),
    # the rest
    "extends": (more("extends: [zzz]"), (11, 11, "unknown_policy"), "one of: agents, brand, default"),
    "extends a file": (more("extends: ./nope.yaml"), (11, 10, "unknown_policy"), ""),
    "extends outside": (more("extends: ../x.yaml"), (11, 10, "unknown_policy"), ""),
    "extends itself": (more("extends: [p.yaml]"), (11, 11, "circular_extends"), "remove this entry"),
    "extends a number": (more("extends: [5]"), (11, 11, "wrong_type"), "put it in quotes"),
    "override of nothing": (more("override: {rules: [{id: r, then: flag}]}"), (11, 25, "unknown_rule"), ""),
    "override without id": (more("override: {rules: [{then: flag}]}"), (11, 20, "missing_field"), ""),
    "override of a detector": (more("override: {detectors: {t: {terms: [a]}}}"), (11, 24, "unknown_detector"), ""),
    "disable of a rule": (more("disable: [r]"), (11, 11, "unknown_rule"), ""),
    "disable of a detector": (more("disable: {detectors: [t]}"), (11, 23, "unknown_detector"), ""),
    "disable of a test": (more("disable: {tests: [t]}"), (11, 19, "unknown_test"), ""),
    "unchecked action": (more("unchecked: {limit: alow}"), (11, 20, "invalid_value"), "did you mean 'allow'?"),
    "unchecked kind": (more("unchecked: {langauge: flag}"), (11, 13, "unknown_field"), "did you mean 'language'?"),
    "limit": (more("limits: {characters: 0}"), (11, 22, "invalid_value"), ""),
    "limit in quotes": (more("limits: {characters: '200'}"), (11, 22, "wrong_type"), "write it without quotes"),
    "limit of true": (more("limits: {windows: true}"), (11, 19, "wrong_type"), ""),
    "history": (more("history: keep"), (11, 10, "invalid_value"), ""),
    "parallel": (more("parallel: 'yes'"), (11, 11, "wrong_type"), "write true"),
    "parallel with history": (more("parallel: true"), (11, 11, "parallel_redacts"), "write history: block, or parallel: false"),
    "parallel that redacts": (rule(then="redact") + "history: block\nparallel: true\n", (12, 11, "parallel_redacts"), "mode: shadow"),
    "parallel with canaries": (detector("{use: prompt_leak, plant: true}") + "history: block\nparallel: true\n", (13, 11, "parallel_redacts"), "plant: false"),
    # tools
    "key of tools": (more("tools: {alow: []}"), (11, 9, "unknown_field"), "did you mean 'allow'?"),
    "tools of a list": (more("tools: [x]"), (11, 8, "wrong_type"), ""),
    "allowed tools of a text": (more("tools: {allow: x}"), (11, 16, "wrong_type"), "write a list: [{name: x}]"),
    "allowed tool of a text": (more("tools: {allow: [x]}"), (11, 17, "wrong_type"), ""),
    "key of an allowed tool": (more("tools: {allow: [{name: x, sever: y}]}"), (11, 27, "unknown_field"), "did you mean 'server'?"),
    "allowed tool without a name": (more("tools: {allow: [{server: x}]}"), (11, 17, "missing_field"), "such as name: search_*"),
    "allowed tool of a number": (more("tools: {allow: [{name: 5}]}"), (11, 24, "wrong_type"), "put it in quotes"),
    "allowed tool of nothing": (more("tools: {allow: [{name: ''}]}"), (11, 24, "invalid_value"), ""),
    "allowed tool twice": (more("tools: {allow: [{name: x}, {name: x, server: '*'}]}"), (11, 28, "unreachable_entry"), "narrower one first"),
    "allowed tool behind a wider one": (more("tools: {allow: [{name: x*}, {name: xy, server: z}]}"), (11, 29, "unreachable_entry"), "narrower"),
    "untrusted tools of a text": (more("tools: {untrusted: x}"), (11, 20, "wrong_type"), "write a list: [x]"),
    "untrusted tool of a number": (more("tools: {untrusted: [5]}"), (11, 21, "wrong_type"), "put it in quotes"),
    "untrusted tool of nothing": (more("tools: {untrusted: ['']}"), (11, 21, "invalid_value"), ""),
    "arguments of a text": (more("tools: {allow: [{name: x, arguments: a}]}"), (11, 38, "wrong_type"), ""),
    "type in a schema": (more("tools: {allow: [{name: x, arguments: {type: obect}}]}"), (11, 45, "invalid_schema"), "did you mean 'object'?"),
    "word in a schema": (more("tools: {allow: [{name: x, arguments: {requird: [a]}}]}"), (11, 48, "invalid_schema"), "did you mean 'required'?"),
    "arguments without properties": (more("tools: {allow: [{name: x, arguments: {path: {type: string}}}]}"), (11, 45, "invalid_schema"), "below 'properties:'"),
    "word deep in a schema": (more("tools:\n  allow:\n    - name: x\n      arguments: {properties: {a: {anyOf: [{minLenght: 1}]}}}"), (14, 56, "invalid_schema"), "did you mean 'minLength'"),
    "reference to elsewhere": (more("tools: {allow: [{name: x, arguments: {$ref: 'https://x.example/s'}}]}"), (11, 45, "invalid_schema"), "$defs"),
    "reference to a file": (more("tools: {allow: [{name: x, arguments: {$ref: 'file:///etc/passwd'}}]}"), (11, 45, "invalid_schema"), "$defs"),
    "pattern in a schema": (more("tools: {allow: [{name: x, arguments: {pattern: '('}}]}"), (11, 48, "invalid_schema"), "regular expression"),
    "draft of a schema": (more("tools: {allow: [{name: x, arguments: {$schema: 'x:y'}}]}"), (11, 48, "invalid_schema"), "2020-12"),
    "file of a schema": (more("tools: {allow: [{name: x, arguments: {file: no.json}}]}"), (11, 45, "unreadable_file"), "below the policy's folder"),
    "file of a schema outside": (more("tools: {allow: [{name: x, arguments: {file: ../../etc/passwd}}]}"), (11, 45, "unreadable_file"), ""),
    "override of no tools": (more("override: {tools: {allow: []}}"), (11, 20, "unknown_tools"), "under 'tools:'"),
    "key of overridden tools": (more("override: {tools: {untrustd: []}}"), (11, 20, "unknown_field"), "did you mean 'untrusted'?"),
    "leaf of a tool": (rule(when="tool.taint"), (9, 11, "unknown_name"), "did you mean 'tool.tainted'"),
    "leaf of an argument": (rule(on="tool_call", when="tool.argument.path == 'x'"), (9, 11, "unknown_name"), "'tool.arguments'"),
    "argument that is no truth": (rule(on="tool_call", when="tool.arguments.x"), (9, 11, "condition_type"), "compare it"),
    "calls where there are none": (rule(on="[input, tool_result]", when="tool.tainted && hate > 0"), (8, 9, "not_in_scope"), "on: tool_call"),
    "taint in a conversation": (rule(on="tool_call", when="tool.tainted", scope="conversation"), (9, 11, "not_in_scope"), "use scope"),
    "list of sources as one": (rule(on="tool_call", when="tool.sources == 'web'"), (9, 24, "condition_type"), ""),
    "exception without reason": (more("exceptions:\n  - {id: e, rules: [r]}"), (12, 5, "missing_field"), "such as reason: the name of our product"),
    "exception of no rule": (more("exceptions:\n  - {id: e, rules: [rr], reason: x}"), (12, 21, "unknown_rule"), "'r'"),
    "exception's date": (more("exceptions:\n  - {id: e, rules: [r], reason: x, expires: 31.3.2027}"), (12, 45, "invalid_value"), ""),
    "exception's day": (more("exceptions:\n  - {id: e, rules: [r], reason: x, expires: 2027-02-31}"), (12, 45, "invalid_value"), ""),
    "exception from all": (more("exceptions:\n  - {id: e, reason: x}"), (12, 5, "exception_too_broad"), "name rules"),
    "exception's category": (more("exceptions:\n  - {id: e, reason: x, categories: [haet]}"), (12, 37, "unknown_category"), "'hate'"),
    "exception's condition": (more("exceptions:\n  - {id: e, reason: x, when: haet > 0.5}"), (12, 30, "unknown_category"), "'hate'"),
    "test without expect": (more("tests:\n  - {input: a}"), (12, 5, "missing_field"), "such as expect: {action: block}"),
    "test of nothing": (more("tests:\n  - {expect: {action: allow}}"), (12, 5, "invalid_test"), "give one of: input"),
    "test of two": (more("tests:\n  - {input: a, output: b, expect: {action: allow}}"), (12, 16, "invalid_test"), "make it two"),
    "test that expects nothing": (more("tests:\n  - {input: a, expect: {}}"), (12, 24, "invalid_test"), "such as expect"),
    "test's action": (more("tests:\n  - {input: a, expect: {action: blok}}"), (12, 33, "invalid_value"), "'block'"),
    "yes": (more("tests:\n  - {input: a, todo: yes, expect: {action: allow}}"), (12, 22, "wrong_type"), "write true"),
    "off": (more("tests:\n  - {input: a, todo: off, expect: {action: allow}}"), (12, 22, "wrong_type"), "write false"),
    "test of a text": (more("tests:\n  - hello"), (12, 5, "wrong_type"), "such as - {input: hello"),
    "empty section": (more("tests:"), (11, 7, "wrong_type"), "remove the line, or write an entry below it"),
    "rules in a mapping": (HEAD + "rules: {id: a}\n", (6, 8, "wrong_type"), ""),
    "rule of a text": (HEAD + "rules:\n  - hello\n", (7, 5, "wrong_type"), "such as - {id: hate.stop"),
    "version of true": (more("version: true"), (11, 10, "wrong_type"), "put it in quotes"),
    "format 2": (HEAD.replace("format: 1", "format: 2") + RULE, (1, 9, "invalid_value"), ""),
    "format in quotes": (HEAD.replace("format: 1", "format: '1'") + RULE, (1, 9, "invalid_value"), "write it without quotes"),
    "format true": (HEAD.replace("format: 1", "format: true") + RULE, (1, 9, "wrong_type"), ""),
    "no format": (HEAD.replace("format: 1\n", "") + RULE, (1, 1, "missing_field"), "such as format: 1"),
    "no name": (HEAD.replace("name: t\n", "") + RULE, (1, 1, "missing_field"), "such as name: support-chat"),
    "name": (HEAD.replace("name: t", "name: My Policy") + RULE, (2, 7, "invalid_value"), ""),
    "duplicate key": (HEAD + "  t: {use: pii}\n" + RULE, (6, 3, "duplicate_key"), "remove or rename one of the two"),
    "a list": ("- a\n", (1, 1, "wrong_type"), "begin with 'format: 1'"),
    "nothing": ("", (1, 1, "empty_policy"), "start with 'format: 1'"),
    "a text": ("hello\n", (1, 1, "wrong_type"), "begin with 'format: 1'"),
}  # fmt: skip


@each_case("mistake", SINGLE)
def test_one_mistake_is_one_error_in_its_place_with_a_cure(tmp_path: Path, mistake: str) -> None:
    """Each typo gives just one error, at the very character, and says how to cure it where that is plain."""
    text, place, hint = SINGLE[mistake]
    (error,) = errors(tmp_path, text)
    assert (error.file, error.line, error.col, error.code) == ("p.yaml", *place)
    assert hint in error.hint if hint else not error.hint.startswith("did you mean 'None")
    assert error.message


def test_messages_name_what_is_wrong_and_what_would_be_right(tmp_path: Path) -> None:
    """A message names the thing, what was written there and what may stand there."""
    texts = {
        rule(then="blok"): "then must be 'flag', 'redact' or 'block', not the text 'blok'",
        rule(when=""): "rule 'r' needs 'when'",
        rule(severty="x"): "'severty' is not a field of rule 'r'",
        rule(id='"Bad Id"'): "id 'Bad Id' must be lower-case letters, digits, '.', '_' and '-', beginning with a letter or digit",
        rule(when="hate > 'x'"): "'>' cannot take a number such as a score and a text",
        rule(when="hate >"): "nothing stands behind '>'",
        HEAD + RULE + RULE[7:]: "rule 'r' is already defined in p.yaml:7",
        more("limits: {characters: 0}"): "limits.characters must be at least 1, not 0",
        detector("{use: terms, file: ../x.txt}"): "detector 'x': file '../x.txt': lies outside the policy's own folder",
        detector("{use: patterns, patterns: ['ab(c']}"): "detector 'x': 'ab(c': missing )",
    }  # fmt: skip
    for text, message in texts.items():
        (error,) = errors(tmp_path, text)
        assert error.message.replace(f"{tmp_path}{os.sep}", "") == message


@each_case("link", ["terms.txt", "folder/terms.txt"])
def test_a_term_file_behind_a_link_to_the_outside_is_refused(tmp_path: Path, link: str) -> None:
    """A link, to a file or to a folder, does not lead out of the policy's folder."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "terms.txt").write_text("secret\n")
    root = tmp_path / "root"
    root.mkdir()
    (root / "terms.txt").symlink_to(tmp_path / "outside" / "terms.txt")
    (root / "folder").symlink_to(tmp_path / "outside")
    (error,) = errors(root, detector(f"{{use: terms, file: {link}}}"))
    assert (error.line, error.col, error.code) == (6, 25, "unreadable_file")
    assert error.message.endswith("lies outside the policy's own folder")


def test_a_mistake_in_a_term_file_is_located_there(tmp_path: Path) -> None:
    """Lines of lists that cannot be used are reported by line and column of the list."""
    (tmp_path / "r.txt").write_text("# mine\nok\n  ab(c\n")
    (error,) = errors(tmp_path, detector("{use: patterns, file: r.txt}"))
    assert (error.file, error.line, error.col, error.code) == ("r.txt", 3, 7, "invalid_pattern")


def test_what_was_wrong_in_a_detector_is_not_blamed_on_rules(tmp_path: Path) -> None:
    """A detector with a typo still counts as giving what it was to give."""
    text = (
        "format: 1\nname: t\ndetectors:\n  a: {use: pi}\n  b: {use: terms, terms: [x], category: hate, scor: 1}\n"
        "  c: {use: patterns, patterns: [{pattern: '(', category: toxic}]}\nrules:\n"
        "  - {id: r, on: input, when: pii.email > 0 && hate > 0 && toxic > 0 && custom.c == 0, then: block}\n"
    )
    assert [(each.line, each.code) for each in errors(tmp_path, text)] == [
        (4, "unknown_detector"), (5, "unknown_field"), (6, "invalid_pattern"), (8, "category_without_detector"),
    ]  # fmt: skip
