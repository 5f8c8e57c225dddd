"""Which digits of a message are a phone number, in whatever words they stand."""

import pytest

from pipeline.detection.shipped import shipped_detector
from schemas.vocabulary import Sender

DETECTOR = shipped_detector()


def numbers(text, region):
    return [mention.e164 for mention in DETECTOR.detect(text, Sender.SELLER, (region,)).mentions]


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("3471122334 per il montatore, sono Fausto", "IT", "+393471122334"),
        ("Kočárek je pořád k mání, 601 123 456 Jana", "CZ", "+420601123456"),
        ("Ano, 604 987 654, prosím jen sms, jsem ve škole", "CZ", "+420604987654"),
        ("prima di collegare chiamami al 349 123 4567, i due tubi sono invertiti", "IT", "+393491234567"),
        ("sıfır beş yüz otuz üç yüz yirmi üç kırk beş altmış yedi, Cemil usta", "TR", "+905331234567"),
        ("O8l2-3456-OOOO kak", "ID", "+6281234560000"),
        ("o1o 5555 4444 입니당", "KR", "+821055554444"),
        ("drop us a whatsapp, oh double seven double oh, nine double oh three seven seven", "GB", "+447700900377"),
        (
            "meine Nummer null eins sieben eins achtunddreißig zwölf vierunddreißig sechsundfünfzig",
            "DE",
            "+4917138123456",
        ),
        ("chiamami tre quattro zero dodici trentaquattro cinquantasei settantotto", "IT", "+3934012345678"),
        ("زيرو عشرة اتناشر اربعة وتلاتين ستة وخمسين تمنية وسبعين", "EG", "+201012345678"),
        ("tel. 22 123 45 67, pon-pt 9-17", "PL", "+48221234567"),
        ("text is best: six one seven, five five five, oh one three eight", "US", "+16175550138"),
        ("Unser Team ist zur Therme unter 030 23125114 besetzt, Mo-Fr 8-16 Uhr", "DE", "+493023125114"),
        ("How'd we do? Text WOW to (415) 555-0107 for $5 off your next soap box!", "US", "+14155550107"),
    ],
)
def test_digits_that_people_dial_are_a_number(text, region, number):
    assert numbers(text, region) == [number]


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("Rechnung Nr. 0664-2291 habe ich Ihnen in die Box gelegt.", "AT"),
        ("The order no 07700 900377 is on its way.", "GB"),
        ("Your invoice number is 4155550132.", "US"),
        ("Sendungsnummer ist 030 23125114", "DE"),
        ("My address is 1442 Elm Crescent, unit 305, buzz code 0305.", "CA"),
    ],
)
def test_digits_that_name_something_else_are_none(text, region):
    assert numbers(text, region) == []
