"""What commands print is known where it follows from the text."""

from __future__ import annotations

from guardrails.detectors.commands.invocation import Invocation
from guardrails.detectors.commands.printed_output import printed_output
from guardrails.detectors.commands.shell_words import DECODED, DOWNLOADED, SECRET, SHELL, UNKNOWN
from tests.cases import each_case

CASES = [
    (["echo", "-n", "a", "b"], "", "a b"),
    (["echo", "-e", "\\x72m"], "", "rm"),
    (["printf", "%s-%s", "a", "b"], "", "a-b"),
    (["printf", "%s ", "a", "b"], "", "a b "),
    (["printf", "\\x72\\x6d"], "", "rm"),
    (["rev"], "mr", "rm"),
    (["tr", "a-z", "b-za"], "ql", "rm"),
    (["tr", "-d", "x"], "rxm", "rm"),
    (["cat"], "a", "a"),
    (["base64", "-d"], "cm0=", "rm" + DECODED),
    (["base64", "-d"], DOWNLOADED, DECODED + DOWNLOADED),
    (["xxd", "-r", "-p"], "726d", "rm" + DECODED),
    (["curl", "https://example.com"], "", DOWNLOADED),
    (["curl", "-o", "x", "https://example.com"], "", ""),
    (["cat", "/etc/shadow"], "", SECRET),
    (["env"], "", SECRET),
    (["find", "/", "-type", "f"], "", "/*"),
    (["find", "/", "-name", "x"], "", UNKNOWN),
    (["openssl", "s_client", "-connect", "h:1"], "", DOWNLOADED),
    (["bash", "-i"], "", SHELL),
    (["frobnicate"], "", UNKNOWN),
]


@each_case(("words", "stdin", "printed"), CASES)
def test_output_is_known(words: list[str], stdin: str, printed: str) -> None:
    """Where it is not, a mark stands for it that says what it is of."""
    assert printed_output(Invocation(words, stdin=stdin)) == printed
