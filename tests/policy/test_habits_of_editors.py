"""What people write who know other languages, spreadsheets and word processors: each mistake has its line, its cause and its cure."""

from __future__ import annotations

from pathlib import Path

from guardrails.errors import PolicyErrors
from guardrails.policy.compile import compile_policy
from guardrails.policy.loading.load import load
from tests.cases import each_case

HEAD = """\
format: 1
name: t
detectors:
  w: {use: terms, terms: [foo], category: hate}
  v: {use: terms, terms: [bar], category: toxic}
"""
STAFF = 'request.user.tier == "staff"'


def errors(folder: Path, text: str) -> list[str]:
    """Return what is wrong with a policy, `line: message - hint`."""
    (folder / "p.yaml").write_text(text, encoding="utf-8")
    try:
        compile_policy(load(folder / "p.yaml"))
    except PolicyErrors as found:
        return [f"{each.line}: {each.message} - {each.hint}" for each in found.errors]
    return []


def rule(when: str = "hate > 0.5", then: str = "block", on: str = "input", more: str = "") -> str:
    """Return a policy with one rule: `on` in line 8, `when` in line 9, `then` in line 10, and more behind it."""
    return f"{HEAD}rules:\n  - id: r\n    on: {on}\n    when: {when}\n    then: {then}\n{more}"


def extends(more: str) -> str:
    """Return a policy that builds on the default."""
    return f"format: 1\nname: t\nextends: [default]\n{more}"


CONDITIONS = {
    "hate >= 0,8": "a decimal has a point, not a comma - write hate >= 0.8",
    "NOT hate >= 0.8": "'not' is written ! with brackets - write !(hate >= 0.8)",
    "hate => 0.8": "'at least' is written >=, not => - write hate >= 0.8",
    "hate =< 0.8": "'at most' is written <=, not =< - write hate <= 0.8",
    "hate ≥ 0.8": "'at least' is written >=, not ≥ - write hate >= 0.8",
    "hate === 1": "'equal' is written ==, not === - write hate == 1",
    "hate > 0.8 AND toxic > 0.5": "write && for 'and': hate > 0.8 && toxic > 0.5",
    "hate > 0.8 und toxic > 0,5": "write hate > 0.8 && toxic > 0.5",
    "hate > 0.8 or not toxic > 0,5": "write || for 'or': hate > 0.8 || !(toxic > 0.5)",
    "hate > 85 %": "a share is written as a decimal, not in percent - write hate > 0.85",
    "hate > 0.8;": "a condition ends without ';' - write hate > 0.8",
    "if hate > 0.8": "a condition begins with what it asks, without 'if' - write hate > 0.8",
    "hate between 0.5 and 0.8": "'between' is no word of conditions - write (hate >= 0.5 && hate <= 0.8)",
    "hate > 0.8 && request.user.tier in ('a','b')": "a list stands in square brackets: [ ] - write hate > 0.8 && request.user.tier in ['a','b']",
    "hate > 0.8 && request.user.tier == “staff”": f"write straight quotes, and only around texts: \"staff\": hate > 0.8 && {STAFF}",
    "hate > 0.8 && user.tier == 'x'": "'user.tier' is not a category - write request.user.tier",
    "hate > 0.8 && tenant == 'x'": "write request.tenant",
    "hate\u00a0> 0.8": "a plain space",
    "hate > 0.8 && has()": "has(request.user.tier)",
    "has(hate)": "write hate > 0 for what is found",
    "AND(hate > 0.8, toxic > 0.8)": "write (hate > 0.8 && toxic > 0.8)",
}  # fmt: skip


@each_case("when", CONDITIONS)
def test_habits_in_conditions(tmp_path: Path, when: str) -> None:
    """One error in the line of the condition, with the condition as it should be where that is plain."""
    (error,) = errors(tmp_path, rule(when))
    assert error.startswith("9: ")
    assert CONDITIONS[when] in error


FILES = {
    "missing dash": (rule(more="    id: s\n    on: output\n    when: toxic > 0\n    then: flag\n"), ["11: a new entry begins here", "write '- id: …'"]),
    "no dash at all": (HEAD + "rules:\n  id: r\n  on: input\n", ["begin each entry with a dash: - id: r"]),
    "rules by name": (HEAD + "rules:\n  hate.block: {on: input}\n", ["write a list: - id: hate.block"]),
    "then: allow": (rule(then="allow"), ["10: then must be", "under 'exceptions:'"]),
    "then: deny": (rule(then="deny"), ["10: then must be", "write then: block"]),
    "then: mask": (rule(then="mask"), ["write then: redact"]),
    "then: warn": (rule(then="warn"), ["write then: flag"]),
    "on: prompt": (rule(on="prompt"), ["8: on must be", "write on: input"]),
    "on: both": (rule(on="both"), ["write on: [input, output]"]),
    "mode: monitor": (rule(more="    mode: monitor\n"), ["11: mode must be", "write mode: shadow"]),
    "severity: warning": (rule(more="    severity: warning\n"), ["write severity: medium"]),
    "a category as a kind": (HEAD + "  x: {use: toxic}\n", ["6: 'toxic' is not a kind of detector", "category: toxic"]),
    "competitors beside deny": (HEAD + "  x: {use: topic, deny: [politics], competitors: [Globex]}\n", ["6: deny must be a mapping", "politics: {definition:"]),
    "competitors below deny": (HEAD + "  x: {use: topic, deny: {competitors: [Globex]}}\n", ["'competitors' is a list beside it"]),
    "competitors of terms": (HEAD + "  x: {use: terms, terms: [a], competitors: [Globex]}\n", ["it is a field of use: topic"]),
    "a test among rules": (rule(more="  - input: hello\n    expect: {action: allow}\n"), ["11: this is a test", "below 'tests:'"]),
    "tests in a rule": (rule(more="    tests: []\n"), ["11: 'tests' is not a field of rule 'r'", "at the left margin"]),
    "override by name": (extends("override:\n  hate.block: {when: hate > 0.9}\n"), ["write override: {rules: [{id: hate.block, when: hate > 0.9}]}"]),
    "override in a list": (extends("override:\n  - id: hate.block\n"), ["write override: {rules: [{id: hate.block"]),
    "a space that is none": (HEAD + "rules:\n  - id: r\n  \u00a0 on: input\n", ["looks like a space and is none"]),
    "a tab": (HEAD + "rules:\n\t- id: r\n", ["7: there is a tab"]),
}  # fmt: skip


@each_case("mistake", FILES)
def test_habits_in_files(tmp_path: Path, mistake: str) -> None:
    """The first error names the line, the cause and what to write."""
    text, parts = FILES[mistake]
    error = errors(tmp_path, text)[0]
    assert [part for part in parts if part not in error] == []


def test_a_second_rule_of_one_id_shows_its_other_mistakes_too(tmp_path: Path) -> None:
    """All at once, as everywhere."""
    found = errors(tmp_path, rule(more="  - {id: r, on: inptu, when: haet > 0, then: blok}\n"))
    assert len(found) == 4
    assert "rule 'r' is already defined" in found[0]
