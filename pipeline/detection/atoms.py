"""Digits in a message, however they are written: figures, words, letters for figures, with fillers between."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from pipeline.detection.digit_words import DigitWords
from pipeline.detection.kinds import Kind
from pipeline.detection.lexicon import Found
from pipeline.detection.phrases import is_no_space
from pipeline.detection.words import Reading

MOST_GUESSES: Final = 40
"""Words of a message that are looked at as digits misspelt or run together."""
MAX_FILLERS: Final = 5
"""Words without meaning between two digits: "then", "no spaces now", "and at the end"."""
_MAX_DIGITS: Final = 15
_LONG_RUN: Final = 7
_LEET_DIGITS: Final = str.maketrans("oilszbgqeat|!оοзб", "01152899347110036")
"""The last four in Greek and Cyrillic."""
_LEET_LETTERS: Final = frozenset("oilszbgqeat|!оοзб")
_ZEROS: Final = frozenset("o")
_GLUED: Final = frozenset("לבוה")
"""Words of one letter that Hebrew writes without a space."""
_LIKE_DIGITS: Final = frozenset("oilоο")
"""Letters that a digit beside them is enough for."""
_DRAWN_OUT: Final = "ー"
"""A letter that looks like a dash between figures."""
_SURELY_DIGITS: Final = 4
"""Words for digits of a language that the message is otherwise not in."""
_FEW_WORDS: Final = 10
_SURELY_BARE: Final = 3
"""In a message of so few words, so many."""
# Words for digits that are mostly something else. They count only beside other words for digits.
HOMOPHONES: Final = frozenset({"to", "too", "for", "fore", "won", "ate", "oh", "o", "one", "un", "une", "uno", "una", "um",
                         "uma", "ein", "eine", "een", "en", "ett", "on", "six", "tree", "sex"})  # fmt: skip

_LEADING: Final = frozenset({
    ("en", "to"), ("en", "too"), ("en", "for"), ("en", "fore"), ("en", "ate"), ("tr", "on"),
    ("da", "en"), ("da", "et"), ("no", "en"), ("sv", "en"), ("sv", "ett"),
    ("ja", "に"), ("ja", "ご"), ("ja", "し"), ("ja", "よ"), ("ja", "く"),
    ("ko", "이"), ("ko", "일"), ("ko", "원"), ("vi", "nam"), ("vi", "khong"), ("hi", "do"),
})  # fmt: skip
"""Of these, such as lead to a number and are none of it, by language: "to five five five …" is to it."""
_DIGITS_BEHIND: Final = 5
"""A run so long makes a digit of what stands before it."""
_MOST_FIGURES_BEHIND: Final = 2
_MOST_FIGURES_BEFORE: Final = 3
"""Figures of a group that a digit in words may stand beside: a longer one begins or ends by itself."""
_FEWEST_BEFORE_FILLERS: Final = 2
"""Digits before fillers that a word behind them goes on with."""
_SHORTEST_OF_THREE: Final = 8
"""Letters of three words for digits without spaces between."""
_FEWEST_OF_A_RUN: Final = 3
"""Words for digits without spaces between that are no chance."""
_FEWEST_BESIDE_A_GUESS: Final = 2
"""Digits on one side of a word that is taken for a misspelt one."""
_DIGITS_AROUND: Final = 6
"""So many make a digit of what stands between them."""


class Spoken:
    """A word for a digit or a number; `first` and `last` count words, last exclusive."""

    __slots__ = ("first", "kind", "last")

    def __init__(self, first: int, last: int, kind: Kind) -> None:
        self.first = first
        self.last = last
        self.kind = kind


class Atom:
    """Some digits of a number."""

    __slots__ = ("digits", "end", "fillers", "first", "is_repeated", "is_sum", "last", "start", "technique")

    def __init__(  # noqa: PLR0913, PLR0917 - where it stands and how it is written
        self,
        digits: str,
        first: int,
        last: int,
        start: int,
        end: int,
        technique: str | None,
        fillers: int = 0,
        *,
        is_sum: bool = False,
        is_repeated: bool = False,
    ) -> None:
        self.digits = digits
        self.first = first
        self.last = last
        """Words, last exclusive."""
        self.start = start
        self.end = end
        """Code points of the message."""
        self.technique = technique
        self.fillers = fillers
        """Filler words before it."""
        self.is_sum = is_sum
        """A word for a number above nine: smaller ones that follow may add to it, as in "forty" "eight"."""
        self.is_repeated = is_repeated
        """Told by "double" or the like."""


def atoms_of(
    reading: Reading,
    found: Iterable[Found],
    common: frozenset[str],
    spoken: frozenset[str],
    digit_words: Callable[[str], DigitWords],
) -> list[Atom]:
    """The digits in order; `spoken` are the languages that the message may be in, none if that is not known."""
    words_for, fillers, language = _spoken_digits(found, spoken, is_bare=len(reading.words) <= _FEW_WORDS)
    if not words_for and all(map(str.isalpha, reading.words)):
        return []
    atoms: list[Atom] = []
    skipped = 0
    repeat = 0
    index = 0
    guesses = MOST_GUESSES
    words = reading.words
    while index < len(words):
        item = words_for.get(index)
        if item is not None and item.kind.concept.startswith("repeat."):
            repeat = int(item.kind.concept.partition(".")[2])
            index = item.last
            continue
        place = atoms[-1].last if atoms and skipped <= MAX_FILLERS else index  # behind which there are but fillers
        atom = _atom(reading, index, item, atoms, words_for, common, place, is_repeated=repeat > 0)
        if atom is None and item is None and guesses and is_worth_a_guess(words, index, atoms, words_for):
            tried = [language] if language else [] if words[index].isalpha() else sorted(spoken)
            if tried and index not in fillers and words[index] not in common:
                guesses -= 1
                found_in = (_guessed(reading, index, atoms, words_for, digit_words(each)) for each in tried)
                atom = next((guess for guess in found_in if guess is not None), None)
        if atom is None:
            if index in fillers:
                skipped += not (is_no_space(words[index]) and index - 1 in fillers)  # a character is no word there
            elif words[index][0].isalnum() and words[index] != _DRAWN_OUT:
                skipped = MAX_FILLERS + 1
                repeat = 0
            index += 1
            continue
        if repeat:
            atom.digits = atom.digits[0] * repeat + atom.digits[1:]
            atom.technique = "digit_words"
            atom.is_repeated = True
            repeat = 0
        atom.fillers = skipped
        atoms.append(atom)
        skipped = 0
        index = atom.last
    return atoms


def _spoken_digits(
    found: Iterable[Found], spoken: frozenset[str], *, is_bare: bool
) -> tuple[dict[int, Spoken], set[int], str]:
    """By first word the longest word for a digit, all of one language; the places of fillers; and the language."""
    spelled: list[Spoken] = []
    fillers: set[int] = set()
    votes: dict[str, int] = {}
    for item in found:
        for kind in item.ending.digits:
            spelled.append(Spoken(item.first, item.last, kind))
            votes[kind.language_name] = votes.get(kind.language_name, 0) + kind.concept.startswith("digit.")
        if item.ending.is_filler:
            fillers.update(range(item.first, item.last))
    if not votes:
        return {}, fillers, ""
    heard = [
        lang
        for lang, count in votes.items()
        if not spoken or lang in spoken or count >= _SURELY_DIGITS or (is_bare and count >= _SURELY_BARE)
    ]
    if not heard:
        return {}, fillers, ""
    language = min(heard, key=lambda lang: (-votes[lang], lang not in spoken, lang))
    longest: dict[int, Spoken] = {}
    for each in spelled:
        known = longest.get(each.first)
        if each.kind.language_name == language and (known is None or each.last > known.last):
            longest[each.first] = each
    return longest, fillers, language


def _atom(  # noqa: PLR0913, PLR0917 - one word and what stands around it
    reading: Reading,
    index: int,
    item: Spoken | None,
    atoms: Sequence[Atom],
    words_for: dict[int, Spoken],
    common: frozenset[str],
    place: int,
    *,
    is_repeated: bool,
) -> Atom | None:
    word = reading.words[index]
    start, end = reading.starts[index], reading.ends[index]
    if word.isdecimal():
        return Atom(word, index, index + 1, start, end, None)
    if item is not None:
        is_doubtful = word in HOMOPHONES or word in common or len(word) == 1
        if is_doubtful and not is_repeated and item.last == index + 1:
            value = item.kind.concept.partition(".")[2]
            if not _stands_by_digits(reading.words, index, atoms, words_for, value, place):
                return None
        value = item.kind.concept.partition(".")[2]
        return Atom(value, index, item.last, start, reading.ends[item.last - 1], "digit_words", is_sum=_is_sum(value))
    if not word.isalpha() and (atom := _mixed(word, index, start, end)) is not None:
        return atom
    if len(word) > 1 and _ZEROS.issuperset(word) and atoms and atoms[-1].last == index:  # "0812-3456-OOOO"
        return Atom("0" * len(word), index, index + 1, start, end, "leet")
    return None


def is_worth_a_guess(words: Sequence[str], index: int, atoms: Sequence[Atom], words_for: dict[int, Spoken]) -> bool:
    """Whether a word stands beside digits, holds some, or is long enough to be several of them."""
    word = words[index]
    return (
        (bool(atoms) and atoms[-1].last == index)
        or index + 1 in words_for
        or (bool(words_for) and len(word) >= _SHORTEST_OF_THREE)
        or (word.isalnum() and not word.isalpha())
        or (index + 1 < len(words) and words[index + 1].isdecimal())
    )


def _guessed(
    reading: Reading, index: int, atoms: Sequence[Atom], words_for: dict[int, Spoken], digit_words: DigitWords
) -> Atom | None:
    """Digits of a word that no pack has: a run of words beside others or of many, or one misspelt among others."""
    word = reading.words[index]
    start, end = reading.starts[index], reading.ends[index]
    before = len(list(_right_before(index, atoms)))
    ahead = _digits_ahead(reading.words, index + 1, words_for)
    values = digit_words.run(word)
    if values and not ahead and not word.isalpha() and index + 1 < len(reading.words):
        ahead = len(digit_words.run(reading.words[index + 1]))  # "zero6 trente9 98"
    if values and (before or ahead or len(values) >= _FEWEST_OF_A_RUN):
        parts = [
            Atom(value, at, at + 1, start, end, "digit_words", is_sum=_is_sum(value)) for at, value in enumerate(values)
        ]
        whole = summed(parts)
        digits = "".join(part.digits for part in whole)
        return Atom(digits, index, index + 1, start, end, "digit_words", is_sum=whole[-1].is_sum)
    if (before and ahead) or max(before, ahead) >= _FEWEST_BESIDE_A_GUESS:
        value = digit_words.misspelt(word)
        if value is not None:
            return Atom(value, index, index + 1, start, end, "digit_words", is_sum=_is_sum(value))
    return None


def _is_sum(value: str) -> bool:
    """Whether smaller numbers may add to it."""
    return len(value) > 1 and value.strip("0") != "" and value[0] != "0"


def _stands_by_digits(  # noqa: PLR0913, PLR0917 - one word and what stands around it
    words: Sequence[str], index: int, atoms: Sequence[Atom], words_for: dict[int, Spoken], value: str, place: int
) -> bool:
    """Whether a word that is mostly something else is a digit here: after another, before two others or among many.

    A character of a script without spaces may begin a number with any digit: three in a row are no chance.
    """
    word = words[index]
    behind = list(_right_before(index, atoms))
    if any(atom.technique == "digit_words" for atom in behind[:2]):
        return True
    ahead = _digits_ahead(words, index + 1, words_for)
    goes_on = place < index and sum(len(atom.digits) for atom in _right_before(place, atoms)) >= _FEWEST_BEFORE_FILLERS
    if goes_on and (ahead or len(value) > 1):
        return True
    leads = (words_for[index].kind.language_name, word) in _LEADING
    if behind:
        figures = len(behind[0].digits)
        are_many = not leads and figures < _LONG_RUN and sum(len(a.digits) for a in behind) + ahead >= _DIGITS_AROUND
        return ahead > 0 and (are_many or (index + 1 in words_for and figures <= _MOST_FIGURES_BEFORE))
    if ahead >= _DIGITS_BEHIND and not leads:
        return index + 1 in words_for or len(words[index + 1]) <= _MOST_FIGURES_BEHIND or is_no_space(word)
    following = words_for.get(index + 1)
    return following is not None and following.last in words_for and (value.startswith("0") or is_no_space(word))


def _digits_ahead(words: Sequence[str], index: int, words_for: dict[int, Spoken]) -> int:
    """Digits in figures and words that follow on one another, counted as far as they tell."""
    count = 0
    while count < _DIGITS_AROUND and index < len(words):
        spoken = words_for.get(index)
        if spoken is None and not words[index].isdecimal():
            break
        count += 1 if spoken else len(words[index])
        index = spoken.last if spoken else index + 1
    return count


def _right_before(index: int, atoms: Sequence[Atom]) -> Iterator[Atom]:
    """The last digits that follow on one another up to a word, backwards, as far as they tell."""
    for atom in atoms[: -_DIGITS_AROUND - 1 : -1]:
        if atom.last != index:
            break
        yield atom
        index = atom.first


def _mixed(word: str, index: int, start: int, end: int) -> Atom | None:
    """Digits within a word: `4l5`, `tel4155550132`, `ל0541234567`."""
    if len(word) <= _MAX_DIGITS and all(character.isdigit() or character in _LEET_LETTERS for character in word):
        is_plain = _LIKE_DIGITS.issuperset(character for character in word if not character.isdigit())
        if sum(map(str.isdigit, word)) * 2 < len(word) and not is_plain:
            return None
        return Atom(word.translate(_LEET_DIGITS), index, index + 1, start, end, "leet")
    head, tail = 0, len(word)
    while head < tail and word[head].isalpha():
        head += 1
    while head < tail and word[tail - 1].isalpha():
        tail -= 1
    digits = word[head:tail]
    is_prefixed = head == 1 and tail == len(word) and word[0] in _GLUED
    if (len(digits) >= _LONG_RUN or is_prefixed) and digits.isdecimal() and end - start == len(word):
        return Atom(digits, index, index + 1, start + head, start + tail, None)
    return None


def summed(atoms: Sequence[Atom]) -> list[Atom]:
    """Words of numbers as people add them: "forty eight" is 48, "seven hundred two" 702, "zweihundert dreißig" 230."""
    merged: list[Atom] = []
    for atom in atoms:
        before = merged[-1] if merged else None
        if before is not None and atom.technique == before.technique == "digit_words":
            is_hundred = atom.digits in {"00", "000"} and atom.last - atom.first == 1  # "double oh" is two words
            if is_hundred and not atom.is_repeated and len(before.digits) == 1 and before.digits != "0":
                merged[-1] = _joined(before, atom, before.digits + atom.digits)
                continue
            zeros = len(before.digits) - len(before.digits.rstrip("0"))
            is_short = before.is_sum and zeros == 1 and before.last == atom.first
            if is_short and atom.last - atom.first == 2 and atom.digits[1:] == "00":
                # "otuz" "üç yüz": thirty-three, a hundred
                merged[-1] = _joined(before, atom, before.digits[:-1] + atom.digits[0])
                merged.append(_rewritten(atom, "100"))
                continue
            value = atom.digits.lstrip("0")
            if before.is_sum and value == atom.digits and 0 < len(value) <= zeros and before.digits != "10":
                merged[-1] = _joined(before, atom, before.digits[: -len(value)] + value)
                continue
        merged.append(atom)
    return merged


def _joined(before: Atom, after: Atom, digits: str) -> Atom:
    joined = _rewritten(before, digits)
    joined.last, joined.end, joined.is_sum = after.last, after.end, True
    return joined


def _rewritten(atom: Atom, digits: str) -> Atom:
    return Atom(
        digits,
        atom.first,
        atom.last,
        atom.start,
        atom.end,
        atom.technique,
        atom.fillers,
        is_sum=atom.is_sum,
        is_repeated=atom.is_repeated,
    )
