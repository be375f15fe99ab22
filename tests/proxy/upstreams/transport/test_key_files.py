"""Keys in files."""

from __future__ import annotations

import pytest

from guardrails.proxy.upstreams.transport.key_files import file_state, read_key
from tests.cases import each_case


@each_case("written", ["sk-zqx", "sk-zqx\n", "  sk-zqx\r\n\n"])
def test_a_file_holds_a_key_alone(tmp_path_factory, written) -> None:
    """Whatever ends its line."""
    path = tmp_path_factory.mktemp("keys") / "key"
    path.write_text(written)
    assert read_key(str(path)) == "sk-zqx"


@each_case(
    ("written", "why"),
    [
        (b"", "is empty"), (b" \n", "is empty"), (b"key: sk-zqx", "more than one word"), (b"sk\nzqx", "more than one word"),
        ("sk-zqx\u00e9".encode(), "no header can hold"), (b"sk-zqx\0", "no header can hold"), (b"x" * 99_999, "larger than"),
    ],
)  # fmt: skip
def test_what_is_no_key_is_told_without_quoting_it(tmp_path_factory, written, why) -> None:
    """With the name of the file."""
    path = tmp_path_factory.mktemp("keys") / "key"
    path.write_bytes(written)
    with pytest.raises(ValueError, match=why) as raised:
        read_key(str(path))
    assert str(path) in str(raised.value)
    assert "zqx" not in str(raised.value)


def test_a_link_that_leads_elsewhere_is_another_file(tmp_path) -> None:
    """As an orchestrator swaps mounted secrets."""
    (tmp_path / "a").write_text("1")
    (tmp_path / "b").write_text("1")
    link = tmp_path / "key"
    link.symlink_to("a")
    before = file_state(str(link))
    link.unlink()
    assert file_state(str(link)) is None
    link.symlink_to("b")
    assert before not in (None, file_state(str(link)))
