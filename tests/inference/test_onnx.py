"""Sessions of ONNX Runtime: of bytes or files, on one thread."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from guardrails.inference.media.voice import SHIPPED
from guardrails.inference.onnx import open_session
from guardrails.inference.safety.folder import ModelError
from tests.cases import each_case

MODEL = SHIPPED / "model.onnx"


@each_case("model", [MODEL, MODEL.read_bytes()], ids=["file", "bytes"])
def test_a_model_is_ready_on_one_thread_that_never_spins(model: Path | bytes) -> None:
    """Whatever machine it runs on."""
    options = open_session(model).get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


def test_a_session_keeps_no_copy_of_the_bytes_it_was_made_of() -> None:
    """Where the system has files in memory: a copy would cost each model its size once more. None of them stays open."""
    before = {*os.listdir("/proc/self/fd")}
    session = open_session(MODEL.read_bytes(), "model.onnx")
    assert session._model_bytes is None
    assert {*os.listdir("/proc/self/fd")} <= before


def test_what_is_no_model_is_named(tmp_path: Path) -> None:
    """By its file, or by the name that is given."""
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"zqx")
    with pytest.raises(ModelError, match=r"broken\.onnx: "):
        open_session(broken)
    with pytest.raises(ModelError, match=r"encoder\.onnx: "):
        open_session(b"zqx", "encoder.onnx")


def test_the_runtime_reports_nothing_and_a_forked_process_ends() -> None:
    """It has no thread that reports what is run: a process that was forked would wait for that one when it ends."""
    script = """
import os, sys, warnings
warnings.simplefilter("ignore")
from guardrails.inference.onnx import import_runtime
import_runtime()
child = os.fork()
if child == 0:
    sys.exit(0)
print(os.environ["ORT_DISABLE_TELEMETRY"], os.waitpid(child, 0)[1])
"""
    given = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=given, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["1", "0"]
