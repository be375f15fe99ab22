"""What kind of media a file is taken for."""

from __future__ import annotations

from pathlib import Path

from guardrails.engine.values.media_types import MEDIA, begins_as_medium, medium, medium_of_path
from tests.cases import each_case


@each_case(("ending", "kind"), [(".png", "image"), (".mp4", "video"), (".wav", "audio")])
def test_a_path_is_taken_for_what_its_name_says(ending: str, kind: str) -> None:
    """Case does not matter, and what has no known ending and is not there is taken for a picture."""
    assert MEDIA[ending].kind == kind
    assert medium_of_path(Path(f"A{ending.upper()}")).kind == kind
    assert medium_of_path(Path("A")).kind == "image"


def test_a_file_without_an_ending_is_what_its_bytes_are(tmp_path: Path) -> None:
    """As where its bytes are given."""
    path = tmp_path / "sound"
    path.write_bytes(b"RIFF\0\0\0\0WAVEfmt ")
    assert medium_of_path(path) is medium(b"RIFF\0\0\0\0WAVEfmt ")
    assert begins_as_medium(path.read_bytes())
    assert not begins_as_medium(b"hello")
