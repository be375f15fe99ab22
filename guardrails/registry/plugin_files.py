"""What a Python file offers: the objects of its top level whose types can be registered, each under its own `name`.

This is for trying a plugin before it is a package: `guardrails check --plugin ./mine.py`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from guardrails.cancellation import is_interrupt
from guardrails.registry.sources import PluginError, PluginOrigin

_loaded: dict[tuple[Path, str], ModuleType] = {}


def load_file(path: Path) -> tuple[ModuleType, str]:
    """Run a Python file, once for what it holds; return its module and the beginning of its SHA-256.

    Raises:
        PluginError: it cannot be read, or fails.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PluginError("unknown_plugin", f"{path}: {error.strerror or error}") from error
    digest = hashlib.sha256(data).hexdigest()[:16]
    if (path, digest) in _loaded:
        return _loaded[path, digest], digest
    name = f"guardrails_plugin_{path.stem}_{digest}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # a path that ends in .py has one
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pydantic look their modules up
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if is_interrupt(error):
            raise
        line = _line(error, path)
        raise PluginError("plugin_failed", f"{path}{line}: {type(error).__name__}: {error}") from error
    _loaded[path, digest] = module
    return module, digest


def _line(error: BaseException, path: Path) -> str:
    """Return the line of the file at which it failed, as messages show it."""
    line, trace = getattr(error, "lineno", None), error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return "" if line is None else f":{line}"


def find_objects(path: Path, kind: type) -> dict[str, tuple[object, PluginOrigin]]:
    """Return the objects of a type at the top level of a file, by their `name`, with where they come from.

    Raises:
        PluginError: the file fails, or has two of one name.
    """
    module, digest = load_file(path)
    found: dict[str, tuple[object, PluginOrigin]] = {}
    for attribute, value in vars(module).items():
        if not isinstance(value, kind) or (name := getattr(value, "name", None)) is None:
            continue
        if name in found and found[name][0] is not value:
            raise PluginError("duplicate_plugin", f"{path} has two plugins of the name {name!r}")
        found.setdefault(name, (value, PluginOrigin(path.name, digest, attribute)))
    return found
