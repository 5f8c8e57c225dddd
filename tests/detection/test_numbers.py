"""Which digits of a message are a phone number, in whatever words they stand."""

import pytest

from pipeline.detection.shipped import shipped_detector
from schemas.vocabulary import Act, Sender

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
        ("Jo jasně, 603 123 456, po šestý večer", "CZ", "+420603123456"),
        ("Oui bien sûr, 06 39 98 01 06, plutôt après 18h", "FR", "+33639980106"),
        ("Klart det, 415 56 677, er på jobb men tar den alltid", "NO", "+4741556677"),
        ("Забор из Хайфы самовывозом. Мой 050-1234567, четвёртый этаж", "IL", "+972501234567"),
        ("szlovák kártyám van: 0905 123 456, +421 az eleje", "HU", "+421905123456"),
        ("תתקשרי אלי ל0509998877 ונעדכן את הכתובת", "IL", "+972509998877"),
        ("kto kumaty ten rozkoduje NTAxMTExMjIy", "PL", "+48501111222"),
        ("vil du ha initialer avtaler vi det utenom her, OTEyMzQ1Njc= (base64)", "NO", "+4791234567"),
        ("five minute job. 98 mango 76 mango 54 mango 32 mango 10, after 7", "IN", "+919876543210"),
        ("607muškát111petúnie222 to jsem já", "CZ", "+420607111222"),
        ("8️⃣9️⃣0️⃣5️⃣ зайчик 1️⃣2️⃣3️⃣ зайчик 4️⃣5️⃣6️⃣7️⃣", "RU", "+79051234567"),
        ("zadzwoń: osiemset osiemdziesiąt osiem, sto jedenaście, dwieście dwadzieścia dwa", "PL", "+48888111222"),
        ("звони: восемь девять ноль ноль сто двадцать три сорок пять шестьдесят семь", "RU", "+79001234567"),
        ("benimki sıfr beş beş beş, altı altı yedii, yeddi sekis, seksn dokuz", "TR", "+905556677889"),
        ("bel nul4 70 twaalf 34 57, vraag naar Bo", "BE", "+32470123457"),
        ("slå 0sju0 ett74 06 åttiotre så hjälper jag", "SE", "+46701740683"),
        ("zero6 trente9 98 vingt2 quarante1 apré 18h jsui au taf", "FR", "+33639982241"),
        ("nul6 één2 drie4 00 acht7, voor als de bank niet past", "NL", "+31612340087"),
        ("0152 Birne 2881 Quitte 7386, das Obst isst du auf", "DE", "+4915228817386"),
        ("o7seven00 nine00 3one8 ring anytime", "GB", "+447700900318"),
        ("my lucky numbers: 07 and then kittens 700 and more kittens 900 and finally 477", "GB", "+447700900477"),
        ("tre quattro nove poi uno uno due due e per finire tre tre quattro", "IT", "+393491122334"),
        ("double nine double eight double seven double six double five pe ring karo", "IN", "+919988776655"),
        ("תקשיבי: אפס חמש ארבע, אחת שתיים שלוש, ארבע חמש שש ושבע", "IL", "+972541234567"),
        ("mahar 900. 0896 0011 2233", "ID", "+6289600112233"),
        ("09 mango 13 kiwi 22 jambu 11 duku 00, tinggal buahnya", "VN", "+84913221100"),
        ("lis à l'envers : 2740899360", "FR", "+33639980472"),
        ("ring 0️⃣7️⃣0️⃣1️⃣7️⃣4️⃣0️⃣6️⃣4️⃣4️⃣ om pengarna är kvar", "SE", "+46701740644"),
        ("дзвони +38О 5О 123 45 67", "UA", "+380501234567"),
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
        ("loc 26.8467, 80.9462 ke paas peepal ka ped", "IN"),
        ("Najdete to na 50.0755N, 14.4378E, šedá vrata", "CZ"),
        ("Satnav says 53.4084, -2.9916 that right?", "AU"),
        ("Als iemand u NL91 ABNA 0417 1643 00 stuurt: dat is een voorbeeld", "NL"),
        ("board 120 by 80 by 75 by 40, cut to size", "NO"),
        ("My address is 1442 Elm Crescent, unit 305, buzz code 0305.", "CA"),
        ("back online between 11:05 and 11:50, sorry for the wait", "US"),
        ("signalet var nede mellem 20.31 og 20.44", "DK"),
        ("bought 08/12/2023, covered until 08/12/2025", "MY"),
        ("posted today as RR448120937IL", "IL"),
        ("@235252 sorry for the silence, we had 2,000 mentions overnight", "US"),
        ("see https://track.example.com/q?id=0171392004 for the parcel", "DE"),
    ],
)
def test_digits_that_name_something_else_are_none(text, region):
    assert numbers(text, region) == []


def test_a_number_free_of_charge_is_no_contact_of_a_seller_who_does_not_say_so():
    helpline = "Per richiami sui seggiolini c'è il numero verde 800 123 456, io ho già controllato"
    assert not any(act.rule == "contact.share" for act in DETECTOR.detect(helpline, Sender.SELLER, ("IT",)).acts)
    own = DETECTOR.detect("my number is 0800 123 4567, call me any time", Sender.SELLER, ("GB",))
    assert {act.act for act in own.acts} >= {Act.SHARE}
