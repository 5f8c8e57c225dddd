"""How long detection takes: the default mix, messages of interest, the worst texts, start-up and memory.

    python -m bench.detection

Exit status 1 where a bound is missed.
"""

import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from bench.traffic import SHARE_OF_INTEREST, chatter, of_interest
from pipeline.detection.collector import spare_the_collector
from pipeline.detection.detector import Detector
from pipeline.detection.shipped import shipped_detector
from schemas.vocabulary import Sender

CORPUS = Path(__file__).parents[1] / "tests/corpus/seen"
WORST_CHARACTERS = 20_000
MIX_TEXTS = 2_000
BOUNDS = {"mix_us": 10.0, "interest_median_us": 150.0, "worst_ms": 2.0, "start_up_s": 2.0, "peak_mb": 150.0}


def main() -> None:
    """Measures, prints beside the bounds, and says by the exit status whether all hold."""
    started = time.perf_counter()
    detector = shipped_detector()
    figures = {"start_up_s": time.perf_counter() - started}
    spare_the_collector()
    rows = [
        json.loads(line) for path in sorted(CORPUS.glob("*.jsonl")) for line in path.read_text("utf-8").splitlines()
    ]
    of_interest = [row["text"] for row in rows if row["solicits"] or row["shares_contact"]]
    figures["mix_us"] = mix_microseconds(detector)
    figures["interest_median_us"] = statistics.median(microseconds(detector, of_interest))
    worst = {name: microseconds(detector, [text])[0] / 1_000 for name, text in worst_texts().items()}
    slowest = max(worst, key=worst.__getitem__)
    figures["worst_ms"] = worst[slowest]
    figures["peak_mb"] = peak_megabytes()
    for name, bound in BOUNDS.items():
        note = f" ({slowest})" if name == "worst_ms" else ""
        sys.stdout.write(f"{name:20} {figures[name]:10.2f}   bound {bound:g}{note}\n")
    sys.exit(any(figures[name] > bound for name, bound in BOUNDS.items()))


def mix_microseconds(detector: Detector) -> float:
    """Prefilter and detector over the default mix, a message in twenty of interest."""
    chance = random.Random(1)
    quiet = statistics.mean(microseconds(detector, [chatter(chance) for _ in range(MIX_TEXTS)]))
    loud = statistics.mean(microseconds(detector, [of_interest(chance) for _ in range(MIX_TEXTS)]))
    return quiet * (1 - SHARE_OF_INTEREST) + loud * SHARE_OF_INTEREST


def microseconds(detector: Detector, texts: Iterable[str]) -> list[float]:
    """Time of each text once everything is warm: the better of three."""
    out = []
    for text in texts:
        best = float("inf")
        for _ in range(3):
            started = time.perf_counter_ns()
            detector.detect(text, Sender.SELLER, ("US",))
            best = min(best, (time.perf_counter_ns() - started) / 1_000)
        out.append(best)
    return out


_WORDS_SOUGHT = ("nr", "sms", "dm", "add", "två", "art.nr", "no rumah", "num ordine", "na telefon", "sans gsm", "tel")
"""Words that say something beside others only."""


def worst_texts() -> dict[str, str]:
    """Texts of the greatest length that ask for as much work as they can."""
    units = {
        "asks": "can i have your phone number please ",
        "digits": "4155550132 ",
        "digit words": "four one five five five five oh one three two ",
        "letters": "w h a t s a p p ",
        "one run": "a",
        "leet": "wh4ts4pp t3l3gr4m ",
        "entities": "&#52;&#49;",
        "base64": "dGV4dCA0MTUgNTU1IDAxMzI= ",
        "brackets": "((((((((((",
        "zero width": "w\u200bh\u200ba\u200bt\u200bs",
        "han": "加我微信号码是多少",
        "handles": "joe@mail.example.com ",
        "pieces": "what sapp tele gram ",
        "words sought": " ".join(random.Random(1).choices(_WORDS_SOUGHT, k=5_000)),
        "words in pieces": "e mai lung se não me nu merge stain ",
        "short forms": "τ.κ. ",
        "stretched": "whaaaatsaaaapp ",
        "emoji": "☎️📞",
        "hangul": "".join(chr(0xAC00 + 7919 * place % 11_000) for place in range(11_000)),
    }
    return {name: (unit * (WORST_CHARACTERS // len(unit) + 1))[:WORST_CHARACTERS] for name, unit in units.items()}


def peak_megabytes() -> float:
    """Of a process that holds the detector alone, once it has read many messages."""
    command = [sys.executable, "-m", "bench.footprint"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own module
    return float(told.split()[1])


if __name__ == "__main__":
    main()
