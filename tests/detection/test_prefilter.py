"""The prefilter: few innocent messages pass it, and nothing of interest is stopped."""

import json
from pathlib import Path

import pytest

from pipeline.detection.detector import Detector
from pipeline.detection.packs import load_packs
from schemas.vocabulary import Sender

CORPUS = Path(__file__).parents[1] / "corpus" / "seen"
CHATTER = [
    "Hi, is the blue one still available? I would need it before the weekend if that is possible.",
    "Thank you, the parcel arrived this morning and everything looks exactly as in the pictures.",
    "Sure, I can combine both items and only charge postage once. Just add them to the same order.",
    "Your order 48213377 has been packed and leaves tomorrow. The label was printed today.",
    "Das Paket ist heute angekommen, vielen Dank für die schnelle Lieferung und die gute Verpackung!",
    "Merci beaucoup, la couleur est magnifique et la taille correspond parfaitement à la description.",
    "¿Sería posible cambiar la talla? Pedí una M y creo que me vendría mejor una L.",
    "No worries, take your time.",
    "We ship within two working days and you will see the status on the order page.",
    "Is the lamp dimmable? And does it come with a bulb or should I buy one separately?",
    "È arrivato oggi, imballato benissimo, grazie mille e buona giornata!",
    "O sofá é lindo, a cor parece um pouco mais escura do que na foto.",
]


@pytest.fixture(scope="module")
def detector():
    return Detector(load_packs())


@pytest.mark.parametrize("text", CHATTER)
def test_everyday_chatter_stops_at_the_prefilter(detector, text):
    assert not detector.is_of_interest(text)


class Everything(Detector):
    def is_of_interest(self, _text: str) -> bool:
        return True


def test_hardly_anything_that_the_detector_would_find_is_stopped(detector):
    everything = Everything(load_packs())
    found = stopped = 0
    for path in sorted(CORPUS.glob("*.jsonl")):
        for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            if everything.detect(row["text"], Sender(row["sender"]), (row["marketplace"],)).acts:
                found += 1
                stopped += not detector.is_of_interest(row["text"])
    assert found > 500
    assert stopped / found <= 0.01
