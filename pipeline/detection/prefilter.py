"""Whether a message could hold anything of interest: cheap, over every message, and wrong only on the safe side."""

import base64
import re
import unicodedata
from codecs import charmap_build, charmap_encode
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import accumulate, chain, product
from math import inf, sqrt
from typing import Final, NamedTuple

from ahocorasick_rs import AhoCorasick, Implementation

from pipeline.detection.anchors import (
    SURE,
    ByScript,
    Clue,
    Concepts,
    Plain,
    Search,
    Trap,
    add,
    by_script,
    clues_of,
    pattern,
)
from pipeline.detection.atoms import HOMOPHONES
from pipeline.detection.contacts import FEWEST_OF_A_PIECE, holds_link
from pipeline.detection.fold import FOLD, NO_SPACE, fold
from pipeline.detection.kinds import CONTACT_NOUNS, EVERY_LANGUAGE, is_free, wider
from pipeline.detection.letters import ZERO, within_word
from pipeline.detection.lexicon import Lexicon
from pipeline.detection.packs import Entry, Pack, PackSet
from pipeline.detection.phrases import has_no_space, phrases_of
from pipeline.detection.reading import SHORTEST_BASE64, holds_base64
from pipeline.detection.tricks import SHORTEST_REVERSED, leet_words

# Every way to an act passes one of these: alone, or with what a rule of the grammar needs beside it.
SURE_CONCEPTS: Final = ("phrase.", "manner.", "reason.phishing")
ANCHORING: Final = ("channel.", "weak_channel.", *SURE_CONCEPTS)
ANCHOR_CONCEPTS: Final = frozenset({
    "contact_noun", "contact_noun_weak", "your_contact", "my_contact", "call_verb", "text_verb", "reach_verb",
    "off_platform", "secret", "or_else", "pay_outside", "authority", "review", "dot_sign",
})  # fmt: skip
PASSING: Final = frozenset({"manner.urgency", "manner.consent_sought", "manner.use_limited"})
SPOKEN_ADDRESS: Final = (("at_sign",), ("dot_sign",))
"""What "joe at mail dot com" needs; no rule of the grammar."""
CIRCUMSTANCES: Final = ("question", "number", "handle", "digits", "number_beginning")
"""What rules need that is no word."""
OWNED: Final = {"your_any": ("your", "your_contact"), "my_any": ("my", "my_contact")}
SHORTEST_CUT: Final = 5
LONGEST_CUT: Final = 14
LONGEST_EVERYDAY_NUMBER: Final = 9
"""Letters: a longer one beside another is no "twenty five" cm."""
MOST_PIECES: Final = 4
FEWEST_DIGITS: Final = 6
"""Of a number that a rule may need."""
FEWEST_OF_A_NUMBER: Final = 9
"""Digits of a number with words between."""
FEWEST_BESIDE_FIGURES: Final = 3
"""Words that figures touch, of which some may be words for digits."""
_LATIN_LOWER: Final = "àáâãäåæçèéêëìíîïñòóôõöøùúûüýąćęłńśźżčďěňřšťůžășțşţğőűđœßı"
_LATIN: Final = "".join(map(chr, range(128))) + _LATIN_LOWER + _LATIN_LOWER[:-2].upper() + "İ’‘“”„–—…€«»¿¡£•"
"""The characters of a text in Latin letters, as nearly all are: one byte each."""
_LATIN_CODES: Final = charmap_build(_LATIN.ljust(256, "\ufffe"))


def _shape(character: str) -> str:
    """Letters, digits, full stops, signs that stand for letters, and such as mostly do not."""
    if character.isalpha() or character == "?":
        return "a"
    if character.isdigit():
        return "1"
    if character == ".":
        return "."
    return "$" if character in "@$|*%&#+€£" else "!" if character in "!(" else " "


_SHAPE: Final = bytes(ord(_shape(character)) for character in _LATIN).ljust(256)
"""With "?" for a letter of another script."""
_FIGURE: Final = re.compile(r"[0-9@$|*%&€£]")
_DIGITS: Final = re.compile(r"\d+")
_SEVEN_DIGITS: Final = re.compile(r"(?:\d[^\d\n]{0,3}){7}")  # with signs and single letters between
_SCATTERED_DIGITS: Final = re.compile(r"(?<!\d)(?:\d{3,5}\D{1,20}){2}\d{3}")
_WORD_BESIDE_FIGURES: Final = re.compile(r"[^\W\d_]{3}\d|\d[^\W\d_]{3}")  # "zero6 trente9"
_FIGURES_AND_WORDS: Final = re.compile(
    r"(?<!\d)\d{3,5}(?:\W{1,3}[^\W\d]{2,12}\D{0,16}\d{2,5}){2}"
)  # "963 then 777 then 88"
_LONGEST_TRAP: Final = 24
_MOST_SIGNS_BEHIND_TRAP: Final = 3
_HARMLESS_ENTITIES: Final = "amp|quot|apos|lt|gt|nbsp|#39|#x27|#34"
_ENCODED: Final = re.compile(rf"%[0-9A-Fa-f]{{2}}|&(?!(?:{_HARMLESS_ENTITIES});)#?\w{{2,8}};")
# Zero-width and bidi controls, full-width forms, enclosed and mathematical letters, keycaps, combining marks, figures;
# and letters of two scripts side by side.
_STRANGE: Final = re.compile(
    "[\u0300-\u036f\u00ad\u200b\u2060-\u2064\u20e3\u2460-\u24ff\u2776-\u2793\ufeff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"
    "\U0001d400-\U0001d7ff\U0001f100-\U0001f1ff]"
    "|[a-zA-Z][\u0370-\u052f]|[\u0370-\u052f][a-zA-Z]"
)
_STRETCHED: Final = re.compile(rf"([^\W\d_w{NO_SPACE}])\1\1")
_SPELLED: Final = re.compile(r" \S \S \S \S ")
_NOT_ALNUM: Final = re.compile(r"[^\w]|_")
_UNSPACED: Final = re.compile(f"[{NO_SPACE}]")
_RUNS: Final = re.compile(f"[{NO_SPACE}]+|[^ {NO_SPACE}]+")
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


_STRANGE_MARK: Final = "\0"
_UNSPACED_MARK: Final = "\1"
_MOST_WORDS: Final = 20_000
_LONGEST_KEPT: Final = 24


class _PlainCharacters(dict[int, str]):
    """For `str.translate`: folded, and a space for what is no letter, digit or sign that packs list."""

    def __missing__(self, code: int) -> str:
        folded = FOLD[code]
        is_sign = 0x2190 <= code < 0x3000 or code >= 0x1F000
        is_kept = unicodedata.category(chr(code)).startswith("M")  # vowel signs are no letters to `\w`
        value = self[code] = f" {folded} " if is_sign and folded else folded if is_kept else _NOT_ALNUM.sub(" ", folded)
        return value


_PLAIN_CHARACTERS: Final = _PlainCharacters()
_PLAIN_LATIN: Final = bytes(
    ord(plain) if len(plain := _PLAIN_CHARACTERS[ord(character)]) == 1 else code
    for code, character in enumerate(_LATIN)
).ljust(256)
"""For a text in Latin letters; such as are read as two stay."""
_TWO_LETTERS: Final = [
    (bytes([code]), plain.encode())
    for code, character in enumerate(_LATIN)
    if len(plain := _PLAIN_CHARACTERS[ord(character)]) != 1
]


class _PlainWords(dict[str, str]):
    """Words folded, with a mark behind those that hold strange characters or such of a script without spaces."""

    def __missing__(self, word: str) -> str:
        if _STRANGE.search(word) or _STRETCHED.search(word):
            plain = _STRANGE_MARK
        else:
            plain = word.translate(_PLAIN_CHARACTERS)
            if _UNSPACED.search(plain):
                plain = " ".join(_RUNS.findall(plain)) + _UNSPACED_MARK
        if len(word) <= _LONGEST_KEPT:
            if len(self) >= _MOST_WORDS:  # a message may hold any words: forget them, the answer stays the same
                self.clear()
            self[word] = plain
        return plain


_PLAIN_WORDS: Final = _PlainWords()


class WordHunch(NamedTuple):
    """How much the letters of a message's words speak for an act, whatever packs know of them."""

    bias: float
    scale: float
    """Of one step of the weights."""
    least: float
    """Score from which the full detector looks, in logits."""
    weights: bytes
    """One for each bucket of letters."""


class Hunch(NamedTuple):
    """When to look at a message although no rule has all that it needs: learned, as the second opinion is."""

    least: float
    """Sum of weights from which the full detector looks, in logits."""
    weights: dict[str, float]
    """Of concepts that stand together."""
    words: WordHunch


class Glance(dict[str, int]):
    """The steps of the weights of words, each summed up once."""

    def __init__(self, hunch: WordHunch) -> None:
        super().__init__()
        self._hunch = hunch
        self._least = (hunch.least - hunch.bias) / hunch.scale

    def __missing__(self, word: str) -> int:
        weights = self._hunch.weights
        steps = sum([weights[bucket] - ZERO for bucket in within_word(word)])
        if len(word) <= _LONGEST_KEPT:
            if len(self) >= _MOST_WORDS:  # a message may hold any words: forget them, the answer stays the same
                self.clear()
            self[word] = steps
        return steps

    def sees(self, plain: "Plain") -> bool:
        """Whether its words, taken together, are such as acts are told in."""
        steps = sum(map(self.__getitem__, plain.spaced.split()))
        return steps > 0 and steps >= self._least * sqrt(2 * len(plain.unspaced))


class Company:
    """Which concepts make an act together."""

    def __init__(
        self, concepts: Iterable[str], rules: Iterable[tuple[tuple[str, ...], ...]], hunch: Hunch | None = None
    ) -> None:
        concepts = tuple(concepts)
        needs = [tuple(widened(groups)) for groups in (*rules, SPOKEN_ADDRESS)]
        wanted = frozenset(chain.from_iterable(chain.from_iterable(needs)))
        self._names = {name: frozenset([name]) for name in CIRCUMSTANCES}
        self._names |= {c: names for c in concepts if not wanted.isdisjoint(names := frozenset((c, *wider(c))))}
        self._bit_of = {name: 1 << number for number, name in enumerate(self._names)}
        self._rules = {tuple(map(self._mask, groups)) for groups in needs}
        self.question = self._mask(["question"])
        self.number = self._mask(["number", "handle"])
        self.digits = self._mask(["digits"])
        self.beginning = self._mask(["number_beginning"])
        self._are_enough: dict[int, bool] = {}
        self._least = hunch.least if hunch else inf
        self._weights = [(bit, hunch.weights.get(name, 0.0)) for name, bit in self._bit_of.items()] if hunch else []
        anchoring = {concept for concept in concepts if is_anchoring(concept)}
        mask = self._mask(anchoring)
        # A rule of a pack's own concepts alone is found by its first.
        firsts = [rule[0] for rule in self._rules if not any(group & mask for group in rule)]
        self.anchors = anchoring | {concept for concept, bit in self._bit_of.items() if any(bit & m for m in firsts)}
        self.companions = self._names.keys() - self.anchors - set(CIRCUMSTANCES)

    def _mask(self, group: Iterable[str]) -> int:
        wanted = frozenset(group)
        return sum(self._bit_of[concept] for concept, names in self._names.items() if wanted & names)

    def bit(self, concept: str) -> int:
        """The bit of a concept; 0 where it makes an act alone."""
        bit = self._bit_of.get(concept, 0)
        is_sure = concept.startswith(SURE_CONCEPTS) or any(len(rule) == 1 and rule[0] & bit for rule in self._rules)
        return 0 if is_sure else bit

    def names(self, concepts: int) -> list[str]:
        """The concepts by name."""
        return [name for name, bit in self._bit_of.items() if concepts & bit]

    def are_enough(self, concepts: int) -> bool:
        """Whether some rule has all that it needs, or the concepts are such as acts are made of."""
        known = self._are_enough.get(concepts)
        if known is None:
            known = any(all(concepts & mask for mask in rule) for rule in self._rules) or (
                sum(weight for bit, weight in self._weights if concepts & bit) >= self._least
            )
            if len(self._are_enough) < _MOST_WORDS:
                self._are_enough[concepts] = known
        return known


def widened(needs: Iterable[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """What a rule needs, in concepts that packs have: more messages may hold it, none fewer."""
    for group in needs:
        if len(group) == 1 and group[0] in OWNED:
            yield OWNED[group[0]]
        yield tuple(
            chain.from_iterable(
                ("any_contact", name) if name in OWNED or name == "bare_contact" else (name,) for name in group
            )
        )


class Tables(NamedTuple):
    """What the prefilter looks for."""

    anchors: ByScript
    companions: ByScript
    """Of concepts that say something only beside an anchor's."""
    cut: frozenset[str]
    """Words for contacts and channels that people cut in pieces."""
    traps: frozenset[str]
    """Words behind which no phone number stands."""
    concepts: tuple[str, ...]
    """Every concept of the packs, sorted."""
    needs: tuple[tuple[tuple[str, ...], ...], ...]
    """What each rule needs."""


def tables_of(packs: PackSet) -> Tables:
    """What to look for, from the words and rules of all packs."""
    entries = [entry for pack in packs.packs for entry in pack.entries]
    concepts = tuple(sorted({entry.concept for entry in entries}))
    needs = tuple(rule.needs for rule in chain(packs.grammar, *(pack.rules for pack in packs.packs)))
    company = Company(concepts, needs)
    common = frozenset(entry.text.lower() for entry in entries if entry.concept == "common")
    anchors: dict[str, list[Clue]] = defaultdict(list)
    companions: dict[str, list[Clue]] = defaultdict(list)
    for number, pack in enumerate(packs.packs, 1):
        for entry in pack.entries:
            if entry.concept not in company.anchors and entry.concept not in company.companions:
                continue
            is_anchor = entry.concept in company.anchors and entry.concept != "reach_verb"
            clues = anchors if is_anchor else companions
            language = 0 if is_free(entry.concept, pack.language) else number
            for anchor, clue in clues_of(entry.text, common, language, company.bit(entry.concept)):
                clues[anchor].append(clue if clue.concept else clue._replace(language=0))
        persons = singles(pack.entries, "you") | singles(pack.entries, "me")
        for anchor, clue in beside(singles(pack.entries, "reach_verb"), persons, number, company.bit("reach_verb")):
            anchors[anchor].append(clue)
        for anchor, clue in digits_beside(pack, common):
            anchors[anchor].append(clue)
    cut = frozenset(word for pack in packs.packs for word in cut_words(pack))
    anchors.update((f" {a} {b} {c} ", [SURE]) for a, b, c in product(_LETTERS, repeat=3))
    anchors.update((letter * 3, [SURE]) for letter in _LETTERS if letter != "w")
    anchors.update((found, [SURE]) for pack in packs.packs for found in reversed_words(pack))
    anchors.update((f" {found}", [SURE]) for found in base64_figures())
    two_words = traps_of(entries)
    return Tables(
        by_script(anchors, two_words),
        by_script(companions, two_words),
        cut,
        number_traps(packs.packs),
        concepts,
        needs,
    )


def number_traps(packs: Iterable[Pack]) -> frozenset[str]:
    """Words behind which no phone number stands in any language: "pod" is Italian for a meter's point, and Polish for "at"."""
    found: set[str] = set()
    everyday: set[str] = set()
    for pack in packs:
        own = {bare for word in singles(pack.entries, "number_trap") if (bare := word.rstrip("*")).isalpha()}
        found |= own
        everyday |= singles(pack.entries, "common") - own
    return frozenset(found - everyday)


class Prefilter:
    """Words and what must stand around them, one of which stands in every message of interest."""

    def __init__(self, tables: Tables, lexicon: Lexicon, hunch: Hunch | None = None) -> None:
        self._lexicon = lexicon
        self._company = Company(tables.concepts, tables.needs, hunch)
        self._glance = Glance(hunch.words) if hunch else None
        self._traps = tables.traps
        self._cut = AhoCorasick(tables.cut, implementation=Implementation.ContiguousNFA, store_patterns=False)
        self._anchors = Search(tables.anchors)
        self._companions = Search(tables.companions)

    def fires(self, text: str) -> bool:
        """Whether the full detector has to look."""
        plain = plainly(text)
        if plain is None:
            return True
        found = self._anchors.concepts_in(plain, EVERY_LANGUAGE)
        if found is None or (found and self._is_complete(found, plain)):
            return True
        if (cut := self._cut.find_matches_as_indexes(plain.unspaced, overlapping=True)) and holds_cut(cut, plain):
            return True
        if self._glance is not None and self._glance.sees(plain):
            return True
        if (is_pointed(plain.shape) or not plain.is_latin) and holds_link(text):
            return True
        if plain.is_latin and "1" not in plain.shape and "$" not in plain.shape:
            return False  # letters one by one are anchors
        return _SPELLED.search(plain.spaced) is not None or self._has_figures(plain)

    def companies(self, text: str) -> list[list[str]]:
        """The concepts that stand together in a message, language by language; none where it passes for another reason."""
        plain = plainly(text)
        found = self._anchors.concepts_in(plain, EVERY_LANGUAGE) if plain else None
        return [self._company.names(concepts) for concepts in self._together(found, plain)] if found and plain else []

    def _is_complete(self, found: Concepts, plain: Plain) -> bool:
        """Whether what stands together is enough in some language."""
        return any(map(self._company.are_enough, self._together(found, plain)))

    def _together(self, found: Concepts, plain: Plain) -> list[int]:
        """The concepts of each language, and those of none."""
        languages = 0
        for language in found:
            languages |= 1 << language if language else EVERY_LANGUAGE
        add(found, self._companions.concepts_in(plain, languages) or {})
        everywhere = found.pop(0, 0)
        if has_question(plain.text):
            everywhere |= self._company.question
        count = plain.shape.count("1")
        if count >= FEWEST_DIGITS:
            everywhere |= self._company.number
        if count >= FEWEST_OF_A_PIECE:
            everywhere |= self._company.digits
        if count and ("0" in plain.spaced or "+" in plain.text):
            everywhere |= self._company.beginning
        return [everywhere, *[concepts | everywhere for concepts in found.values()]]

    def _has_figures(self, plain: Plain) -> bool:
        text, shape = plain.text, plain.shape
        if "@" in text or (("%" in text or "&" in text) and _ENCODED.search(text)):
            return True
        if is_mixed(shape):
            odd = [word for word in text.split() if not word.isalpha()]
            if any(len(word) >= SHORTEST_BASE64 and holds_base64(word) for word in odd):
                return True
            if leet_words(fold(" ".join(odd)), self._lexicon):
                return True
            if sum(map(bool, map(_WORD_BESIDE_FIGURES.search, odd))) >= FEWEST_BESIDE_FIGURES:
                return True
        count = shape.count("1")
        if count < FEWEST_DIGITS:
            return False
        first, last = (shape.index("1"), shape.rindex("1") + 1) if plain.is_latin else (0, len(text))
        runs = len(_DIGITS.findall(text, first, last))
        if runs >= 4 and count >= FEWEST_OF_A_NUMBER:
            return True
        if runs >= 3:
            if _SCATTERED_DIGITS.search(text, first, last):
                return True
            if count >= FEWEST_OF_A_NUMBER and _FIGURES_AND_WORDS.search(text, first, last):
                return True
        return any(not self._is_trapped(text, match.start()) for match in _SEVEN_DIGITS.finditer(text, first, last))

    def _is_trapped(self, text: str, start: int) -> bool:
        """Whether the word before a number says that it is none to call."""
        last = start
        while last > 0 and start - last < _MOST_SIGNS_BEHIND_TRAP and not is_word(text[last - 1]):
            last -= 1
        first = last
        while first > 0 and last - first < _LONGEST_TRAP and text[first - 1].isalpha():
            first -= 1
        return text[first:last].lower() in self._traps


def plainly(text: str) -> Plain | None:
    """The message without what makes no difference; `None` where it is written so strangely that it passes anyway."""
    try:
        latin, _ = charmap_encode(text, "strict", _LATIN_CODES)
    except UnicodeEncodeError:
        words = " ".join([_PLAIN_WORDS[word] for word in text.split()])
        if _STRANGE_MARK in words:
            return None
        is_unspaced = _UNSPACED_MARK in words
        if is_unspaced:
            words = words.replace(_UNSPACED_MARK, "")
        # Where there are figures, those of the plain text: they may be of another script.
        shape = (words if _FIGURE.search(words) else text).encode("ascii", "replace").translate(_SHAPE).decode()
        return Plain(text, words, shape, is_latin=False, is_unspaced=is_unspaced)
    letters = latin.translate(_PLAIN_LATIN)
    if not letters.isascii():
        for code, two in _TWO_LETTERS:
            if code * 3 in letters:
                return None  # drawn out
            letters = letters.replace(code, two)
    return Plain(text, letters.decode(), latin.translate(_SHAPE).decode(), is_latin=True, is_unspaced=False)


def is_word(character: str) -> bool:
    """Whether words are made of it."""
    return character.isalnum() or character == "_"


def has_question(text: str) -> bool:
    """Whether something is asked."""
    return "?" in text or (not text.isascii() and ("？" in text or "؟" in text)) or ";" in text


def is_pointed(shape: str) -> bool:
    """Whether a full stop touches a letter or digit on both sides, as in a host."""
    return "a.a" in shape or "1.a" in shape


def is_mixed(shape: str) -> bool:
    """Whether digits or signs touch letters."""
    if "1" in shape and ("a1" in shape or "1a" in shape or "1!a" in shape):
        return True
    return "a!a" in shape or ("$" in shape and ("a$" in shape or "$a" in shape))


def holds_cut(found: Iterable[tuple[int, int, int]], plain: Plain) -> bool:
    """Whether one of the words that stand in a text without its spaces is several words of it."""
    words = plain.spaced.split()
    numbers = {place: number for number, place in enumerate(accumulate(map(len, words), initial=0))}
    for _, first, last in found:
        if first in numbers and last in numbers and 2 <= numbers[last] - numbers[first] <= MOST_PIECES:
            word = plain.unspaced[first:last]
            if f" {word}" not in plain.spaced and f"{word} " not in plain.spaced:
                return True
    return False


def is_anchoring(concept: str) -> bool:
    """Whether some act or manner needs it."""
    return concept not in PASSING and (concept in ANCHOR_CONCEPTS or concept.startswith(ANCHORING))


def traps_of(entries: Iterable[Entry]) -> dict[str, Trap]:
    """Words that mean something else beside another one: "phone" in "phone case"."""
    before: dict[str, set[str]] = defaultdict(set)
    after: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        for phrase in phrases_of(entry.text) if entry.concept == "trap" else ():
            words = [
                [pattern(word[0]) for word in step if len(word) == 1] for step in phrase if not isinstance(step, str)
            ]
            if len(words) == len(phrase) == 2:
                for one, other in product(*words):
                    if one.endswith(" ") and other.startswith(" "):  # whole words with spaces between
                        after[one].add(other)
                        before[other].add(one)
    return {word: (tuple(sorted(before[word])), tuple(sorted(after[word]))) for word in before.keys() | after.keys()}


def digits_beside(pack: Pack, common: frozenset[str]) -> Iterator[tuple[str, Clue]]:
    """Words for digits that mean nothing else, beside another word for digits."""
    every: set[str] = set()
    sure: set[str] = set()
    for entry in pack.entries:
        if entry.concept.startswith(("digit.", "repeat.")):
            words = {*phrase_words(entry), *unspaced_words(entry)}
            every |= words
            is_one_digit = len(entry.concept.partition(".")[2]) == 1
            sure.update(
                word
                for word in words
                if (is_one_digit and word not in common and word not in HOMOPHONES)
                or len(word) >= LONGEST_EVERYDAY_NUMBER
            )
    yield from beside(sure, every)


def beside(
    words: Iterable[str], others: Iterable[str], language: int = 0, concept: int = 0
) -> Iterator[tuple[str, Clue]]:
    """Words that count where one of others stands right before or behind them."""
    patterns = tuple(sorted({found for word in others if (found := pattern(word))}))
    clues = (
        Clue(language, concept, before=tuple(p for p in patterns if p[-1] == " " or has_no_space(p))),
        Clue(language, concept, after=tuple(p for p in patterns if p[0] == " " or has_no_space(p))),
    )
    yield from ((found, clue) for word in words if (found := pattern(word)) for clue in clues)


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


def base64_figures() -> Iterator[str]:
    """How three figures begin in Base64, in folded letters: a number of figures alone shows none."""
    for figures in range(1_000):
        yield base64.b64encode(f"{figures:03}".encode()).decode().lower()


def cut_words(pack: Pack) -> Iterator[str]:
    """Single words for contacts and channels that people cut in pieces or write backwards."""
    for entry in pack.entries:
        if entry.concept.startswith("channel.") or entry.concept == "contact_noun":
            for word in phrase_words(entry):
                if SHORTEST_CUT <= len(word) <= LONGEST_CUT and word.isalpha() and not has_no_space(word):
                    yield word


def reversed_words(pack: Pack) -> Iterator[str]:
    """Words for contacts and channels as they stand in plain text when they are written backwards."""
    for entry in pack.entries:
        if entry.concept.startswith("channel.") or entry.concept in CONTACT_NOUNS:
            for word in phrase_words(entry):
                letters = word.strip("*")
                if len(letters) >= SHORTEST_REVERSED and letters.isalpha() and not has_no_space(letters):
                    yield f"{'' if word.endswith('*') else ' '}{letters[::-1]}{'' if word.startswith('*') else ' '}"


def singles(entries: Iterable[Entry], concept: str) -> set[str]:
    """The single words of a concept, stars kept."""
    return {word for entry in entries if entry.concept == concept for word in phrase_words(entry)}
