"""Whether a message could hold anything of interest: cheap, over every message, and wrong only on the safe side."""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise, product

from pipeline.detection.lexicon import Step, is_no_space, phrases_of
from pipeline.detection.packs import Entry, PackSet

# Every way to an act passes one of these; the other concepts only decide between them.
ANCHORING = ("channel.", "weak_channel.", "phrase.", "manner.", "reason.phishing")
ANCHOR_CONCEPTS = frozenset({
    "contact_noun", "contact_noun_weak", "your_contact", "my_contact", "call_verb", "text_verb", "off_platform", "secret",
    "or_else", "pay_outside", "authority", "review",
})  # fmt: skip
PASSING = frozenset({"manner.urgency", "manner.consent_sought", "manner.use_limited"})
POSSESSIVES = frozenset({"your", "my"})
PERSONS = frozenset({"you", "me"})
SHORTEST_WEAK = 4
FEWEST_DIGIT_WORDS = 3
FEWEST_SINGLE_LETTERS = 4
FEWEST_DIGITS = 7
_DIGIT = re.compile(r"\d")
# Zero-width and bidi controls, full-width forms, enclosed and mathematical letters, keycaps, combining marks.
_STRANGE = re.compile(
    "[\u0300-\u036f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u20e3\u2460-\u24ff\u2776-\u2793\ufeff\uff01-\uff5e"
    "\U0001d400-\U0001d7ff\U0001f100-\U0001f1ff]"
)
_MIXED = re.compile("[a-z][\u0370-\u052f]|[\u0370-\u052f][a-z]", re.IGNORECASE)
_LEET = re.compile(r"[a-z][0-9@$!|*]{1,2}[a-z]", re.IGNORECASE)
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}|&#?\w{2,8};|[A-Za-z0-9+/]{16}")
_SPACED = str.maketrans({chr(code): " " for code in range(128) if not chr(code).isalnum()} | {"'": "", "’": ""})


class Prefilter:
    """Words and pairs of neighbouring words, one of which stands in every message of interest."""

    def __init__(self, packs: PackSet) -> None:
        entries = [entry for pack in packs.packs for entry in pack.entries]
        self._common = frozenset(entry.text.lower() for entry in entries if entry.concept == "common")
        self._digit_words = frozenset(entry.text.lower() for entry in entries if entry.concept.startswith("digit."))
        anchors: set[str] = set()
        for entry in entries:
            if entry.concept == "contact_noun_weak":
                anchors.update(word for word in anchors_of(entry.text, self._common) if len(word) >= SHORTEST_WEAK)
            elif is_anchoring(entry.concept):
                anchors.update(anchors_of(entry.text, self._common))
        for pack in packs.packs:
            words = {
                name: singles(pack.entries, name)
                for name in (*POSSESSIVES, *PERSONS, "contact_noun_weak", "reach_verb")
            }
            anchors.update(
                f"{a} {b}" for name in POSSESSIVES for a, b in product(words[name], words["contact_noun_weak"])
            )
            anchors.update(f"{a} {b}" for name in PERSONS for a, b in product(words["reach_verb"], words[name]))
        starred = {anchor for anchor in anchors if "*" in anchor}
        glued = {anchor for anchor in anchors - starred if any(map(is_no_space, anchor))}
        self._plain = frozenset(anchors - starred - glued)
        self._parts = tuple(sorted({part.replace("*", "") for part in starred | {g.replace(" ", "") for g in glued}}))
        self._heads = re.compile("|".join(map(re.escape, self._parts))) if self._parts else None

    def fires(self, text: str) -> bool:
        """Whether the full detector has to look."""
        lowered = text.lower()
        words = lowered.translate(_SPACED).split()
        plain = self._plain
        if not plain.isdisjoint(words) or not plain.isdisjoint([f"{a} {b}" for a, b in pairwise(words)]):
            return True
        if "@" in text or len(_DIGIT.findall(text)) >= FEWEST_DIGITS or _LEET.search(text) or _ENCODED.search(text):
            return True
        if len(self._digit_words.intersection(words)) >= FEWEST_DIGIT_WORDS:
            return True
        if sum(len(word) == 1 for word in words) >= FEWEST_SINGLE_LETTERS:
            return True
        if not text.isascii() and (_STRANGE.search(text) or _MIXED.search(text)):
            return True
        return self._heads is not None and self._heads.search(lowered) is not None


def is_anchoring(concept: str) -> bool:
    """Whether some act or manner needs it."""
    return concept not in PASSING and (concept in ANCHOR_CONCEPTS or concept.startswith(ANCHORING))


def singles(entries: Iterable[Entry], concept: str) -> set[str]:
    """The single words of a concept, as they stand in a message."""
    return {
        words[0].replace("*", "")
        for entry in entries
        if entry.concept == concept
        for phrase in phrases_of(entry.text)
        if len(phrase) == 1 and not isinstance(phrase[0], str)
        for words in phrase[0]
        if len(words) == 1
    }


def anchors_of(text: str, common: frozenset[str]) -> Iterator[str]:
    """What must stand in a message for an entry to be there: one word of each spelling, or two neighbours."""
    for phrase in phrases_of(text):
        runs = list(solid_runs(phrase))
        alone = [step for run in runs for step in run if all(len(w) == 1 and w[0] not in common for w in step)]
        if len(phrase) == 1 or (alone and not any(len(run) > 1 for run in runs)):
            yield from chosen_word(phrase, common)
            continue
        pairs = [pair for run in runs for pair in pairwise(run)]
        if not pairs:
            yield from chosen_word(phrase, common)
            continue
        first, second = max(pairs, key=lambda pair: sum(rarity(step, common) for step in pair))
        yield from (f"{a[-1]} {b[0]}" for a, b in product(first, second))


def chosen_word(phrase: list[Step | str], common: frozenset[str]) -> Iterator[str]:
    """For a phrase without neighbours: of each spelling the two first words, or its only one."""
    steps = [step for step in phrase if not isinstance(step, str) and all(step)]
    if not steps:
        return
    step = max(steps, key=lambda each: rarity(each, common))
    for words in step:
        yield words[0] if len(words) == 1 else f"{words[0]} {words[1]}"


def rarity(step: Step, common: frozenset[str]) -> int:
    """How seldom its likeliest spelling is met: a word's length, nothing for an everyday one."""
    return min(max(0 if word in common else len(word) for word in words) for words in step)


def solid_runs(phrase: list[Step | str]) -> Iterator[list[Step]]:
    """Neighbouring steps, none of which may be left out."""
    run: list[Step] = []
    for step in phrase:
        if isinstance(step, str) or not all(step):
            if run:
                yield run
            run = []
        else:
            run.append(step)
    if run:
        yield run
