"""Models that write down speech on torch: tiny ones with random weights, as the transformers library saves them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    AddedToken,
    GenerationConfig,
    Wav2Vec2Config,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperTokenizer,
)

from guardrails.detectors import PolicyFolder
from guardrails.detectors.speech.transcript import KIND, TranscriptConfig, TranscriptExtractor
from guardrails.inference.media.speech import SpeechOptions, load_speech_model
from guardrails.inference.safety.folder import ModelError

SOUND = np.random.default_rng(0).normal(0, 0.1, 32_000).astype(np.float32)
LETTERS = ("<pad>", "<s>", "</s>", "<unk>", "|", *"abcdefghijklmnopqrstuvwxyz")
MARKS = (
    *("<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|de|>", "<|translate|>", "<|transcribe|>"),
    *("<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"),
)


@pytest.fixture(scope="module")
def spelling(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny wav2vec2 with letters (CTC)."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("spelling")
    of = Wav2Vec2Config(
        vocab_size=len(LETTERS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        conv_dim=(16, 16), conv_stride=(20, 16), conv_kernel=(20, 16), num_feat_extract_layers=2,
        num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2, pad_token_id=0,
    )  # fmt: skip
    Wav2Vec2ForCTC(of).save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps({letter: at for at, letter in enumerate(LETTERS)}))
    Wav2Vec2CTCTokenizer(str(folder / "vocab.json")).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(return_attention_mask=True).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def writing(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A function that makes a tiny Whisper, with or without what it needs to tell the times of words."""

    def make(*, words: bool) -> Path:
        folder = tmp_path_factory.mktemp("writing")
        letters = {chr(0x100 + at) if at < 33 else chr(at): at for at in range(33, 127)}
        tokenizer = WhisperTokenizer(
            vocab={**letters, **{m: 200 + at for at, m in enumerate(MARKS)}}, merges=[]
        )
        tokenizer.add_tokens([AddedToken(mark, special=True) for mark in MARKS])
        tokenizer.add_tokens([AddedToken(f"<|{at * 0.02:.2f}|>") for at in range(1_501)])
        tokenizer.save_pretrained(folder)
        ids: dict[str, Any] = {mark: tokenizer.convert_tokens_to_ids(mark) for mark in MARKS}
        end, start = ids["<|endoftext|>"], ids["<|startoftranscript|>"]
        marks = {
            "pad_token_id": end,
            "bos_token_id": end,
            "eos_token_id": end,
            "decoder_start_token_id": start,
        }
        torch.manual_seed(0)
        of = WhisperConfig(
            vocab_size=max(tokenizer.get_vocab().values()) + 1, d_model=16, encoder_layers=1, decoder_layers=1,
            encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16,
            max_target_positions=64, suppress_tokens=[], begin_suppress_tokens=[], **marks,
        )  # fmt: skip
        model = WhisperForConditionalGeneration(of)
        model.generation_config = GenerationConfig(max_length=24, max_initial_timestamp_index=50, **marks)
        more: dict[str, Any] = {
            "is_multilingual": True,
            "lang_to_id": {mark: ids[mark] for mark in ("<|en|>", "<|de|>")},
            "task_to_id": {task: ids[f"<|{task}|>"] for task in ("transcribe", "translate")},
            "no_timestamps_token_id": ids["<|notimestamps|>"],
            "prev_sot_token_id": ids["<|startofprev|>"],
            **({"alignment_heads": [[0, 0], [0, 1]]} if words else {}),
        }
        for name, value in more.items():
            setattr(model.generation_config, name, value)
        model.save_pretrained(folder)
        WhisperFeatureExtractor().save_pretrained(folder)
        return folder

    return make


def test_a_model_that_spells(spelling: Path) -> None:
    """Has words with times, and says the same each time; who asks again has the same model."""
    model = load_speech_model(spelling)
    found = model.transcribe(SOUND)
    assert load_speech_model(spelling) is model
    assert found.text == " ".join(word for word, _, _ in found.parts)
    assert all(
        start is not None and end is not None and 0 <= start <= end <= 2.1 for _, start, end in found.parts
    )
    assert model.transcribe(SOUND) == found


@pytest.mark.parametrize("words", [True, False])
def test_a_model_that_writes(writing: Callable[..., Path], words: bool) -> None:
    """Has a text, in the language that it is told, with times."""
    folder = writing(words=words)
    for language in (None, "de"):
        model = load_speech_model(folder, SpeechOptions(language=language))
        found = model.transcribe(SOUND)
        assert isinstance(found.text, str)
        assert found.parts
        assert model.transcribe(SOUND) == found


def test_a_policy_names_a_folder(spelling: Path, spoken: Callable[..., Any]) -> None:
    """What is said has the time of the speech that it is."""
    config = TranscriptConfig(use="transcript", model=spelling.name)
    built = KIND.build("heard", config, _Files(spelling.parent))
    assert isinstance(built, TranscriptExtractor)
    sound = np.concatenate([np.zeros(48_000, np.float32), spoken(2, 1), np.zeros(16_000, np.float32)])
    heard = built.hears([(0, sound)])
    assert heard.error is None
    assert heard.text is not None
    clip = heard.text.clip((0, len(heard.text.text)))
    [(start, end)] = heard.stretches
    assert clip is not None
    assert start <= clip[0] < clip[1] <= end


class _Files(PolicyFolder):
    """A folder without endpoints."""

    def endpoint(self, name: str) -> Any:
        """There is none."""
        raise AssertionError(name)


def test_what_lacks_a_part_is_refused(spelling: Path, tmp_path: Path) -> None:
    """Random numbers would write anything."""
    for each in spelling.iterdir():
        (tmp_path / each.name).write_bytes(each.read_bytes())
    of = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(of | {"num_hidden_layers": 2}))
    with pytest.raises(ModelError, match="the weights lack"):
        load_speech_model(tmp_path)


def test_a_model_of_another_rate_is_refused(spelling: Path, tmp_path: Path) -> None:
    """It would hear everything too high."""
    for each in spelling.iterdir():
        (tmp_path / each.name).write_bytes(each.read_bytes())
    of = json.loads((tmp_path / "preprocessor_config.json").read_text())
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(of | {"sampling_rate": 8_000}))
    with pytest.raises(ModelError, match="hears 8000 Hz"):
        load_speech_model(tmp_path)
