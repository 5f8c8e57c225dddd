"""Text to detection: tricks undone, numbers told from other digits, and places that fit the message as written."""

from base64 import b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.detection.detector import Detector
from pipeline.detection.packs import load_packs
from pipeline.detection.shipped import shipped_detector
from schemas.vocabulary import Act, Channel, Sender

DETECTOR = Detector.of(load_packs(languages=["en"]))
SHIPPED = shipped_detector()
SENDERS = st.sampled_from(Sender)
PIECES = (
    "your phone number", "wh4ts4pp", "w h a t s a p p", "415 555 0132", "４１５", "4️⃣1️⃣5️⃣", "four one five", "call me",
    "&#52;", "%34", "dGV4dCA0MTUgNTU1IDAxMzI=", "“", '"', ". ", "\n", "?", "order", "a@b.example", "wa.me/14155550132",
    "加微信", "\u200b",
    "+", "(", "not", "@", "٠١٢", "🙂", "ﬁ", "ß", "İ", "e\u0301", "\ud800", "\x00",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=12), max_size=14).map(" ".join)


def seller_says(text, *regions):
    return DETECTOR.detect(text, Sender.SELLER, regions or ("US",))


def assert_is_undone(found, technique):
    assert found.solicits or found.shares_contact
    assert technique in found.techniques


@pytest.mark.parametrize(
    ("text", "technique"),
    [
        pytest.param("wh4ts4pp me please", "leet", id="leet"),
        pytest.param("write me on w h a t s a p p", "spaced_letters", id="spaced"),
        pytest.param("write me on t.e.l.e.g.r.a.m", "spaced_letters", id="points between"),
        pytest.param("text me on whats\u200bapp", "zero_width", id="zero width"),
        pytest.param("text me on whаtsаpp", "homoglyph", id="two Cyrillic letters"),
        pytest.param("text me on 𝐰𝐡𝐚𝐭𝐬𝐚𝐩𝐩", "homoglyph", id="mathematical letters"),
        pytest.param("your ｐｈｏｎｅ ｎｕｍｂｅｒ please", "fullwidth", id="full width"),
        pytest.param("text me on whaaaatsaaaapp", "elongation", id="drawn out"),
        pytest.param("text me on tele🙂gram", "emoji", id="an emoji between"),
        pytest.param("text me on ppastahw", "reversed", id="backwards"),
        pytest.param("ruoy rebmun enohp esaelp", "reversed", id="all words backwards"),
        pytest.param("s3nd m3 ur t3l n0w", "leet", id="short words"),
        pytest.param("click wa.me/14155550132", "url", id="link"),
        pytest.param("call &#52;&#49;&#53; 555 0132", "html", id="entities"),
        pytest.param("decode it: dGV4dCA0MTUgNTU1IDAxMzI=", "base64", id="base64"),
        pytest.param("call four one five five five five oh one three two", "digit_words", id="digits in words"),
        pytest.param("my cell 415 then 555 then 0132", "filler_words", id="words between"),
        pytest.param("my cell ٤١٥ ٥٥٥ ٠١٣٢", "script_digits", id="Arabic digits"),
        pytest.param("my cell 4️⃣1️⃣5️⃣ 555 0132", "keycaps", id="keycaps"),
    ],
)
def test_a_trick_is_undone_and_named(text, technique):
    assert_is_undone(seller_says(text), technique)


@pytest.mark.parametrize(
    ("text", "is_share"),
    [
        pytest.param("@torben_hh which of the lamps are lit right now?", False, id="first"),
        pytest.param("Moin @torben_hh, which of the lamps are lit right now?", False, id="behind a greeting"),
        pytest.param("Insta @torben_hh, I show more of the lamps there", True, id="behind a channel"),
        pytest.param("Moin @torben_hh shows more of the lamps right there", True, id="in the midst of a sentence"),
    ],
)
def test_a_name_that_a_public_reply_is_for_is_no_contact(text, is_share):
    assert seller_says(text).shares_contact is is_share


@pytest.mark.parametrize(
    ("text", "technique"),
    [
        pytest.param("¿teléf0no?", "leet", id="a word that begins as a known one"),
        pytest.param("加L1N3私下聊吧", "leet", id="Latin within Chinese"),
        pytest.param("צרפי אותי ב-L1N3 ונדבר", "leet", id="Latin within Hebrew"),
        pytest.param("בוא נ.ד.ב.ר רגע בעל פה", "spaced_letters", id="points within a short word"),
        pytest.param(b64encode("ขอเบอร์โทรศัพท์ของคุณหน่อยครับ".encode()).decode(), "base64", id="base64 of Thai"),
        pytest.param(b64encode(("Добрый день! " * 15 + "Дайте номер").encode()).decode(), "base64", id="long base64"),
    ],
)
def test_a_trick_is_undone_in_every_script(text, technique):
    assert_is_undone(SHIPPED.detect(text, Sender.SELLER), technique)


@pytest.mark.parametrize(
    ("text", "region"),
    [
        pytest.param("2 for 30, 3 for 45, 6 for 80", "GB", id="prices of several"),
        pytest.param("size 8 one 9 one 10 one 11 one", "US", id="sizes"),
        pytest.param("Bestellung 12345 eine 6789012", "DE", id="an article between"),
        pytest.param("2월 3일 5시 오 6시", "KR", id="times"),
        pytest.param("năm 2024 hai 3000 một 500", "VN", id="a year and prices"),
    ],
)
def test_figures_with_articles_between_are_no_number(text, region):
    assert not SHIPPED.detect(text, Sender.SELLER, (region,)).mentions


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("call four one five five five five oh one three two", id="words"),
        pytest.param("call 4 1 5. 5 5 5. 0 1 3 2", id="single digits"),
        pytest.param("call (415) 555-0132", id="plainly"),
        pytest.param("call +1 415 555 0132", id="with country"),
        pytest.param("my cell is 4l5 555 O132", id="letters for digits"),
        pytest.param("call me: 2310 555 514 read it backwards", id="backwards"),
        pytest.param("https://wa.me/14155550132", id="link"),
        pytest.param("call four fifteen triple five oh one thirty two", id="tens and triples"),
        pytest.param("call me at 4155 five 50 one 32", id="words among figures"),
        pytest.param("my cell is 4l555 50l32", id="more letters than digits"),
        pytest.param("my new number is a new one 415 555 0132", id="one before figures is none"),
        pytest.param("c4ll me at 415 55S 0132", id="letters for digits beside leet"),
    ],
)
def test_a_number_is_found_however_it_is_written(text):
    assert [mention.e164 for mention in seller_says(text).mentions] == ["+14155550132"]


@pytest.mark.parametrize(
    ("text", "region", "e164"),
    [
        pytest.param("我的电话一38零0138零零零", "CN", "+8613800138000", id="Chinese"),
        pytest.param("số mình tám bốn 9 8 1 hai 3 bốn năm 6 7", "VN", "+84981234567", id="Vietnamese"),
        pytest.param("전화번호 공10 팔6오4 삼210", "KR", "+821086543210", id="Korean"),
        pytest.param("me chama no zap um um nove três quatro cinco seis sete oito nove zero", "BR", "+5511934567890",
                     id="a Portuguese one that begins with the article"),
        pytest.param("mit nummer er to fire to fem to seks to syv", "DK", "+4524252627", id="Danish to is two"),
        pytest.param("a számom nulla hat három nulla öt hat hét nyolc kilenc nulla egy", "HU", "+36305678901",
                     id="three and zero are no three zeros"),
        pytest.param("3일 01012345678", "KR", "+821012345678", id="a Korean day is no one"),
        pytest.param("田中さん 0 3 1234 5678", "JP", "+81312345678", id="Mr Tanaka is no three"),
        pytest.param("โทร 081 แล้วก็ 234 แล้วก็ 5678", "TH", "+66812345678", id="a filler is one, however many letters"),
    ],
)  # fmt: skip
def test_a_number_in_words_and_figures_is_found_in_every_language(text, region, e164):
    assert [mention.e164 for mention in SHIPPED.detect(text, Sender.SELLER, (region,)).mentions] == [e164]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("first half 07700, the rest in my next message", id="begins as a number does"),
        pytest.param("my number starts with 415, the rest is on the photo", id="a contact beside its parts"),
        pytest.param("send me the first three digits now and the last seven later", id="asked for in parts"),
        pytest.param(
            "four one five, well anyway, five five five and, as grandma used to say, oh one three two",
            id="told in words far apart",
        ),
    ],
)
def test_a_number_in_pieces_is_a_contact(text):
    found = seller_says(text)
    assert found.solicits or found.shares_contact


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Your order 4711-2231 is packed and leaves on Friday.", id="order"),
        pytest.param("The IMEI is 356938035643809.", id="IMEI"),
        pytest.param("ISBN 978-3-16-148410-0, second edition", id="ISBN"),
        pytest.param("EAN 4006381333931, unopened", id="EAN"),
        pytest.param("It is at 52.520008, 13.404954", id="coordinates"),
        pytest.param("available from 2026-06-01 10:30 to 2026-06-03", id="dates"),
        pytest.param("the router answers on 192.168.100.200", id="IP"),
        pytest.param("tracking 9400 1118 9922 3817 4421 05", id="tracking"),
        pytest.param("price 1,249.00 now 1,199.00 USD", id="prices"),
        pytest.param("The first half of the frame is 120 cm, the rest is folded.", id="parts of a thing"),
        pytest.param("Half of the price now, the rest of the 1500 when you pick it up.", id="parts of a price"),
        pytest.param("The IMEI ends in 0612, receipt included.", id="end of a serial"),
    ],
)
def test_other_digits_are_no_phone_number(text):
    found = seller_says(text)
    assert not found.mentions
    assert not found.shares_contact
    assert not found.solicits


@pytest.mark.parametrize(
    ("text", "sender"),
    [
        pytest.param("We never ask for your phone number.", Sender.SELLER, id="negated"),
        pytest.param("A seller asked me for my WhatsApp, be careful.", Sender.BUYER, id="reported"),
        pytest.param("The phone case fits, number plate not included.", Sender.SELLER, id="traps"),
        pytest.param("For repairs call the manufacturer's helpline.", Sender.SELLER, id="somebody else's number"),
        pytest.param("No worries, take your time.", Sender.SELLER, id="chatter"),
        pytest.param(
            "You will get an email from Royal Mail when it is out for delivery.", Sender.SELLER, id="a carrier's mail"
        ),
        pytest.param(
            "Type in the code that you got by text to open the locker.", Sender.SELLER, id="a code that came by text"
        ),
        pytest.param(
            "The previous seller wanted to move to whatsapp, so I reported him.", Sender.SELLER, id="a previous seller"
        ),
    ],
)
def test_what_only_looks_like_asking_is_no_request(text, sender):
    assert not DETECTOR.detect(text, sender, ("US",)).solicits


def test_a_buyer_that_lets_the_seller_call_asks_for_nothing():
    found = DETECTOR.detect("feel free to call me when you are outside", Sender.BUYER, ("US",))
    assert found.has(Act.GRANT)
    assert not found.solicits


def test_the_events_own_region_comes_before_those_of_the_language():
    assert [m.e164 for m in seller_says("call 07700 900143", "GB").mentions] == ["+447700900143"]


def test_the_channel_is_that_of_the_words():
    assert seller_says("add me on telegram").channel is Channel.TELEGRAM
    assert seller_says("write to joe@example.com").channel is Channel.EMAIL
    assert seller_says("text me when you are close").channel is Channel.SMS


def test_a_place_counts_code_points_of_the_message_as_written():
    text = "🙂 ｃａｌｌ &#52;15 555 0132 please"
    (mention,) = seller_says(text).mentions
    assert text[mention.start : mention.end] == "&#52;15 555 0132"


def test_in_a_long_message_the_telling_passage_is_found_in_its_place():
    text = (
        "The shelf is made of oak and has five boards. " * 200 + "Please call me on 415 555 0132. " + "Thanks. " * 300
    )
    found = seller_says(text)
    assert [text[m.start : m.end] for m in found.mentions] == ["415 555 0132"]
    assert any(act.act is Act.REQUEST and text[act.start : act.end].startswith("call me") for act in found.acts)


@settings(max_examples=300, deadline=None)
@given(text=TEXTS, sender=SENDERS)
def test_any_text_is_read_and_every_place_lies_in_it(text, sender):
    found = DETECTOR.detect(text, sender, ("US",))
    for each in (*found.acts, *found.mentions, *found.matches):
        assert 0 <= each.start < each.end <= len(text)


@settings(max_examples=100, deadline=None)
@given(text=TEXTS, sender=SENDERS)
def test_the_same_text_gives_the_same_answer(text, sender):
    assert DETECTOR.detect(text, sender, ("US",)) == DETECTOR.detect(text, sender, ("US",))
