"""The mini's tokenizer has CLIP's layout and encodes every text."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import CLIPTokenizer, CLIPTokenizerFast

from tools.mini import tokenizer as mini

TEXTS = [
    "portrait photo of a young woman, smiling, wearing glasses, blue background, color photo",
    "photo of a 34 year old man, black and white photo",
] * 5
BYTES = 256


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokenizer")
    mini.save(path, mini.train_merges(TEXTS, size=700))
    return path


@pytest.fixture(scope="module")
def fast(folder: Path) -> CLIPTokenizerFast:
    return CLIPTokenizerFast.from_pretrained(folder)


def test_vocabulary_is_laid_out_as_clips(folder: Path) -> None:
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    merges = (folder / "merges.txt").read_text(encoding="utf-8").splitlines()
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    assert tokens[0] == "!"
    assert tokens[BYTES] == "!</w>"
    assert tokens[-2:] == [mini.START, mini.END]
    assert list(vocabulary.values()) == list(range(len(vocabulary)))
    assert merges[0].startswith("#version")
    assert len(tokens) == 2 * BYTES + len(merges) - 1 + 2


def test_learned_words_are_single_tokens(fast: CLIPTokenizerFast) -> None:
    assert fast.tokenize("portrait photo") == ["portrait</w>", "photo</w>"]
    assert fast.tokenize("34") == ["3</w>", "4</w>"]


def test_padding_is_the_end_token(fast: CLIPTokenizerFast) -> None:
    ids = fast("photo", padding="max_length", truncation=True).input_ids
    assert len(ids) == mini.MAX_LENGTH
    assert ids[0] == fast.bos_token_id == len(fast) - 2
    assert set(ids[2:]) == {fast.eos_token_id} == {len(fast) - 1}
    assert fast.pad_token_id == fast.eos_token_id


@pytest.mark.parametrize("text", [*TEXTS[:2], "", "fcsks12, photo of a man", "upper_body (x:1.2)"])
def test_slow_and_fast_agree(folder: Path, fast: CLIPTokenizerFast, text: str) -> None:
    slow = CLIPTokenizer.from_pretrained(folder)
    assert slow(text).input_ids == fast(text).input_ids


visible = st.characters(categories=["L", "N", "P", "S"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(visible, min_size=1, max_size=20))
def test_every_text_has_ids(fast: CLIPTokenizerFast, text: str) -> None:
    inner = fast(text).input_ids[1:-1]
    assert inner
    assert fast.unk_token_id not in inner
