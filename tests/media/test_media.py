"""The floor of media: what importing it brings along, and that it knows nothing of what stands above."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import guardrails.media
from tests.cases import each_case

HOME = Path(guardrails.media.__path__[0])
MODULES = sorted(".".join(path.relative_to(HOME).with_suffix("").parts) for path in HOME.rglob("[a-z]*.py"))


@each_case("heavy", ["PIL", "numpy", "pi_heif"])
def test_importing_it_brings_no_library(heavy: str) -> None:
    """Pillow and numpy are imported where pixels are, so that who checks texts never pays for them."""
    imports = ", ".join(f"guardrails.media.{name}" for name in MODULES)
    program = f"import sys, {imports}; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0


def test_its_front_page_names_what_it_offers() -> None:
    """Each of its folders."""
    told = {line.split()[0] for line in (guardrails.media.__doc__ or "").splitlines() if "→" in line}
    assert told == {path.parent.name for path in HOME.glob("*/__init__.py")}
