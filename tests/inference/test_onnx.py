"""Sessions of ONNX Runtime: of bytes or files, on one thread."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails.inference.media.voice import SHIPPED
from guardrails.inference.onnx import open_session
from guardrails.inference.safety.folder import ModelError

MODEL = SHIPPED / "model.onnx"


@pytest.mark.parametrize("model", [MODEL, MODEL.read_bytes()], ids=["file", "bytes"])
def test_a_model_is_ready_on_one_thread_that_never_spins(model: Path | bytes) -> None:
    """Whatever machine it runs on."""
    options = open_session(model).get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


def test_what_is_no_model_is_named(tmp_path: Path) -> None:
    """By its file, or by the name that is given."""
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"zqx")
    with pytest.raises(ModelError, match=r"broken\.onnx: "):
        open_session(broken)
    with pytest.raises(ModelError, match=r"encoder\.onnx: "):
        open_session(b"zqx", "encoder.onnx")
