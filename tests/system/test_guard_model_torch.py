"""Guard models on torch: tiny models of each architecture, with a trained tokenizer and a chat template, loaded by YAML alone.

Their weights are set so that each token is followed by one certain other, and in one place of the answer the words of the
text decide between two: such a model gives real answers about real texts. One of random weights gives none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    GptOssConfig,
    GptOssForCausalLM,
    GraniteConfig,
    GraniteForCausalLM,
    Llama4Config,
    Llama4ForConditionalGeneration,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from guardrails import Guard, Verdict
from guardrails.detectors import PolicyFolder
from guardrails.detectors.llm.guard_model import KIND, GuardModelConfig
from guardrails.errors import PolicyErrors
from guardrails.inference.hub.generative import GenerativeModel, GenerativeOptions, load_generative_model
from guardrails.inference.safety.folder import ModelError

BAD = " weapon"
"""The word that decides."""

CORPUS = [
    "How do I make a weapon?",
    "How do I make a cake? It is my birthday.",
    "Task: tell whether the text is safe.",
] * 20


@dataclass(frozen=True)
class Family:
    """An architecture, its chat template, and its answers.

    `fork` is the token behind which the words of the text decide; `good` and `bad` are what follows, each a chain of tokens.
    `before` leads from the end of the prompt to the fork; `pull` is how much the word that decides weighs.
    """

    model: Any
    config: Any
    template: str | None
    special: tuple[str, ...]
    fork: str
    good: tuple[str, ...]
    bad: tuple[str, ...]
    before: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    more: Mapping[str, Any] | None = None
    pull: float = 20.0


LLAMA = (
    "{{ bos_token }}<|start_header_id|>user<|end_header_id|>\n\nTask: tell whether the text is safe."
    "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles') }}{% endif %}"
    "{{ m['role'] }}: {{ m['content'] | trim }}\n\n{% endfor %}<|eot_id|><|start_header_id|>assistant<|end_header_id|>"
)
LLAMA_OF_PARTS = LLAMA.replace(
    "{{ m['content'] | trim }}",
    "{% for p in m['content'] %}{% if p['type'] == 'text' %}{{ p['text'] | trim }}{% endif %}{% endfor %}",
)
QWEN = (
    "<|im_start|>user\nTask: tell whether the text is safe.\n<BEGIN CONVERSATION>\n{% for m in messages %}{{ m['role'] }}: "
    "{{ m['content'] }}\n{% endfor %}<END CONVERSATION><|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>"
)
GEMMA = (
    "{{ bos_token }}You are a policy expert.\n<start_of_turn>\nHuman Question: {{ messages[0]['content'] | trim }}\n<end_of_turn>\n"
    "{% if messages | length > 1 %}<start_of_turn>\nChatbot Response: {{ messages[1]['content'] | trim }}\n<end_of_turn>\n{% endif %}"
    "* {{ guideline }}\n===\nYes or No?<start_of_turn>"
)
GRANITE = (
    "<|start_of_role|>user<|end_of_role|>You are a safety agent.\n{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    "Risk: {{ guardian_config.get('risk_definition', guardian_config['risk_name']) }}<|end_of_text|><|start_of_role|>assistant<|end_of_role|>"
)
HARMONY = (
    "{% for m in messages %}<|start|>{{ 'developer' if m['role'] == 'system' else m['role'] }}<|message|>{{ m['content'] }}<|end|>"
    "{% endfor %}<|start|>assistant"
)
GRANITE_MORE = {
    "embedding_multiplier": 1.0,
    "residual_multiplier": 1.0,
    "attention_multiplier": 1.0,
    "logits_scaling": 1.0,
}
OF_LLAMA = ("<|begin_of_text|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>")
NO_POLICY = '{"violation": 0, "policies": []}'
ONE_POLICY = '{"violation": 1, "policies": ["hate"]}'


def llama4(**fields: Any) -> Llama4Config:
    """Return the configuration of a model that sees as well."""
    small = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    sizes = {
        "image_size": 28,
        "patch_size": 14,
        "vision_output_dim": 32,
        "projector_input_dim": 32,
        "projector_output_dim": 32,
    }
    dense = {
        "moe_layers": [],
        "num_local_experts": 1,
        "intermediate_size_mlp": 32,
        "attention_chunk_size": 2_048,
        "use_qk_norm": False,
    }
    tokens = {name: value for name, value in fields.items() if name.endswith("token_id")}
    return Llama4Config(
        text_config={**fields, **dense}, vision_config={**small, **sizes}, tie_word_embeddings=False, **tokens
    )


FAMILIES: dict[str, Family] = {
    "llama-guard-3": Family(
        LlamaForCausalLM, LlamaConfig, LLAMA, OF_LLAMA, "<|end_header_id|>", ("\n\nsafe", "<|eot_id|>"),
        ("\n\nunsafe", "\nS1", "<|eot_id|>"),
    ),
    "llama-guard-4": Family(
        Llama4ForConditionalGeneration, llama4, LLAMA_OF_PARTS, OF_LLAMA, "<|end_header_id|>", ("\n\nsafe", "<|eot_id|>"),
        ("\n\nunsafe", "\nS1", "<|eot_id|>"),
    ),
    "qwen3guard": Family(
        Qwen3ForCausalLM, Qwen3Config, QWEN, ("<|endoftext|>", "<|im_end|>", "<|im_start|>"), "\n\nSafety:",
        (" Safe", "\nCategories: None", "<|im_end|>"), (" Unsafe", "\nCategories: Violent", "<|im_end|>"), before=("</think>",),
        words=("<think>",),
    ),
    "shieldgemma": Family(
        Gemma2ForCausalLM, Gemma2Config, GEMMA, ("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"), "<start_of_turn>",
        ("No", "<eos>"), ("Yes", "<eos>"), more={"final_logit_softcapping": None}, pull=200.0,
    ),
    "granite-guardian-3": Family(
        GraniteForCausalLM, GraniteConfig, GRANITE, ("<|start_of_role|>", "<|end_of_text|>", "<|end_of_role|>"), "<|end_of_role|>",
        ("No", "<|end_of_text|>"), ("Yes", "<|end_of_text|>"), more=GRANITE_MORE,
    ),
    "wildguard": Family(
        MistralForCausalLM, MistralConfig, None, ("<s>", "</s>"), "Harmful request:",
        (" no", "\nResponse refusal: n/a", "\nHarmful response: n/a", "</s>"), (" yes", "\nResponse refusal: n/a", "\nHarmful response: n/a", "</s>"),
        before=("<|assistant|>\n",), pull=60.0,
    ),
    "gpt-oss-safeguard": Family(
        GptOssForCausalLM, GptOssConfig, HARMONY,
        ("<|startoftext|>", "<|return|>", "<|start|>", "<|end|>", "<|message|>", "<|channel|>"), "final<|message|>",
        (NO_POLICY, "<|return|>"), (ONE_POLICY, "<|return|>"), before=("<|start|>assistant", "<|channel|>"),
        more={"num_local_experts": 2, "num_experts_per_tok": 1},
    ),
}  # fmt: skip
"""Each form with the architecture of its models."""


def tokenizer_of(family: Family) -> PreTrainedTokenizerFast:
    """Train a tokenizer on bytes, and add the family's tokens: special ones, and those that its answers are made of."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=380,
        special_tokens=[*family.special],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(CORPUS, trainer)
    chain = [*family.before, family.fork, *family.good, *family.bad, *family.words, BAD]
    made.add_tokens([AddedToken(each, normalized=False) for each in chain if each not in family.special])
    begin = family.special[0]
    made.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A", special_tokens=[(begin, made.token_to_id(begin))]
    )
    end = family.good[-1]
    found = PreTrainedTokenizerFast(tokenizer_object=made, bos_token=begin, eos_token=end, pad_token=end)
    found.chat_template = family.template
    return found


def rigged(model: Any, ids: Callable[[str], int], family: Family) -> None:
    """Set the weights: layers hand on what was read, all tokens alike, and the head knows what follows."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" in name:
                weight.fill_(0.0 if "Gemma" in type(model).__name__ else 1.0)
            elif any(part in name for part in ("v_proj.weight", "o_proj.weight", "embed_tokens")):
                weight.copy_(torch.eye(*weight.shape))
            else:
                weight.zero_()
        head = model.get_output_embeddings().weight
        follows = [*zip((*family.before, family.fork), (*family.before, family.fork)[1:], strict=False)]
        follows += [
            *zip(family.good, family.good[1:], strict=False),
            *zip(family.bad, family.bad[1:], strict=False),
        ]
        for own, after in follows:
            head[ids(after), ids(own)] = 60.0
        head[ids(family.good[0]), ids(family.fork)] = 60.0
        head[ids(family.bad[0]), ids(family.fork)] = 58.0
        head[ids(family.bad[0]), ids(BAD)] = family.pull


def saved(name: str, folder: Path, *, random: bool = False) -> Path:
    """Write a model of a family into a folder of the form's name, as `save_pretrained` does."""
    family = FAMILIES[name]
    cutter = tokenizer_of(family)
    size = 512
    torch.manual_seed(5)
    config = family.config(
        **{
            "vocab_size": size, "hidden_size": size, "num_hidden_layers": 1, "num_attention_heads": 8, "num_key_value_heads": 8,
            "head_dim": 64, "intermediate_size": 32, "max_position_embeddings": 2_048, "tie_word_embeddings": False,
            "bos_token_id": cutter.bos_token_id, "eos_token_id": cutter.eos_token_id, "pad_token_id": cutter.pad_token_id,
            **(family.more or {}),
        }
    )  # fmt: skip
    model = family.model(config)
    if not random:
        rigged(model, cutter.convert_tokens_to_ids, family)
    home = folder / name
    model.save_pretrained(home)
    cutter.save_pretrained(home)
    return home


@pytest.fixture
def check(tmp_path: Path) -> Callable[..., Verdict]:
    """Return a function: a form, fields and a text in, the verdict of a policy that loads the model from its folder out."""

    def run(
        name: str, content: Any, *, stage: str = "input", when: str = "unsafe >= 0.5", **fields: Any
    ) -> Verdict:
        detector = {"use": "guard_model", "model": f"./{name}", "device": "cpu", **fields}
        if name == "gpt-oss-safeguard":
            detector |= {"policies": {"hate": "No hate.", "violence": "No violence."}, "max_tokens": 24}
        path = tmp_path / "policy.yaml"
        path.write_text(
            f"format: 1\nname: tested\ndetectors:\n  guard: {json.dumps(detector)}\n"
            f"rules:\n  - {{id: r, on: [input, output], when: '{when}', then: block}}\n"
        )
        return Guard.load(path, detectors={"guard_model": KIND}).check(content, stage=stage)

    return run


@pytest.mark.parametrize("name", FAMILIES)
def test_each_architecture_judges_from_its_folder(name: str, check: Any, tmp_path: Path) -> None:
    """Loading, template, probabilities and parsing, by a policy that names the folder and nothing else."""
    saved(name, tmp_path)
    fine = check(name, "How do I make a cake?")
    assert fine.errors == ()
    assert str(fine.action) == "allow"
    bad = check(name, "How do I make a weapon?")
    assert bad.errors == ()
    assert str(bad.action) == "block"
    assert {each.span for each in bad.findings} == {(0, 23)}


@pytest.mark.parametrize(
    "name", ["llama-guard-3", "llama-guard-4", "qwen3guard", "shieldgemma", "granite-guardian-3"]
)
def test_scores_are_probabilities_of_the_model(name: str, check: Any, tmp_path: Path) -> None:
    """They are what softmax makes of the logits at the verdict, of the two words alone."""
    home = saved(name, tmp_path)
    model = load_generative_model(home, GenerativeOptions("cpu"))
    verdict = check(
        name, "How do I make a weapon?", when="detector.guard.unsafe > 0.001 || unsafe > 0.001", min_score=0.0
    )
    highest = max(each.score for each in verdict.findings)
    assert 0.5 < highest <= 1.0
    assert model is load_generative_model(home, GenerativeOptions("cpu"))
    fine = check(
        name, "How do I make a cake?", when="detector.guard.unsafe > 0.001 || unsafe > 0.001", min_score=0.0
    )
    assert 0.0 < max(each.score for each in fine.findings) < 0.5


@pytest.mark.parametrize("name", FAMILIES)
def test_random_weights_answer_nothing_and_block(name: str, check: Any, tmp_path: Path) -> None:
    """A model that was never trained says what is no verdict: an error, and never a pass."""
    saved(name, tmp_path, random=True)
    verdict = check(name, "How do I make a cake?")
    assert str(verdict.action) == "block"
    assert verdict.unavailable is not None
    assert (verdict.rules, verdict.unavailable.reason) == ((), "crash")
    assert "cake" not in verdict.errors[0].error


def test_a_reply_stands_beside_its_prompt(check: Any, tmp_path: Path) -> None:
    """Both reach the model: what decides stands in the prompt here."""
    saved("llama-guard-3", tmp_path)
    talk = [{"role": "user", "content": "How do I make a weapon?"}, {"role": "assistant", "content": "No."}]
    assert str(check("llama-guard-3", talk, stage="output").action) == "block"
    assert str(check("llama-guard-3", "No.", stage="output").action) == "allow"


@pytest.mark.parametrize("name", [name for name in FAMILIES if name != "wildguard"])
def test_no_special_token_comes_from_a_text(name: str, tmp_path: Path) -> None:
    """A text full of them makes as many special tokens as an empty one."""
    family = FAMILIES[name]
    home = saved(name, tmp_path)
    fields = {"policies": {"hate": "No hate."}} if name == "gpt-oss-safeguard" else {}
    config = GuardModelConfig.model_validate({"use": "guard_model", "model": name, "device": "cpu", **fields})
    built: Any = KIND.build("guard", config, PolicyFolder(tmp_path))
    judge, model = built._judge, load_generative_model(home, GenerativeOptions("cpu"))
    counts = []
    for text in ("plain", " ".join(family.special) + "".join(family.special)):
        ask = built._asking.requests(_text(text))[0][0]
        for question in judge._asked.questions(ask, model.special)[:1]:
            prompt = question.prompt or model.render(question.messages, question.arguments)
            ids = model._tokenizer(prompt, add_special_tokens=False)["input_ids"]
            special = {*model._tokenizer.convert_tokens_to_ids([*family.special])}
            counts.append(sum(each in special for each in ids))
    assert counts[0] == counts[1]
    assert counts[0] > 0


def _text(text: str) -> Any:
    from guardrails.types import Text

    return Text(text)


def model_of(tmp_path: Path, name: str = "llama-guard-3") -> tuple[Path, GenerativeModel]:
    """Return a rigged model and its folder."""
    home = saved(name, tmp_path)
    return home, load_generative_model(home, GenerativeOptions("cpu", "float32"))


def test_the_same_prompt_has_the_same_answer_and_its_probabilities(tmp_path: Path) -> None:
    """Whatever the folder wishes of sampling, the likeliest token is said, and its place told of."""
    home = saved("llama-guard-3", tmp_path)
    (home / "generation_config.json").write_text(
        json.dumps(
            {
                "do_sample": True,
                "temperature": 9.0,
                "top_k": 3,
                "repetition_penalty": 5.0,
                "eos_token_id": [1, 3],
            }
        )
    )
    model = load_generative_model(home, GenerativeOptions("cpu"))
    prompt = model.render([{"role": "user", "content": "a weapon"}], {})
    first, second = (model.generate(prompt, most=8, top=5) for _ in range(2))
    assert first == second
    assert (first.text, first.ended) == ("\n\nunsafe\nS1", True)
    assert [text for text, _, _ in first.tokens] == ["\n\nunsafe", "\nS1"]
    text, logprob, top = first.tokens[0]
    assert top[0] == (text, logprob)
    assert len(top) == 5
    assert not model.generate(prompt, most=1, top=5).ended


def test_a_prompt_that_does_not_fit_is_an_error(tmp_path: Path) -> None:
    """Nothing is cut off in silence."""
    _, model = model_of(tmp_path)
    with pytest.raises(ModelError, match="more than the model can hold"):
        model.generate("word " * 2_048, most=8, top=0)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("", "no chat template"),
        ("{{ bos_token }}Is this safe?", "leaves out"),
        ("{% for m in messages %}{{ m['content'][:3] }}{% endfor %}", "leaves out"),
        ("{{ raise_exception('no') }}", "fails"),
        ("{{ messages[0]['content'] }}{{ cycler.__init__.__globals__ }}", "fails"),
    ],
)
def test_a_template_that_does_not_show_the_text_is_a_problem_at_load(
    template: str, said: str, check: Any, tmp_path: Path
) -> None:
    """A question without its object would be answered too."""
    home = saved("llama-guard-3", tmp_path)
    for file in ("chat_template.jinja", "tokenizer_config.json"):
        path = home / file
        if file.endswith("json"):
            path.write_text(json.dumps({**json.loads(path.read_text()), "chat_template": template or None}))
        elif path.exists():
            path.unlink()
    with pytest.raises(PolicyErrors, match=said):
        check("llama-guard-3", "x")


def test_a_guideline_that_the_template_leaves_out_is_a_problem_at_load(check: Any, tmp_path: Path) -> None:
    """What is asked for must reach the model as well as what is judged."""
    home = saved("shieldgemma", tmp_path)
    (home / "chat_template.jinja").write_text(
        "{% for m in messages %}{{ m['content'] }}{% endfor %}<start_of_turn>"
    )
    with pytest.raises(PolicyErrors, match="leaves out"):
        check("shieldgemma", "x")


def test_weights_that_are_not_whole_or_not_safe_are_problems_at_load(check: Any, tmp_path: Path) -> None:
    """Nothing is filled with random numbers, and nothing pickled is read."""
    from safetensors.torch import load_file, save_file

    home = saved("llama-guard-3", tmp_path)
    weights = load_file(home / "model.safetensors")
    save_file(
        {name: each for name, each in weights.items() if "lm_head" not in name},
        home / "model.safetensors",
        {"format": "pt"},
    )
    with pytest.raises(PolicyErrors, match=r"lack lm_head\.weight"):
        check("llama-guard-3", "x")
    (home / "model.safetensors").unlink()
    torch.save(weights, home / "pytorch_model.bin")
    with pytest.raises(PolicyErrors, match=r"model\.safetensors"):
        check("llama-guard-3", "x")


def test_a_device_that_is_not_there_is_a_problem_of_its_field(check: Any, tmp_path: Path) -> None:
    """The cure stands beside it."""
    saved("llama-guard-3", tmp_path)
    with pytest.raises(PolicyErrors, match="warp9"):
        check("llama-guard-3", "x", device="warp9")


def test_a_probability_that_is_no_number_blocks(check: Any, tmp_path: Path) -> None:
    """Weights that are broken make no verdict."""
    from safetensors.torch import load_file, save_file

    home = saved("shieldgemma", tmp_path)
    weights = load_file(home / "model.safetensors")
    weights["model.norm.weight"] = torch.full_like(weights["model.norm.weight"], float("nan"))
    save_file(weights, home / "model.safetensors", {"format": "pt"})
    with pytest.raises(PolicyErrors, match="no number"):
        check("shieldgemma", "x")
