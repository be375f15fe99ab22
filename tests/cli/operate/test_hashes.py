"""`guardrails hashes`."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from guardrails.cli import main
from tests.films import film, plain, shots

ONE = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
TABLE = f"signal_type,signal_str,collab,category,tags\npdq,{ONE},Big,POSITIVE_CLASS,a\nvideo_md5,a1,Big,POSITIVE_CLASS,\n"


@pytest.fixture
def table(tmp_path: Path) -> str:
    """A file as `threatexchange dataset -P --csv` writes it."""
    path = tmp_path / "in.csv"
    path.write_text(TABLE)
    return str(path)


def test_makes_a_list_and_says_what_was_left_out(
    table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """To people and to programs; the list is the same each time."""
    out = tmp_path / "deny.csv"
    assert main(["hashes", "import", table, "--out", str(out)]) == 0
    assert capsys.readouterr().out == (
        f"{out}: 1 entries (1 pdq, 0 sha256)\n  skipped     1: signal type video_md5\n"
    )
    before = out.read_bytes()
    assert main(["hashes", "import", table, table, "-o", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["list"], told["entries"], told["duplicates"]) == (str(out), 1, 1)
    assert told["skipped"] == {"signal type video_md5": 2}
    assert out.read_bytes() == before


def test_shows_what_is_on_a_list(table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Counts and a digest, no hash."""
    out = str(tmp_path / "deny.csv")
    main(["hashes", "import", table, "-o", out])
    capsys.readouterr()
    assert main(["hashes", "show", out]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"{out}: 1 pdq, 0 sha256, ")
    assert ONE not in shown
    assert main(["hashes", "show", out, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["lists"][0]["pdq"] == 1


def test_reads_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What another program prints."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TABLE.encode())))
    assert main(["hashes", "import", "-", "-o", str(tmp_path / "l.csv")]) == 0
    assert "1 entries" in capsys.readouterr().out


def test_what_is_malformed_is_told_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing is written, unless the rest is asked for."""
    bad, out = tmp_path / "bad.txt", tmp_path / "deny.csv"
    bad.write_text(f"pdq {ONE}\npdq {'0' * 32}\nzz\n")
    assert main(["hashes", "import", str(bad), "-o", str(out)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(": ")[0] for line in lines] == [f"{bad}:2:1", f"{bad}:3:1"]
    assert not out.exists()
    assert main(["hashes", "import", str(bad), "-o", str(out), "--keep-going"]) == 0
    told = capsys.readouterr()
    assert f"{bad}:2:1" in told.err
    assert "malformed   2, left out" in told.out
    assert out.exists()


def test_makes_a_list_of_films(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of those of a folder, and of a list that was made before; what is none is told with its name."""
    (tmp_path / "films" / "in").mkdir(parents=True)
    (tmp_path / "films" / "in" / "a.mp4").write_bytes(film(shots(45)))
    (tmp_path / "films" / "black.mkv").write_bytes(film(plain(30, 0), "mkv"))
    out = str(tmp_path / "films.jsonl")
    assert main(["hashes", "import", "--films", str(tmp_path / "films"), "-o", out]) == 0
    told = capsys.readouterr()
    assert told.out.startswith(f"{out}: 2 films (")
    assert told.out.endswith("frames)\n  by file     1, of which no frame says anything\n")
    assert told.err == ""
    assert main(["hashes", "show", "--films", out]) == 0
    assert capsys.readouterr().out.startswith(f"{out}: 2 films, ")
    (tmp_path / "films" / "in" / "a.mp4").write_bytes(b"no film")
    again = ["hashes", "import", "--films", out, str(tmp_path / "films"), "-o", out, "--json"]
    assert main(again) == 2
    assert "a.mp4:1:1: unreadable_film: unsupported_type" in capsys.readouterr().err
    assert main([*again, "--keep-going"]) == 0
    counts = json.loads(capsys.readouterr().out)
    assert (counts["films"], counts["duplicates"], counts["malformed"]) == (2, 1, 1)


def test_adds_pictures_to_a_list(table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """To people and to programs; what is on it stays, and what is no picture is told."""
    out = str(tmp_path / "deny.csv")
    assert main(["hashes", "import", table, "-o", out]) == 0
    capsys.readouterr()
    Image.effect_mandelbrot((200, 150), (-2, -1, 1, 1), 30).save(tmp_path / "one.png")
    Image.new("RGB", (80, 80), "white").save(tmp_path / "blank.png")
    given = ["hashes", "add", str(tmp_path / "one.png"), str(tmp_path / "blank.png"), "-o", out]
    assert main(given) == 0
    assert capsys.readouterr().out == (
        f"{out}: 4 entries, 2 pictures added\n  by file     1, which show too little to be told by\n"
    )
    (tmp_path / "blank.png").write_bytes(b"no picture")
    assert main([*given, "--json"]) == 2
    assert "blank.png:1:1: unreadable_picture" in capsys.readouterr().err
    assert main([*given, "--json", "--keep-going"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["entries"], told["added"], told["known"], told["malformed"]) == (4, 0, 1, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["add", "{}/none.png", "-o", "{}/l.csv"], "none.png: no such file or folder"),
        (["add", "{}/in.csv"], "say where the list goes: --out LIST"),
        (
            ["add", "--films", "{}/in.csv", "-o", "{}/l.csv"],
            "films are put on a list by: hashes import --films",
        ),
        (["import", "--films", "{}/none.mp4", "-o", "{}/l.jsonl"], "none.mp4: no such file or folder"),
        (["import", "--films", "{}", "-o", "{}/l.jsonl"], "there is no film in this folder"),
        (["import", "--films", "{}/in.csv", "-o", "{}/l.jsonl"], "in.csv:1:1: malformed_film"),
        (["import", "--films", "{}/in.csv"], "say where the list goes: --out LIST"),
        (["show", "--films", "{}/in.csv"], "in.csv:1:1: malformed_film"),
        (["import", "{}/in.csv"], "say where the list goes: --out LIST"),
        (["import", "{}/none.json", "-o", "{}/l.csv"], "none.json: No such file"),
        (["import", "{}/empty.txt", "-o", "{}/l.csv"], "nothing to write"),
        (["import", "{}/in.csv", "-o", "{}/no/l.csv"], "l.csv: No such file"),
        (["show", "{}/none.csv"], "none.csv: No such file"),
        (["show", "{}/empty.txt"], "the file has no hash in it"),
    ],
)
def test_what_cannot_be_done_is_told(
    table: str, tmp_path: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """On standard error, with status 2."""
    (tmp_path / "empty.txt").write_text("# nothing\n")
    assert main(["hashes", *(each.format(tmp_path) for each in arguments)]) == 2
    assert message in capsys.readouterr().err
