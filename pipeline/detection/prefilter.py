"""Whether a message could hold anything of interest: cheap, over every message, and wrong only on the safe side."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import chain, combinations, product
from math import prod

from ahocorasick_rs import AhoCorasick, Implementation

from pipeline.detection.atoms import HOMOPHONES
from pipeline.detection.fold import FOLD, NO_SPACE
from pipeline.detection.lexicon import Step, has_no_space, is_no_space, phrases_of
from pipeline.detection.packs import Entry, Pack, PackSet

# Every way to an act passes one of these; the other concepts only decide between them.
ANCHORING = ("channel.", "weak_channel.", "phrase.", "manner.", "reason.phishing")
ANCHOR_CONCEPTS = frozenset({
    "contact_noun", "contact_noun_weak", "your_contact", "my_contact", "call_verb", "text_verb", "off_platform", "secret",
    "or_else", "pay_outside", "authority", "review", "dot_sign",
})  # fmt: skip
PASSING = frozenset({"manner.urgency", "manner.consent_sought", "manner.use_limited"})
POSSESSIVES = ("your", "my")
PERSONS = ("you", "me")
SHORTEST_WEAK = 4
SHORTEST_CUT = 5
LONGEST_CUT = 14
FEWEST_DIGITS = 7
LONGEST_EVERYDAY = 5
LONGEST_WINDOW = 5
"""Neighbouring words of an anchor."""
FEW_SPELLINGS = 60
LIKELY = 0.003
"""Above this a run is met too often to be worth its few spellings."""
MOST_SPELLINGS = 1_000
"""Of one anchor: the automaton holds each."""
_NOT_ALNUM = re.compile(r"[^\w]|_")
_FIGURE = re.compile(r"[0-9@$|*%&€£]")
# Seven digits with signs and single letters between, and the word before them.
_DIGITS = re.compile(r"(?:(?<![^\W\d_])([^\W\d_]{1,24})[^\w]{0,3})?(?:\d[^\d\n]{0,3}){7}")
_LEET = re.compile(r"[^\W\d_][0-9@$!|*]{1,2}[^\W\d_]|\b[0-9@$][^\W\d_]{2}|[^\W\d_]{2}[0-9@$]\b")
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}|&#?\w{2,8};|(?=[A-Za-z+/]+[A-Z0-9])[A-Za-z0-9+/]{12}")
# Zero-width and bidi controls, full-width forms, enclosed and mathematical letters, keycaps, combining marks, figures.
_STRANGE = re.compile(
    "[\u0300-\u036f\u00ad\u200b\u2060-\u2064\u20e3\u2460-\u24ff\u2776-\u2793\ufeff\uff10-\uff5a"
    "\U0001d400-\U0001d7ff\U0001f100-\U0001f1ff]"
)
_MIXED = re.compile("[a-zA-Z][\u0370-\u052f]|[\u0370-\u052f][a-zA-Z]|(?:^| )[^ ] [^ ] [^ ] [^ ](?: |$)")
_UNSPACED = re.compile(f"[{NO_SPACE}]")
_EDGE = re.compile(f"(?<=[^ {NO_SPACE}])(?=[{NO_SPACE}])|(?<=[{NO_SPACE}])(?=[^ {NO_SPACE}])")
_SPACED = str.maketrans({chr(code): " " for code in range(128) if not chr(code).isalnum()})
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class _Plain(dict[int, str]):
    """For `str.translate`: folded, and a space for what is no letter, digit or sign that packs list."""

    def __missing__(self, code: int) -> str:
        folded = FOLD[code]
        is_kept = 0x2190 <= code < 0x3000 or code >= 0x3040 or unicodedata.category(chr(code)).startswith("M")
        value = self[code] = folded if is_kept else _NOT_ALNUM.sub(" ", folded)  # vowel signs are no letters to `\w`
        return value


_PLAIN = _Plain()


class Prefilter:
    """Words and pairs of neighbouring words, one of which stands in every message of interest."""

    def __init__(self, packs: PackSet) -> None:
        entries = [entry for pack in packs.packs for entry in pack.entries]
        common = frozenset(entry.text.lower() for entry in entries if entry.concept == "common")
        self._traps = frozenset(
            bare
            for pack in packs.packs
            for word in singles(pack.entries, "number_trap")
            if (bare := word.rstrip("*")).isalpha()
        )
        patterns = {pattern(anchor) for pack in packs.packs for anchor in pack_anchors(pack, common)}
        patterns.update(f" {a} {b} {c} " for a, b, c in product(_LETTERS, repeat=3))
        patterns.update(letter * 3 for letter in _LETTERS if letter != "w")
        patterns.discard("")
        self._automaton = AhoCorasick(patterns, implementation=Implementation.ContiguousNFA, store_patterns=False)

    def fires(self, text: str) -> bool:
        """Whether the full detector has to look."""
        if text.isascii():
            plain = text.lower().translate(_SPACED)
        else:
            if _STRANGE.search(text) or _MIXED.search(text):
                return True
            plain = text.translate(_PLAIN)
            if _UNSPACED.search(plain):
                if self._automaton.find_matches_as_indexes(plain.replace(" ", "")):
                    return True
                plain = _EDGE.sub(" ", plain)
        plain = f" {plain} ".replace("  ", " ").replace("  ", " ")
        if self._automaton.find_matches_as_indexes(plain):
            return True
        return (_FIGURE.search(text) or _FIGURE.search(plain)) is not None and self._has_figures(text)

    def _has_figures(self, text: str) -> bool:
        if "@" in text or _LEET.search(text) or _ENCODED.search(text):
            return True
        return any(match[1] is None or match[1].lower() not in self._traps for match in _DIGITS.finditer(text))


def pattern(anchor: str) -> str:
    """An anchor as it stands in plain text: spaces at the ends that end a word."""
    if has_no_space(anchor):
        return anchor.replace(" ", "").replace("*", "")
    if "*" not in anchor:
        return f" {anchor} "
    head = "" if anchor.startswith("*") else " "
    tail = "" if anchor.endswith("*") else " "
    # A star within ends the pattern there: what comes before it is met first.
    kept = anchor.strip("*")
    if "*" in kept:
        kept, tail = kept.partition("*")[0], ""
    return f"{head}{kept}{tail}" if kept else ""


def pack_anchors(pack: Pack, common: frozenset[str]) -> Iterator[str]:
    """What must stand in a message for some entry of the pack to matter."""
    for entry in pack.entries:
        if entry.concept == "contact_noun_weak":
            # Two letters are too many messages; an emoji is none.
            yield from (w for w in anchors_of(entry.text, common) if len(w) >= SHORTEST_WEAK or not w.isalnum())
        elif is_anchoring(entry.concept):
            yield from anchors_of(entry.text, common)
        if entry.concept.startswith("channel.") or entry.concept == "contact_noun":
            yield from cut_words(entry)
    words = {name: singles(pack.entries, name) for name in (*POSSESSIVES, *PERSONS, "contact_noun_weak", "reach_verb")}
    yield from (f"{a} {b}" for name in POSSESSIVES for a, b in product(words[name], words["contact_noun_weak"]))
    for verb, person in product(words["reach_verb"], (person for name in PERSONS for person in words[name])):
        yield f"{person} {verb}"
        if not verb.endswith("*"):  # a star would end the pattern there: any word that begins so
            yield f"{verb} {person}"
    yield from digit_pairs(pack, common)


def digit_pairs(pack: Pack, common: frozenset[str]) -> Iterator[str]:
    """Two neighbouring words for digits, one of which means nothing else."""
    digits: dict[bool, set[str]] = {False: set(), True: set()}
    for entry in pack.entries:
        if entry.concept.startswith(("digit.", "repeat.")):
            is_single = len(entry.concept.partition(".")[2]) == 1
            digits[is_single].update((*phrase_words(entry), *unspaced_words(entry)))
    sure = {word for word in digits[True] if word not in common and word not in HOMOPHONES}
    for a, b in product(sure, digits[True] | digits[False]):
        yield f"{a} {b}"
        yield f"{b} {a}"


def phrase_words(entry: Entry) -> Iterator[str]:
    """The spellings of an entry that has one word."""
    for phrase in phrases_of(entry.text):
        if len(phrase) == 1 and not isinstance(phrase[0], str):
            yield from (words[0] for words in phrase[0] if len(words) == 1)


def unspaced_words(entry: Entry) -> Iterator[str]:
    """The spellings of an entry in a script without spaces, where a word is several characters."""
    for phrase in phrases_of(entry.text) if has_no_space(entry.text) else ():
        steps = [step[0] for step in phrase if not isinstance(step, str) and len(step) == 1]
        yield " ".join(word for words in steps for word in words)


def cut_words(entry: Entry) -> Iterator[str]:
    """A single word cut in two or three, and written backwards."""
    for word in phrase_words(entry):
        bare = word.strip("*")
        if not SHORTEST_CUT <= len(bare) <= LONGEST_CUT or not bare.isalpha() or is_no_space(bare[0]):
            continue
        yield bare[::-1]
        size = len(bare)
        yield from (f"{bare[:cut]} {bare[cut:]}" for cut in range(1, size))
        if entry.concept.startswith("channel."):
            yield from (f"{bare[:a]} {bare[a:b]} {bare[b:]}" for a, b in combinations(range(1, size), 2))


def is_anchoring(concept: str) -> bool:
    """Whether some act or manner needs it."""
    return concept not in PASSING and (concept in ANCHOR_CONCEPTS or concept.startswith(ANCHORING))


def singles(entries: Iterable[Entry], concept: str) -> set[str]:
    """The single words of a concept, stars kept."""
    return {word for entry in entries if entry.concept == concept for word in phrase_words(entry)}


def anchors_of(text: str, common: frozenset[str]) -> Iterator[str]:
    """What must stand in a message for an entry to be there: the least likely run of neighbouring words, in each spelling.

    Runs with few spellings are tried first: every spelling takes memory.
    """
    for phrase in phrases_of(text):
        best = rarest_window(phrase, FEW_SPELLINGS, common)
        if likelihood(best, common) > LIKELY:
            best = rarest_window(phrase, MOST_SPELLINGS, common)
        yield from (" ".join(chain(*words)) for words in product(*best) if any(words))


def rarest_window(phrase: list[Step | str], most_spellings: int, common: frozenset[str]) -> list[Step]:
    """The neighbouring steps of a phrase that are met least often."""
    windows = [window for run in runs(phrase) for window in windows_of(run, most_spellings)]
    if not windows:  # every step may be left out
        windows = [[step] for step in phrase if not isinstance(step, str)]
    return min(windows, key=lambda window: (has_tiny_spelling(window), likelihood(window, common)))


def has_tiny_spelling(window: list[Step]) -> bool:
    """Whether one of its spellings is a word of one or two letters, which would stand in every second message."""
    return len(window) == 1 and any(len("".join(words)) < SHORTEST_WEAK - 1 for words in window[0])


def windows_of(run: list[Step], most_spellings: int) -> Iterator[list[Step]]:
    """Neighbouring steps of a run, from one that must be there to another, in not too many spellings."""
    for first in range(len(run)):
        spellings = 1
        for last in range(first, min(first + LONGEST_WINDOW, len(run))):
            spellings *= len(run[last])
            if last > first and spellings > most_spellings:
                break
            if all(run[first]) and all(run[last]):
                yield run[first : last + 1]


def likelihood(window: list[Step], common: frozenset[str]) -> float:
    """About how often one of its spellings is met."""
    return prod(sum(prod(word_likelihood(word, common) for word in words) for words in step) for step in window)


def word_likelihood(word: str, common: frozenset[str]) -> float:
    """An everyday word in thirty, another the seldomer the longer."""
    return (
        1 / 30 if word in common or len(word) < SHORTEST_WEAK else 0.01 * 0.75 ** max(len(word) - LONGEST_EVERYDAY, 0)
    )


def runs(phrase: list[Step | str]) -> Iterator[list[Step]]:
    """Neighbouring steps, with no gap between them."""
    run: list[Step] = []
    for step in phrase:
        if isinstance(step, str):
            yield run
            run = []
        else:
            run.append(step)
    yield run
