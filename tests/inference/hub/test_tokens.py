"""Tokens of any model: rows are those of the tokenizer itself, windows cover the text and stay as it goes on."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from guardrails.inference.hub.tokens import ModelTokenizer
from guardrails.inference.safety.folder import ModelError
from guardrails.inference.safety.passages import split_passages
from tests.cases import each_case

CORPUS = [
    "the cat sat on the mat.",
    "a dog, a cow and 11 cats ran home!",
    "\u4f60\u597d \u4e16\u754c",
    "Where? There.",
] * 4
ROOM = 12
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.lists(
        st.sampled_from(["the cat. ", "a dog ", "\n\n", "x" * 60, "\u4f60\u597d\u3002", "Where? ", " "]),
        max_size=24,
    ).map("".join),
)


def bert() -> Tokenizer:
    """WordPiece between [CLS] and [SEP]."""
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.train_from_iterator(
        CORPUS, trainers.WordPieceTrainer(vocab_size=200, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    )
    made.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return made


def roberta() -> Tokenizer:
    """Bytes between <s> and </s>, with two </s> between two texts."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet)
    made.train_from_iterator(CORPUS, trainer)
    made.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return made


def deberta() -> Tokenizer:
    """Unigrams of SentencePiece."""
    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.NFKC()
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
    made.train_from_iterator(
        CORPUS, trainers.UnigramTrainer(vocab_size=120, special_tokens=special, unk_token="[UNK]")
    )
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 1), ("[SEP]", 2)],
    )
    return made


def bare() -> Tokenizer:
    """No special tokens at all, as decoders have it."""
    made = roberta()
    made.post_processor = processors.ByteLevel(trim_offsets=False)
    return made


MAKERS: dict[str, Callable[[], Tokenizer]] = {
    "bert": bert,
    "roberta": roberta,
    "deberta": deberta,
    "bare": bare,
}


@pytest.fixture(scope="module", params=MAKERS)
def own(request: pytest.FixtureRequest) -> Tokenizer:
    """A tokenizer of each kind, trained here."""
    return MAKERS[request.param]()


@pytest.fixture(scope="module")
def tokens(own: Tokenizer) -> ModelTokenizer:
    """The same as we read it."""
    return ModelTokenizer(own.to_str().encode())


@given(first=TEXTS, second=TEXTS)
def test_rows_are_those_of_the_tokenizer(
    own: Tokenizer, tokens: ModelTokenizer, first: str, second: str
) -> None:
    """Of one text and of two, special tokens and types included."""
    one, two = tokens.ids(first), tokens.ids(second)
    single, double = own.encode(first), own.encode(first, second)
    assert tokens.row(one).ids == tuple(single.ids)
    assert tokens.row(one).types == tuple(single.type_ids)
    assert tokens.pair(one, two).ids == tuple(double.ids)
    assert tokens.pair(one, two).types == tuple(double.type_ids)
    assert len(single.ids) == len(one) + tokens.single
    assert len(double.ids) == len(one) + len(two) + tokens.double


@given(TEXTS)
def test_windows_touch_cover_the_text_and_have_their_room(tokens: ModelTokenizer, text: str) -> None:
    """No character stands outside of all windows, and none in two; what is repeated comes first in a window."""
    windows = list(tokens.windows(text, ROOM))
    assert [window.start for window in windows[:1]] == [0] * bool(text)
    assert all(before.end == after.start for before, after in pairwise(windows))
    assert [window.end for window in windows[-1:]] == [len(text)] * bool(text)
    for window in windows:
        assert len(window.ids) <= ROOM
        assert window.context <= len(window.ids)


@given(TEXTS)
def test_a_text_that_fits_is_read_as_a_whole(tokens: ModelTokenizer, text: str) -> None:
    """As the model was trained on it, and not by its sentences."""
    windows = list(tokens.windows(text, 4096))
    assert [window.ids for window in windows] == [tokens.ids(text)] * bool(text)


@given(TEXTS)
def test_windows_stay_whatever_passages_follow(tokens: ModelTokenizer, text: str) -> None:
    """A stream is judged in the windows of the whole text, all but the last."""
    whole = list(tokens.windows(text, ROOM))
    for start, _ in split_passages(text):
        begun = list(tokens.windows(text[:start], ROOM))
        assert begun[:-1] == whole[: max(len(begun) - 1, 0)]


def test_special_tokens_in_a_text_are_text(tokens: ModelTokenizer) -> None:
    """Nobody ends a text for the model by writing what ends it."""
    marks = {*tokens.row(()).ids, *tokens.pair((), ()).ids}
    assert not marks & {*tokens.ids("</s> [SEP] <s> [CLS]")}


def test_a_model_of_one_type_gets_one() -> None:
    """Types beyond those that a model has would be none of its rows."""
    tokens = ModelTokenizer(bert().to_str().encode(), pad=7, types=False)
    assert tokens.pad == 7
    assert {*tokens.pair((9,), (9,)).types} == {0}


@each_case(
    ("data", "message"),
    [
        (b"not json", r"tokenizer\.json: "),
        (Tokenizer(models.WordLevel({}, unk_token="[UNK]")).to_str().encode(), r"tokenizer\.json"),
    ],
)
def test_what_makes_no_tokens_is_an_error(data: bytes, message: str) -> None:
    """Neither other bytes nor an empty vocabulary."""
    with pytest.raises(ModelError, match=message):
        ModelTokenizer(data)
