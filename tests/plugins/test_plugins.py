"""The public door for plugins: what it names, and that its example is true."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from guardrails import plugins
from guardrails.registry.installed import GROUPS
from tests.cases import each_case

POLICY = """
format: 1
name: tested
detectors:
  loud: {use: shouting, share: 0.5}
rules:
  - {id: loud, on: input, when: custom.shouting > 0, then: block}
"""


@each_case("name", plugins.__all__)
def test_every_public_name_is_there_and_says_what_it_is(name: str) -> None:
    """Each has a docstring, but for values."""
    found = getattr(plugins, name)
    assert getattr(found, "__doc__", None)


def test_the_registries_are_those_of_the_groups() -> None:
    """Each names the type of what it holds, and the built-in ones are found by the same rules."""
    assert {*plugins.REGISTRIES} <= {*GROUPS}
    for group, registry in plugins.REGISTRIES.items():
        assert registry.group == group
        assert all(registry.find(name) is not None for name in registry.builtin)


def test_the_example_of_its_docstring_works_from_a_file(tmp_path: Path) -> None:
    """The text that a stranger copies is a detector in a file."""
    doc = plugins.__doc__ or ""
    example = doc[doc.index("    from guardrails") : doc.index("Try it with")]
    (tmp_path / "shouting.py").write_text("\n".join(line[4:] for line in example.splitlines()))
    (tmp_path / "shouting.yaml").write_text(POLICY)
    for text, status in (("SOME LOUD TEXT", 1), ("some quiet text", 0)):
        done = subprocess.run(
            [sys.executable, "-m", "guardrails", "check", "--plugin", "shouting.py", "--policy", "shouting.yaml", text],
            cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stderr


def test_importing_it_is_light() -> None:
    """No model, no server, no decoder of films."""
    program = "import sys, guardrails.plugins; print({'torch', 'transformers', 'fastapi', 'av', 'presidio_analyzer'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
