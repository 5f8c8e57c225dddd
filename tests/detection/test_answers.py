"""A no and nothing else, in every language."""

import pytest

from pipeline.detection.packs import load_packs
from pipeline.detection.shipped import shipped_detector


@pytest.fixture(scope="module")
def detector():
    return shipped_detector(has_opinion=False)


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "No.",
        "NO!!!",
        "no thanks 🙏",
        "Nein danke",
        "lieber nicht",
        "non merci",
        "нет, спасибо",
        "いいえ",
        "नहीं",
        "不用了谢谢",
        "ไม่ค่ะ",
    ],
)
def test_a_no_is_known_whatever_stands_around_it(detector, text):
    assert detector.is_bare_no(text)


@pytest.mark.parametrize(
    "text", ["", "🙏", "no problem", "no, is it new?", "nothing", "yes", "nein, der ist blau", "123"]
)
def test_what_says_more_than_no_is_none(detector, text):
    assert not detector.is_bare_no(text)


def test_every_language_can_say_no():
    assert [pack.language for pack in load_packs().packs if not pack.bare_no] == []
