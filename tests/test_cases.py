"""One test of many cases: all run, and each that fails is named."""

from __future__ import annotations

import inspect
import logging
import os
import re
from pathlib import Path

import pytest

from tests.cases import check_each, each_case


def test_every_case_runs_and_each_failure_is_named_with_its_reason() -> None:
    """Also behind one that failed; what the first one failed by stands behind it."""
    ran: list[int] = []

    @each_case(("number", "limit"), [(1, 2), (5, 2), (2, 2), (9, 2)], ids=["one", "five", "two", "nine"])
    def check(number: int, limit: int) -> None:
        ran.append(number)
        if number == 9:
            pytest.fail("nine is no number")
        assert number <= limit, f"{number} is above {limit}"

    with pytest.raises(AssertionError) as caught:
        check()
    said = str(caught.value)
    assert ran == [1, 5, 2, 9]
    assert said.startswith("2 of the cases failed\n")
    assert re.findall(r"^\[(.*?)\]", said, re.MULTILINE) == ["five", "nine"]
    assert "AssertionError\n    5 is above 2" in said
    assert "    nine is no number" in said
    assert str(caught.value.__cause__).startswith("5 is above 2")


@each_case(
    ("ids", "label"), [(None, "'a'"), (str.upper, "A"), (["first"], "first")], ids=["none", "call", "list"]
)
def test_cases_are_named_as_parametrize_names_them(ids, label) -> None:
    """By what is given, by a function of each value, or by the values."""

    @each_case("value", ["a"], ids=ids)
    def check(value: str) -> None:
        raise LookupError(value)

    with pytest.raises(AssertionError, match=rf"\n\[{label}\] .*: LookupError\n    a$"):
        check()


def test_fixtures_and_methods_stay() -> None:
    """Pytest sees the arguments that are no columns; tables can be crossed, and stand in classes."""

    class TestSum:
        @each_case("first", [1, 2])
        @each_case("second", [10, 20])
        def check(self, first: int, second: int, seen: list[int]) -> None:
            seen.append(first + second)

    assert [*inspect.signature(TestSum.check).parameters] == ["self", "seen"]
    seen: list[int] = []
    TestSum().check(seen=seen)
    assert seen == [11, 21, 12, 22]


def test_each_case_has_pytests_fixtures_as_new(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An empty folder, an environment that no case changed, and nothing printed or logged; also where tables are crossed."""
    folders = set()

    @each_case("first", [1, 2])
    @each_case("second", [1, 2])
    def check(
        first: int, second: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys, caplog
    ) -> None:
        assert [*tmp_path.iterdir()] == []
        assert "CASE" not in os.environ
        assert (capsys.readouterr().out, caplog.messages) == ("", [])
        (tmp_path / "here").touch()
        monkeypatch.setenv("CASE", "here")
        print("here")  # noqa: T201
        logging.getLogger("here").warning("here")
        folders.add(tmp_path)

    check(tmp_path=tmp_path, monkeypatch=monkeypatch, capsys=capsys, caplog=caplog)
    assert len(folders) == 4
    assert "CASE" not in os.environ


def test_what_can_be_reset_is_reset_before_each_case() -> None:
    """So an upstream that records what it is asked has been asked nothing."""

    class Upstream:
        def __init__(self) -> None:
            self.asked = ["before"]

        def reset(self) -> None:
            self.asked = []

    @each_case("asked", ["a", "b"])
    def check(asked: str, fake: Upstream) -> None:
        assert fake.asked == []
        fake.asked.append(asked)

    fake = Upstream()
    check(fake=fake)
    assert fake.asked == ["b"]


def test_of_crossed_tables_each_pair_is_named() -> None:
    """As if they were one table."""

    @each_case("first", [1, 2])
    @each_case("second", [1, 2, 3])
    def check(first: int, second: int) -> None:
        assert first != second

    with pytest.raises(AssertionError) as caught:
        check()
    assert re.findall(r"^\[(.*?)\]", str(caught.value), re.MULTILINE) == ["1-1", "2-2"]


def test_a_test_of_no_cases_is_refused() -> None:
    """It would pass for ever."""
    with pytest.raises(ValueError, match="at least one"):
        check_each([], print)


def test_another_number_of_values_or_ids_is_refused() -> None:
    """A row that does not fit its columns fails as a case; ids that do not fit the table fail at once."""

    @each_case(("first", "second"), [(1,)])
    def check(first: int, second: int) -> None:
        """Never called."""

    with pytest.raises(AssertionError, match="1 of the cases failed"):
        check()
    with pytest.raises(AssertionError, match="1 ids for 2 cases"):
        each_case("value", [1, 2], ids=["a"])
