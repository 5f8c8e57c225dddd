"""Phone numbers in a message, however they are written, and those split over several messages."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import phonenumbers

from pipeline.detection.lexicon import Found
from pipeline.detection.model import Mention
from pipeline.detection.reading import Reading
from pipeline.detection.validators import is_no_phone_number

MIN_DIGITS = 7
MAX_DIGITS = 15
_MAX_FILLERS = 2
_MAX_CANDIDATES = 12
_MIN_NATIONAL = 7
_LEET_DIGITS = str.maketrans("oilszbgqeat|!", "0115289934711")
_LEET_LETTERS = frozenset("oilszbgqeat|!")
_USUAL_SEPARATORS = frozenset(" -.()/+\u00a0\u202f\u2011\u2010\u2013,")
_MIN_SPACED = 6
_FULLWIDTH = range(0xFF10, 0xFF1A)


@dataclass(frozen=True, slots=True)
class Atom:
    """Some digits of a number."""

    digits: str
    first: int
    last: int
    """Words, last exclusive."""
    start: int
    end: int
    """Code points of the message."""
    technique: str | None
    fillers: int = 0
    """Filler words before it."""
    tens: int = 0
    """10 to 90 where the word is a round ten that a unit may follow."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Digits that may be a phone number."""

    atoms: tuple[Atom, ...]
    has_plus: bool

    @property
    def digits(self) -> str:
        """All of them."""
        return "".join(atom.digits for atom in self.atoms)


@dataclass(frozen=True, slots=True)
class Context:
    """What stands around the digits."""

    is_contact: bool
    """A word for a phone, a call or a messenger stands in the same sentence."""
    is_trap: bool
    """A word for an order, a parcel, a price … stands right before."""


def candidates(text: str, reading: Reading, found: Iterable[Found], homophones: frozenset[str]) -> list[Candidate]:
    """Runs of digits long enough for a number, in order; at most a dozen."""
    atoms = _atoms(reading, found, homophones)
    runs: list[list[Atom]] = []
    for atom in atoms:
        if runs and _is_near(runs[-1][-1], atom):
            runs[-1].append(atom)
        else:
            runs.append([atom])
    out = []
    for run in runs:
        for part in _parts(run, text):
            merged = _merged_tens(part)
            if sum(len(atom.digits) for atom in merged) >= MIN_DIGITS:
                out.append(Candidate(tuple(merged), _has_plus(text, reading, merged[0])))
    return out[:_MAX_CANDIDATES]


def mention(
    text: str, candidate: Candidate, regions: Sequence[str], context: Context, extra: Iterable[str]
) -> Mention | None:
    """The phone number that a candidate is, or `None`."""
    digits = candidate.digits
    if not MIN_DIGITS <= len(digits) <= MAX_DIGITS + 2:
        return None
    techniques = _techniques(text, candidate) | set(extra)
    is_plain = not techniques - {"separators"}
    if not candidate.has_plus and context.is_trap and not context.is_contact:
        return None
    if is_plain and not candidate.has_plus:
        groups = [atom.digits for atom in candidate.atoms]
        gaps = [text[a.end : b.start] for a, b in zip(candidate.atoms, candidate.atoms[1:], strict=False)]
        if is_no_phone_number(groups, gaps) and not (context.is_contact and not context.is_trap and len(digits) <= 13):
            return None
    e164 = _e164(digits, has_plus=candidate.has_plus, regions=regions, is_likely=context.is_contact or not is_plain)
    if e164 is None and not (context.is_contact and not context.is_trap and _MIN_NATIONAL <= len(digits) <= MAX_DIGITS):
        return None
    start, end = candidate.atoms[0].start, candidate.atoms[-1].end
    if candidate.has_plus:
        start = text.rfind("+", 0, start) if "+" in text[max(0, start - 3) : start] else start
    return Mention(digits.removeprefix("00"), e164, start, end, tuple(sorted(techniques)))


def joined_fragments(texts: Sequence[str], found_in: Sequence[Sequence[Mention]]) -> list[str]:
    """Digits of consecutive messages that may make one number together, at most five messages, longest first.

    `found_in` are the mentions already found in each message: those stand by themselves and join nothing.
    """
    parts = ["" if mentions else _bare_digits(text) for text, mentions in zip(texts, found_in, strict=True)]
    joined = []
    for first in range(len(parts)):
        digits = parts[first]
        for last in range(first + 1, min(first + 5, len(parts))):
            if not parts[first] or not parts[last]:
                break
            digits += parts[last]
            if MIN_DIGITS <= len(digits) <= MAX_DIGITS:
                joined.append(digits)
    return sorted(joined, key=len, reverse=True)


def fragment_number(digits: str, regions: Sequence[str]) -> str | None:
    """The E.164 number that joined fragments make; `None` where they make none."""
    return _e164(digits, has_plus=False, regions=regions, is_likely=False)


def _bare_digits(text: str) -> str:
    """Digits of a message that holds little else."""
    digits = "".join(character for character in text if character.isdecimal())
    letters = sum(character.isalpha() for character in text)
    return digits if digits and letters <= 12 and len(digits) < MIN_DIGITS + 3 else ""


def _atoms(reading: Reading, found: Iterable[Found], homophones: frozenset[str]) -> list[Atom]:
    words, starts, ends = reading.words, reading.starts, reading.ends
    spoken: dict[int, Found] = {}
    fillers: set[int] = set()
    for item in found:
        concept = item.term.concept
        if concept.startswith(("digit.", "repeat.")):
            known = spoken.get(item.first)
            if known is None or item.last > known.last:
                spoken[item.first] = item
        elif concept == "filler":
            fillers.update(range(item.first, item.last))
    atoms: list[Atom] = []
    pending = 0
    repeat = 0
    index = 0
    count = len(words)
    while index < count:
        word = words[index]
        atom: Atom | None = None
        last = index + 1
        if word.isdigit():
            atom = Atom(word, index, last, starts[index], ends[index], None, pending)
        elif index in spoken:
            item = spoken[index]
            kind, _, value = item.term.concept.partition(".")
            last = item.last
            if kind == "repeat":
                repeat = int(value)
                index = last
                continue
            weak = word in homophones and not (
                atoms and atoms[-1].last == index and atoms[-1].technique == "digit_words"
            )
            if not weak:
                tens = int(value) if len(value) == 2 and value.endswith("0") and value not in {"00", "10"} else 0
                atom = Atom(value, index, last, starts[index], ends[last - 1], "digit_words", pending, tens)
        elif word.isascii() and any(character.isdigit() for character in word):
            atom = _mixed(word, index, reading, pending)
        if atom is None:
            if index in fillers or not word[0].isalnum():
                pending += index in fillers
            else:
                pending = _MAX_FILLERS + 1
                repeat = 0
            index += 1
            continue
        if repeat:
            atom = replace(atom, digits=atom.digits[0] * repeat + atom.digits[1:], technique="digit_words")
            repeat = 0
        atoms.append(atom)
        pending = 0
        index = last
    return atoms


def _mixed(word: str, index: int, reading: Reading, pending: int) -> Atom | None:
    """Digits within a word: `4l5`, `tel4155550132`."""
    start, end = reading.starts[index], reading.ends[index]
    if len(word) <= MAX_DIGITS and all(character.isdigit() or character in _LEET_LETTERS for character in word):
        return Atom(word.translate(_LEET_DIGITS), index, index + 1, start, end, "leet", pending)
    head = len(word) - len(word.lstrip("abcdefghijklmnopqrstuvwxyz"))
    tail = len(word.rstrip("abcdefghijklmnopqrstuvwxyz"))
    digits = word[head:tail]
    if len(digits) >= MIN_DIGITS and digits.isdigit() and end - start == len(word):
        return Atom(digits, index, index + 1, start + head, start + tail, "separators", pending)
    return None


def _is_near(before: Atom, after: Atom) -> bool:
    return (
        after.fillers <= _MAX_FILLERS
        and after.first - before.last <= 2 * _MAX_FILLERS + 2
        and after.start - before.end <= 40
    )


def _parts(run: list[Atom], text: str) -> list[list[Atom]]:
    """A run, cut at line breaks and commas where it is too long for one number."""
    if sum(len(atom.digits) for atom in run) <= MAX_DIGITS:
        return [run]
    parts: list[list[Atom]] = [[run[0]]]
    for before, atom in itertools.pairwise(run):
        gap = text[before.end : atom.start]
        if (
            any(mark in gap for mark in "\n,;+")
            or len(before.digits) >= MIN_DIGITS
            or len(atom.digits) >= MIN_DIGITS + 2
        ):
            parts.append([atom])
        else:
            parts[-1].append(atom)
    return parts


def _merged_tens(atoms: list[Atom]) -> list[Atom]:
    """`forty eight` as 48."""
    merged: list[Atom] = []
    for atom in atoms:
        before = merged[-1] if merged else None
        is_unit = atom.technique == "digit_words" and len(atom.digits) == 1 and atom.digits != "0"
        if before is not None and before.tens and is_unit and atom.fillers <= 1:
            digits = str(before.tens + int(atom.digits))
            merged[-1] = replace(before, digits=digits, last=atom.last, end=atom.end, tens=0)
        else:
            merged.append(atom)
    return merged


def _has_plus(text: str, reading: Reading, first: Atom) -> bool:
    before = text[max(0, first.start - 3) : first.start]
    if "+" in before or "\uff0b" in before:
        return True
    return first.first > 0 and reading.words[first.first - 1] in ("plus", "+")


def _techniques(text: str, candidate: Candidate) -> set[str]:
    atoms = candidate.atoms
    found = {atom.technique for atom in atoms if atom.technique}
    if any(atom.fillers for atom in atoms[1:]):
        found.add("filler_words")
    start, end = atoms[0].start, atoms[-1].end
    for character in text[start : end + 1]:
        if character.isascii():
            continue
        if character == "\u20e3":
            found.add("keycaps")
        elif ord(character) in _FULLWIDTH:
            found.add("fullwidth")
        elif character.isdecimal():
            found.add("script_digits")
        elif character.isdigit() or (character.isnumeric() and not character.isalpha()):
            found.add("keycaps")
    for before, after in itertools.pairwise(atoms):
        gap = text[before.end : after.start]
        if any(ord(character) > 0x2190 and not character.isalnum() for character in gap):  # arrows, emoji
            found.add("emoji")
        elif (
            not set(gap) <= _USUAL_SEPARATORS
            and "filler_words" not in found
            and gap.isascii()
            and "digit_words" not in found
        ):
            found.add("separators")
    plain = [atom for atom in atoms if atom.technique is None]
    if len(plain) >= _MIN_SPACED and sum(len(atom.digits) == 1 for atom in plain) >= _MIN_SPACED:
        found.add("separators")
    return {technique for technique in found if technique}


def _e164(digits: str, *, has_plus: bool, regions: Sequence[str], is_likely: bool) -> str | None:
    """The number in E.164, by the first region in which it is valid, else possible where it is likely a number."""
    if has_plus or digits.startswith("00"):
        return _parsed("+" + digits.removeprefix("00"), None, needs_valid=False)
    for region in regions:
        number = _parsed(digits, region, needs_valid=True)
        if number:
            return number
    for region in regions:
        code = str(phonenumbers.country_code_for_region(region))
        if digits.startswith(code) and (number := _parsed("+" + digits, None, needs_valid=True)):
            return number
    if not is_likely:
        return None
    if len(digits) > 10 and (number := _parsed("+" + digits, None, needs_valid=True)):  # with country code
        return number
    for region in regions:
        if number := _parsed(digits, region, needs_valid=False):
            return number
    return None


def _parsed(digits: str, region: str | None, *, needs_valid: bool) -> str | None:
    try:
        number = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return None
    is_number = phonenumbers.is_valid_number if needs_valid else phonenumbers.is_possible_number
    if not is_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
