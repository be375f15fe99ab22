"""What an import brings along: heavy modules are imported where they are used, and none that imports back."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import accumulate

import grimp

from tests.cases import each_case

HEAVY = [
    "torch",
    "transformers",
    "presidio_analyzer",
    "fastapi",
    "prometheus_client",
    "av",
    "aiohttp",
    "pydantic",
    "yaml",
    "regex",
    "re2",
    "numpy",
    "onnxruntime",
    "tokenizers",
    "PIL",
    "ahocorasick_rs",
    "cel_expr_python",
    "uvicorn",
    "asyncio",
]


CHECKING = "from guardrails import Guard\nGuard.load().check('x')"


@cache
def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules that a statement brings into a fresh interpreter."""
    script = f"import sys\nbefore = set(sys.modules)\n{statement}\nimport json\nprint(json.dumps(sorted(set(sys.modules) - before)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {name.split(".")[0] for name in json.loads(done.stdout)}


def test_importing_the_package_brings_the_standard_library_alone() -> None:
    """Nothing heavy, and nothing that is not Python's own."""
    loaded = loaded_by("import guardrails")
    assert loaded.isdisjoint(HEAVY)
    assert loaded - sys.stdlib_module_names == {"guardrails"}


@each_case(
    ("module", "others"),
    [("types", set()), ("errors", set()), ("taxonomy", set()), ("keys", set()), ("text", {"re2"})],
)
def test_the_ground_floors_bring_the_standard_library_alone(module: str, others: set[str]) -> None:
    """Every floor above builds on these; views of texts need RE2 as well."""
    assert loaded_by(f"import guardrails.{module}") - sys.stdlib_module_names == {"guardrails", *others}


def test_a_guard_brings_no_server_and_no_model() -> None:
    """The library needs neither, unless a policy names a detector that does."""
    loaded = loaded_by(CHECKING)
    assert loaded.isdisjoint(
        {"torch", "transformers", "presidio_analyzer", "fastapi", "av", "aiohttp", "uvicorn", "PIL"}
    )


def test_nothing_of_telemetry_is_loaded_unless_it_is_switched_on() -> None:
    """A guard loads nothing of OpenTelemetry's; a server no SDK, and nothing of ours. FastAPI loads the API."""
    assert "opentelemetry" not in loaded_by(CHECKING)
    serve = "from guardrails.proxy.server.serve import Settings, create_app\ncreate_app(Settings('http://h', policy='pii-only'))"
    own = "('guardrails.telemetry', 'opentelemetry.sdk', 'opentelemetry.exporter')"
    loaded_by(f"{serve}\nassert not [name for name in sys.modules if name.startswith({own})]")


def test_the_command_that_checks_a_text_brings_no_more_than_the_guard() -> None:
    """It is over in half a second: neither the model of languages nor the encoder's runtime is loaded for what is clear."""
    script = "import sys\nfrom guardrails.cli import main\nout, sys.stdout = sys.stdout, sys.stderr\nmain(['check', 'Hello'])\nsys.stdout = out\nfrom guardrails.detectors.language.language_model import load_language_model\nassert not load_language_model.cache_info().currsize"
    loaded = loaded_by(script)
    assert loaded.isdisjoint(
        {
            "fastapi",
            "starlette",
            "aiohttp",
            "uvicorn",
            "PIL",
            "av",
            "torch",
            "packaging",
            "onnxruntime",
        }
    )


def test_a_guard_of_mcp_on_standard_input_brings_no_server() -> None:
    """An agent starts one for each of its servers."""
    loaded = loaded_by("import guardrails.mcp.guards, guardrails.mcp.transport.stdio")
    assert loaded.isdisjoint({"fastapi", "starlette", "aiohttp", "uvicorn", "numpy", "torch"})


def test_no_module_imports_itself_through_others() -> None:
    """What two modules need of each other stands below both; imports in functions and for types alone count as well, and so do
    the folders that a module lies in, whose `__init__` an import of it runs.
    """
    graph = grimp.build_graph("guardrails", cache_dir=None)
    imports = {
        module: {
            folder
            for imported in graph.find_modules_directly_imported_by(module)
            for folder in accumulate(imported.split("."), "{}.{}".format)
            if not f"{module}.".startswith(f"{folder}.")
        }
        for module in graph.modules
    }
    circle: list[str] = []
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        circle = error.args[1]
    assert not circle, " <- ".join(circle)
