from __future__ import annotations

import pytest

from facechain_ext.dataset.tags import caption_tags

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    "dropped",
    [
        *("1girl", "1boy", "old_man", "young woman", "body freckles", "Nose", "teeth", "3d"),
        *("blue_eyes", "closed eyes", "eyelashes", "red_lips", "lips"),
    ],
)
def test_what_is_always_there_is_left_to_the_trigger_word(dropped: str) -> None:
    assert caption_tags([dropped]) == []


def test_what_comes_and_goes_is_told_in_alphabetical_order() -> None:
    told = caption_tags(["smile", "tinted_eyewear", "1girl", "hat", "earrings", "beard"])
    assert told == ["beard", "earrings", "hat", "smile", "tinted_eyewear"]
