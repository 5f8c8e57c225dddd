"""Templates and fragments: what is told of a message without its text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.detection.fragments import FEWEST_DIGITS, LONGEST_CHARACTERS, MOST_DIGITS, fragment_of
from pipeline.detection.wording import fingerprint, is_same_wording

TEMPLATE = (
    "Hello {name}, thank you for order {order}. Please send me your WhatsApp number so that we can talk about it."
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(
            TEMPLATE.format(name="Anna", order=48213377), TEMPLATE.format(name="Jean-Luc", order=9), id="name and order"
        ),
        pytest.param(TEMPLATE.format(name="anna", order=1), TEMPLATE.format(name="bob", order=22), id="small names"),
        pytest.param(
            TEMPLATE.format(name="Anna", order=1), TEMPLATE.format(name="Anna", order=1).upper().replace("!", ""),
            id="shouted",
        ),
        pytest.param("亲，加微信领取返现红包，联系小王就好", "亲，加微信领取返现红包，联系小李就好", id="Chinese"),
        pytest.param("please add me on telegram", "please add me on telegram!!", id="short"),
    ],
)  # fmt: skip
def test_a_template_is_known_with_other_names_and_numbers(one, other):
    assert is_same_wording(fingerprint(one), fingerprint(other))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param("Could you tell me a phone number for the driver, please? He calls before he comes.", id="a need"),
        pytest.param("Let us move to Telegram, it is easier there and I answer much faster than here.", id="a push"),
    ],
)
def test_another_wording_is_another_template(other):
    assert not is_same_wording(fingerprint(TEMPLATE.format(name="Anna", order=1)), fingerprint(other))


@given(text=st.text(max_size=200))
def test_any_text_has_a_sketch_of_sixteen_digits_or_none(text):
    sketch = fingerprint(text)
    assert sketch is None or re.fullmatch(r"[0-9a-f]{16}", sketch)
    assert sketch == fingerprint(text)


@pytest.mark.parametrize(
    ("text", "digits", "has_prefix"),
    [
        pytest.param("0171", 4, True, id="a prefix"),
        pytest.param("+49 171", 5, True, id="a country code"),
        pytest.param("555", 3, False, id="the middle"),
        pytest.param("then 0132", 4, True, id="with a word"),
        pytest.param("٠١٧١", 4, True, id="Arabic digits"),
        pytest.param("1️⃣7️⃣1️⃣", 3, False, id="keycaps"),
    ],
)
def test_a_message_of_few_digits_is_a_fragment(text, digits, has_prefix):
    assert fragment_of(text) == (digits, has_prefix)


@pytest.mark.parametrize(
    "text",
    ["120 €", "$45", "30 x 40 cm", "at 15:30", "5 days", "10%", "order #4821", "12.06.2026", "3 kg", "ok", "7", "5号"],
)
def test_prices_sizes_times_and_dates_are_none(text):
    assert fragment_of(text).digits == 0


@given(text=st.text(alphabet="0123456789 +-abc", max_size=80))
def test_a_fragment_is_short_and_holds_little_else(text):
    found = fragment_of(text)
    assert found.digits == 0 or (FEWEST_DIGITS <= found.digits <= MOST_DIGITS and len(text) <= LONGEST_CHARACTERS)
