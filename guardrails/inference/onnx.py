"""Opens sessions of ONNX Runtime that run on one thread that never spins.

Models run beside one another, each on the thread of who asks: threads that spin for work take the time of the others.

From release 1.29 on, ONNX Runtime reports to its makers what it runs, from a thread of its own. `import_runtime` turns that off:
this package sends nothing that nobody asked for, and a process that is forked while that thread lives hangs when it ends.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from pathlib import Path
from typing import Any

from guardrails.inference.safety.folder import ModelError, first_line

_defers: ContextVar[bool] = ContextVar("_defers", default=False)


@contextmanager
def defer_sessions() -> Iterator[None]:
    """Within a block, have models that have a faster tier open the session of the slower one when a text needs it: for who judges
    one text and ends. Who serves finds out at load whether it can be opened.
    """
    token = _defers.set(True)
    try:
        yield
    finally:
        _defers.reset(token)


def defers_sessions() -> bool:
    """Tell whether sessions are opened when they are needed."""
    return _defers.get()


def import_runtime() -> Any:
    """Return the module `onnxruntime`, which reports nothing to anybody.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read once, when it is loaded
    onnxruntime: Any = import_module("onnxruntime")
    onnxruntime.disable_telemetry_events()  # somebody else may have loaded it before
    return onnxruntime


def open_session(model: bytes | Path, name: str = "", weights: Mapping[str, Any] | None = None) -> Any:
    """Return the session of a model.

    Args:
        model: its bytes, or its file.
        name: what an error calls it; by default the name of the file.
        weights: arrays of it, by name, that lie outside of it.

    Raises:
        ModelError: it is no such model.
        ModuleNotFoundError: ONNX Runtime is not installed.
    """
    onnxruntime = import_runtime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    if weights:
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(each) for each in weights.values()]
        options.add_external_initializers([*weights], values)
    said = name or (model.name if isinstance(model, Path) else "")
    try:
        with _readable(model) as given:
            return onnxruntime.InferenceSession(given, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"{said}: {first_line(error)}") from error


@contextmanager
def _readable(model: bytes | Path) -> Iterator[str | bytes]:
    """Yield what a session is made of. Of bytes it would keep a copy for as long as it lives; where the system has files in
    memory, it reads one with these very bytes, which nobody else can change, and keeps none.
    """
    if isinstance(model, Path):
        yield str(model)
        return
    if not hasattr(os, "memfd_create"):
        yield model
        return
    with os.fdopen(os.memfd_create("model"), "wb") as file:
        file.write(model)
        file.flush()
        path = f"/proc/self/fd/{file.fileno()}"
        yield path if os.path.exists(path) else model
