"""The detector for the shipped packs, compiled once and kept beside them as Python keeps its own compiled modules.

    python -m pipeline.detection.shipped

compiles them ahead of their first use.
"""

import hashlib
import pickle
from contextlib import suppress
from pathlib import Path

import msgspec

from pipeline.detection.collector import collector_paused
from pipeline.detection.detector import Compiled, Detector, compiled
from pipeline.detection.opinion import Head, Opinion, Weights
from pipeline.detection.packs import SHIPPED, load_packs
from pipeline.detection.prefilter import Hunch, WordHunch

_ROOM = Path(__file__).parent
OPINION = _ROOM / "opinion.bin"
"""The weights of the second opinion, written by `python -m tests.corpus.train`."""
decode_weights = msgspec.msgpack.Decoder(
    tuple[
        tuple[str, ...],
        tuple[int, ...],
        tuple[tuple[str, float, float, float, bytes], ...],
        dict[str, float],
        tuple[float, dict[str, float], tuple[float, float, float, bytes]],
    ]
).decode
_CACHE = SHIPPED / "__pycache__"


def shipped_detector(*, has_opinion: bool = True) -> Detector:
    """A detector for all shipped packs: under a second where they were compiled before, several seconds where not.

    Without its second opinion it says what the rules say.

    Raises:
        PackError: if a pack or the grammar cannot be used.
    """
    opinion = shipped_opinion() if has_opinion else None
    with collector_paused():
        path = _CACHE / f"packs-{_digest()}.bin"
        with suppress(OSError, EOFError, pickle.UnpicklingError, AttributeError, ImportError):
            with path.open("rb") as file:
                kept = pickle.load(file)  # noqa: S301 - ours, and as trusted as the modules beside it
            if isinstance(kept, Compiled):
                return Detector(kept, opinion)
        parts = compiled(load_packs())
        with suppress(OSError):  # a folder that cannot be written: compiled again next time
            _keep(path, parts)
        return Detector(parts, opinion)


def shipped_opinion() -> Opinion:
    """What was learned from the corpus."""
    concepts, pairs, heads, rules, (least, weights, words) = decode_weights(OPINION.read_bytes())
    hunch = Hunch(least, weights, WordHunch(*words))
    return Opinion(Weights(concepts, pairs, tuple(Head(*head) for head in heads), rules, hunch))


def _digest() -> str:
    """Of everything that the compiled form depends on."""
    digest = hashlib.sha256()
    for path in sorted((*SHIPPED.glob("*.yaml"), *_ROOM.glob("*.py"), *_ROOM.glob("*.json"))):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _keep(path: Path, parts: Compiled) -> None:
    path.parent.mkdir(exist_ok=True)
    for old in path.parent.glob("packs-*"):
        old.unlink(missing_ok=True)
    unfinished = path.with_suffix(f".{id(parts)}")
    unfinished.write_bytes(pickle.dumps(parts, pickle.HIGHEST_PROTOCOL))
    unfinished.replace(path)


if __name__ == "__main__":
    shipped_detector()
