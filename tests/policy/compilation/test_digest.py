"""What the digest of a policy covers."""

from __future__ import annotations

from pathlib import Path

from tests.cases import each_case
from tests.policy.compile_kit import HEAD, RULE, compiled


@each_case(
    "text",
    [
        HEAD.replace("name: t", "name: u") + RULE,
        HEAD + "version: 2\n" + RULE,
        HEAD.replace("[foo]", "[bar]") + RULE,
        HEAD.replace("use: pii", "use: secrets") + RULE,
        HEAD + RULE.replace("> 0", "> 0.5"),
        HEAD + RULE.replace("then: block", "then: redact, with: mask"),
        HEAD + RULE + "unchecked: {part: allow}\n",
        HEAD + RULE + "limits: {characters: 7}\n",
        HEAD + RULE + "history: block\n",
        HEAD + RULE + "exceptions:\n  - {id: e, rules: [r], reason: x}\n",
    ],
)
def test_the_digest_covers_whatever_changes_a_verdict(tmp_path: Path, text: str) -> None:
    """Any change of what is judged changes the digest; comments, layout and tests do not."""
    base = compiled(tmp_path, HEAD + RULE).ref.digest
    assert compiled(tmp_path, text).ref.digest != base
    same = "# a comment\n" + HEAD + RULE.replace("{id: r, on: input,", "{on: input, id: r,")
    assert compiled(tmp_path, same + "tests:\n  - {input: foo, expect: {action: block}}\n").ref.digest == base


def test_the_digest_says_only_of_records_what_a_policy_says(tmp_path: Path) -> None:
    """What is kept of people is in it; the digests of policies without it stay what they were."""
    base = compiled(tmp_path, HEAD + RULE)
    digests = {base.ref.digest}
    for written, keeps in (("false", False), ("flagged", "flagged"), ("true", True)):
        found = compiled(tmp_path, f"{HEAD}{RULE}records: {{content: {written}}}\n")
        assert found.keeps_content == keeps
        digests.add(found.ref.digest)
    assert base.keeps_content is False
    assert compiled(tmp_path, HEAD + RULE + "records: {}\n").ref.digest == base.ref.digest
    assert len(digests) == 3


def test_the_digest_says_parallel_only_where_it_is(tmp_path: Path) -> None:
    """No verdict depends on it, but what a provider has seen does."""
    text = HEAD + RULE + "history: block\n"
    plain = compiled(tmp_path, text).ref.digest
    assert compiled(tmp_path, text + "parallel: false\n").ref.digest == plain
    assert compiled(tmp_path, text + "parallel: true\n").ref.digest != plain


def test_the_digest_covers_files(tmp_path: Path) -> None:
    """A changed list is another policy."""
    text = HEAD.replace("terms: [foo]", "file: t.txt") + RULE
    (tmp_path / "t.txt").write_text("foo\n")
    first = compiled(tmp_path, text).ref.digest
    (tmp_path / "t.txt").write_text("bar\n")
    assert compiled(tmp_path, text).ref.digest != first
