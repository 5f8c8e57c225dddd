"""Phone numbers among the digits of a message: which digits belong together, and which of them are a phone number."""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import phonenumbers

from pipeline.detection.atoms import MAX_FILLERS, Atom, summed
from pipeline.detection.model import Mention
from pipeline.detection.validators import is_no_phone_number, other_figures
from pipeline.detection.words import Layer, Reading

MIN_DIGITS: Final = 7
MAX_DIGITS: Final = 15
_MAX_GAP_CHARACTERS: Final = 40
_MAX_CANDIDATES: Final = 12
_MAX_FRAGMENTS: Final = 5
_FEWEST_DEALT_OUT: Final = 4
_MAX_BESIDE: Final = 2
"""Digits of a small number beside a phone number: "at 6", "2 pieces"."""
_SURE_DIGITS: Final = 9
"""Of a mobile number that nothing but its form tells."""
_MOST_DROPPED: Final = 3
"""Figures beside a number that are none of it, looked for."""
_PUBLIC_TYPES: Final = frozenset({
    phonenumbers.PhoneNumberType.TOLL_FREE,
    phonenumbers.PhoneNumberType.PREMIUM_RATE,
    phonenumbers.PhoneNumberType.SHARED_COST,
    phonenumbers.PhoneNumberType.UAN,
})  # fmt: skip
_NORDIC_GROUPS: Final = [3, 2, 3]
"""Digits of each group of a Norwegian mobile number, as people write it."""
_DIALLED_DIGITS: Final = range(9, 12)
"""Of a number with its prefix."""
_PREFIX_DIGITS: Final = range(3, 6)
_USUAL_SEPARATORS: Final = frozenset(" -.()/+\u00a0\u202f\u2011\u2010\u2013\u2212,")
_MIN_SPACED: Final = 6
_FULLWIDTH: Final = range(0xFF10, 0xFF1A)
_ARROWS: Final = 0x2190
# "98 mango 76 mango 54 mango 32", and "607carnation111petunia222" in one word.
_REPEATED: Final = re.compile(
    r"(?<!\d)\d{1,4}\W{1,3}([^\W\d]{2,14})\W{1,3}\d{1,4}(?:\W{1,3}\1\W{1,3}\d{1,4}){1,6}(?!\d)"
)
# "09 mango 13 kiwi 22 plum 11 fig 00": from a nought or a plus on, with a word between any two groups.
_STREWN: Final = re.compile(
    r"(?<![\w.,:/-])[0+]\d{0,4}(?:\W{1,3}[^\W\d]{2,14}\W{1,3}(?:\d{1,4}|\d(?: \d){1,3})(?!\d)){2,6}"
)
_LETTERS: Final = re.compile(r"[^\W\d]+")
_WITHIN_WORD: Final = re.compile(r"(?<!\w)\d{2,4}(?:[^\W\d]{3,14}\d{2,4}){2,4}(?!\w)")
_HIDING: Final = frozenset(
    {"keycaps", "html", "leet", "zero_width", "homoglyph", "digit_words", "filler_words", "base64"}
)
"""Tricks that hide a number; in full width and other scripts' digits people write any figure."""
_OFTEN: Final = 4
"""A word so often between figures is there on purpose, however common it is."""
_LINKS: Final = ("wa.me/", "phone=", "tel:", "tel://", "sms:", "callto:", "send/", "viber://chat?number=")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Digits that may be a phone number."""

    atoms: tuple[Atom, ...]
    has_plus: bool

    @property
    def digits(self) -> str:
        """All of them."""
        return "".join(atom.digits for atom in self.atoms)

    @property
    def is_mixed(self) -> bool:
        """Written in more than one way."""
        return len({atom.technique for atom in self.atoms}) > 1


@dataclass(frozen=True, slots=True)
class Context:
    """What stands around the digits."""

    is_contact: bool
    """A word for a phone, a call or a messenger stands near, and no word for an order, a parcel … nearer."""
    is_trap: bool
    """A word for an order, a parcel, a price … stands nearest."""
    is_reversed: bool
    """The message says that digits are to be read backwards."""
    is_alone: bool
    """Little else stands in the message."""


def candidates(text: str, reading: Reading, atoms: Iterable[Atom]) -> list[Candidate]:
    """Runs of digits long enough for a number, in order; at most a dozen."""
    runs: list[list[Atom]] = []
    for atom in atoms:
        if runs and _is_near(runs[-1][-1], atom) and "+" not in text[runs[-1][-1].end : atom.start]:
            runs[-1].append(atom)
        else:
            runs.append([atom])
    out = []
    for run in runs:
        parts = [part for part in _parts(summed(run), text) if sum(len(atom.digits) for atom in part) >= MIN_DIGITS]
        out += [Candidate(tuple(part), _has_plus(text, reading, part[0])) for part in parts]
    return out[:_MAX_CANDIDATES]


def without_other_figures(text: str, atoms: Sequence[Atom]) -> Sequence[Atom]:
    """The digits that may belong to a phone number."""
    others = list(other_figures(text)) if atoms else []
    if not others:
        return atoms
    return [atom for atom in atoms if not any(start < atom.end and atom.start < end for start, end in others)]


def mention(
    text: str, candidate: Candidate, regions: Sequence[str], context: Context, extra: Iterable[str]
) -> Mention | None:
    """The phone number that a candidate is, or `None`; `regions`: the message's own first."""
    techniques = _techniques(text, candidate) | set(extra)
    if context.is_trap and not candidate.has_plus and not _is_hidden_number(candidate, regions, techniques):
        return None
    if not candidate.has_plus and not techniques - {"separators"} and not _may_be_phone(text, candidate, context):
        return None
    readings = list(_readings(candidate))
    if len(readings) > 1 and regions:
        # A valid number comes first, and one written in one way before one with "two" or "at 6" behind it.
        readings.sort(key=lambda each: (*_likeness(each.digits, regions[0]), each.is_mixed))
    if regions:
        readings[:0] = _within(candidate, regions[0])
    found = (_mention(text, each, regions, context, extra) for each in readings)
    return next((each for each in found if each is not None), None)


def are_spoken(atoms: Sequence[Atom]) -> bool:
    """Whether there are as many words for digits as nothing but a number has."""
    return sum(len(atom.digits) for atom in atoms if atom.technique == "digit_words") >= MIN_DIGITS


def are_dealt_out(atoms: Sequence[Atom]) -> bool:
    """Whether they begin as a number that is dialled does, and stand in groups of a few digits, as dimensions do not."""
    return len(atoms) >= _FEWEST_DEALT_OUT and len(atoms[0].digits) > 1 and atoms[0].digits[0] == "0"


def scattered(atoms: Sequence[Atom], regions: Sequence[str], *, is_told: bool) -> Mention | None:
    """A number whose digits stand far apart in one message: exactly as many as a valid one has.

    Of the first region; of any where they are told in words. A mobile number where nothing tells that it is one.
    """
    groups = summed(atoms)
    digits = "".join(atom.digits for atom in groups)
    if len(groups) < 3 or not MIN_DIGITS < len(digits) <= MAX_DIGITS:
        return None
    tried = regions if are_spoken(atoms) else regions[:1]
    e164 = next((found for region in tried if (found := _parsed(digits, region, is_strict=True))), None)
    if e164 is None or not (is_told or _is_mobile(e164)):
        e164 = _like_mobile(digits, regions[0]) if regions else None
    if e164 is None:
        return None
    techniques = {"filler_words", *(atom.technique for atom in groups if atom.technique)}
    return Mention(digits, e164, groups[0].start, groups[-1].end, tuple(sorted(techniques)))


def interleaved(layer: Layer, regions: Sequence[str], common: frozenset[str]) -> Mention | None:
    """A number whose digits have one word between them again and again, or several within one run of letters and digits.

    Of the first region, where it is valid: what has as many digits by chance is not.
    """
    if not regions:
        return None
    for pattern in (_REPEATED, _WITHIN_WORD, _STREWN):
        for match in pattern.finditer(layer.text):
            digits = "".join(filter(str.isdecimal, match[0]))
            if not MIN_DIGITS < len(digits) <= MAX_DIGITS:
                continue
            words = _LETTERS.findall(match[0])
            if len(words) < _OFTEN and not common.isdisjoint(words):
                continue
            mobile = _like_mobile(digits, regions[0])
            e164 = mobile or _parsed(digits, regions[0], is_strict=True)
            if e164 and (pattern is not _STREWN or ((mobile or _is_mobile(e164)) and common.isdisjoint(words))):
                return Mention(digits, e164, layer.start(match.start()), layer.end(match.end()), ("filler_words",))
    return None


def joined_fragments(texts: Sequence[str], found_in: Sequence[Sequence[Mention]]) -> list[str]:
    """Digits of consecutive messages that may make one number together, at most five messages, longest first.

    `found_in` are the mentions already found in each message: those stand by themselves and join nothing.
    """
    parts = ["" if mentions else _bare_digits(text) for text, mentions in zip(texts, found_in, strict=True)]
    joined = []
    for first in range(len(parts)):
        digits = parts[first]
        for last in range(first + 1, min(first + _MAX_FRAGMENTS, len(parts))):
            if not parts[first] or not parts[last]:
                break
            digits += parts[last]
            if MIN_DIGITS <= len(digits) <= MAX_DIGITS:
                joined.append(digits)
    return sorted(joined, key=len, reverse=True)


def fragment_number(digits: str, regions: Sequence[str]) -> str | None:
    """The E.164 number that joined fragments make; `None` where they make none."""
    return _e164(digits, regions, has_plus=False, is_likely=False)


def _bare_digits(text: str) -> str:
    """Digits of a message that holds little else."""
    digits = "".join(character for character in text if character.isdecimal())
    letters = sum(character.isalpha() for character in text)
    return digits if digits and letters <= 12 and len(digits) < MIN_DIGITS + 3 else ""


def _is_near(before: Atom, after: Atom) -> bool:
    return (
        after.fillers <= MAX_FILLERS
        and after.first - before.last <= 2 * MAX_FILLERS + 2
        and after.start - before.end <= _MAX_GAP_CHARACTERS
    )


def _parts(run: list[Atom], text: str) -> list[list[Atom]]:
    """A run, cut at line breaks and commas where it is too long for one number."""
    if sum(len(atom.digits) for atom in run) <= MAX_DIGITS:
        return [run]
    parts: list[list[Atom]] = [[run[0]]]
    for before, atom in itertools.pairwise(run):
        gap = text[before.end : atom.start]
        if (
            any(mark in gap for mark in "\n,;")
            or len(before.digits) >= MIN_DIGITS
            or len(atom.digits) >= MIN_DIGITS + 2
        ):
            parts.append([atom])
        else:
            parts[-1].append(atom)
    return parts


def _readings(candidate: Candidate) -> Iterator[Candidate]:
    """The candidate, and it without the small numbers at its ends."""
    yield candidate
    atoms = candidate.atoms
    if candidate.has_plus or len(atoms) < 2:
        return
    if len(atoms[0].digits) <= _MAX_BESIDE:
        yield Candidate(atoms[1:], has_plus=False)
    if len(atoms[-1].digits) <= _MAX_BESIDE:
        yield Candidate(atoms[:-1], has_plus=False)


def _is_hidden_number(candidate: Candidate, regions: Sequence[str], techniques: set[str]) -> bool:
    """Whether digits are written as nobody writes an order's number, and are a number of the region."""
    is_written_so = not techniques.isdisjoint(_HIDING) or (
        len(candidate.atoms) >= _SURE_DIGITS and all(len(atom.digits) == 1 for atom in candidate.atoms)
    )
    if not is_written_so or not regions:
        return False
    is_invalid, is_impossible = _likeness(candidate.digits, regions[0])
    return not is_invalid or (not is_impossible and candidate.digits.startswith("0"))


def _likeness(digits: str, region: str) -> tuple[bool, bool]:
    """Whether digits are no valid number of the region, and not even as long as one and dialled like one."""
    is_valid = _parsed(digits, region, is_strict=True) is not None
    return not is_valid, not is_valid and _parsed(digits, region, is_strict=False) is None


def _like_mobile(digits: str, region: str) -> str | None:
    """The number, if it begins with a nought as the region's mobile numbers do, and is as long: plans leave ranges free."""
    example = _mobile_example(region)
    is_like = len(digits) == len(example) and digits[0] == "0" and digits[:2] == example[:2]
    return _parsed(digits, region, is_strict=False) if is_like else None


@lru_cache(maxsize=256)
def _mobile_example(region: str) -> str:
    number = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    if number is None:
        return ""
    return "".join(filter(str.isdecimal, phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)))


def _within(candidate: Candidate, region: str) -> list[Candidate]:
    """The part of a run that is a number of the region, where the whole run is none: a price stands before it."""
    digits = candidate.digits
    if candidate.has_plus or _parsed(digits, region, is_strict=True):
        return []
    is_possible = _parsed(digits, region, is_strict=False) is not None
    count = len(candidate.atoms)
    for dropped in range(1, min(count, _MOST_DROPPED + 1)):
        for first in range(dropped + 1):
            last = count - dropped + first
            part = Candidate(candidate.atoms[first:last], has_plus=False)
            rest = {atom.technique for atom in (*candidate.atoms[:first], *candidate.atoms[last:])}
            is_apart = rest.isdisjoint(atom.technique for atom in part.atoms)
            is_dialled = part.digits.startswith("0") and not digits.startswith("0")
            if (
                len(part.digits) >= _SURE_DIGITS
                and (is_dialled or is_apart or not is_possible)
                and _parsed(part.digits, region, is_strict=True)
            ):
                return [part]
    return []


def _mention(
    text: str, candidate: Candidate, regions: Sequence[str], context: Context, extra: Iterable[str]
) -> Mention | None:
    digits = candidate.digits
    if not MIN_DIGITS <= len(digits) <= MAX_DIGITS + 2:
        return None
    techniques = _techniques(text, candidate) | set(extra)
    has_plus = candidate.has_plus
    is_hidden = bool(techniques)
    is_likely = context.is_contact or is_hidden
    if not has_plus and not techniques - {"separators"} and not _may_be_phone(text, candidate, context):
        return None
    e164 = _e164(digits, regions, has_plus=has_plus, is_likely=is_likely or _is_dialled(candidate))
    if context.is_reversed and (backwards := _backwards(digits, regions)):
        digits, e164, is_likely = digits[::-1], backwards, True
        techniques.add("reversed")
    if e164 is None:
        return None
    if not is_likely and not has_plus and not _looks_like_phone(text, candidate, e164, regions, context):
        return None
    start, end = candidate.atoms[0].start, candidate.atoms[-1].end
    if has_plus and "+" in text[max(0, start - 3) : start]:
        start = text.rfind("+", 0, start)
    return Mention(digits.removeprefix("00"), e164, start, end, tuple(sorted(techniques)))


def _backwards(digits: str, regions: Sequence[str]) -> str | None:
    """The number that digits are from the end; one as long as a number is enough where they are none forwards."""
    turned = digits[::-1]
    is_likely = turned.startswith("0") and not (regions and _parsed(digits, regions[0], is_strict=True))
    return _e164(turned, regions, has_plus=False, is_likely=is_likely)


def _is_dialled(candidate: Candidate) -> bool:
    """Whether it is grouped behind a prefix as numbers are that are dialled within a country."""
    groups = [atom.digits for atom in candidate.atoms]
    are_pairs = all(len(group) == 2 for group in groups)  # "06 12 34 56 78"
    return (
        len(groups) > 1
        and groups[0].startswith("0")
        and (are_pairs or len(groups[0]) in _PREFIX_DIGITS)
        and len(candidate.digits) in _DIALLED_DIGITS
    )


def _may_be_phone(text: str, candidate: Candidate, context: Context) -> bool:
    groups = [atom.digits for atom in candidate.atoms]
    gaps = [text[a.end : b.start] for a, b in itertools.pairwise(candidate.atoms)]
    other = is_no_phone_number(groups, gaps)
    return (
        other is None
        or context.is_reversed
        or (context.is_contact and other not in {"ip", "coordinates"} and len(candidate.digits) <= 13)
    )


def _looks_like_phone(text: str, candidate: Candidate, e164: str, regions: Sequence[str], context: Context) -> bool:
    """Whether digits without a word for contact near them are a phone number by their form alone."""
    if context.is_alone:
        return True
    first = candidate.atoms[0]
    before = text[max(0, first.start - 1) : first.start]
    if before in {"#", "-", "/", "_"}:
        return False
    code = phonenumbers.country_code_for_region(regions[0]) if regions else 0
    if code and not e164.startswith(f"+{code}"):
        return False
    if candidate.digits.startswith("0") or (len(candidate.digits) >= _SURE_DIGITS and _is_mobile(e164)):
        return True
    groups = [atom.digits for atom in candidate.atoms]
    if list(map(len, groups)) == _NORDIC_GROUPS and _is_mobile(e164):
        return True
    return len(groups) > 1 and groups in (
        _national_groups(e164),
        [group.lstrip("0") for group in _national_groups(e164)],
    )


@lru_cache(maxsize=4096)
def _type(e164: str) -> int:
    """One of `phonenumbers.PhoneNumberType`."""
    return int(phonenumbers.number_type(phonenumbers.parse(e164)))


def _is_mobile(e164: str) -> bool:
    return _type(e164) == phonenumbers.PhoneNumberType.MOBILE


def is_public(e164: str) -> bool:
    """Whether it is of a kind that companies have and persons do not: free of charge, or at a rate of its own."""
    return _type(e164) in _PUBLIC_TYPES


@lru_cache(maxsize=4096)
def _national_groups(e164: str) -> list[str]:
    """The groups in which the country writes a number."""
    shown = phonenumbers.format_number(phonenumbers.parse(e164), phonenumbers.PhoneNumberFormat.NATIONAL)
    return "".join(character if character.isdigit() else " " for character in shown).split()


def _has_plus(text: str, reading: Reading, first: Atom) -> bool:
    before = text[max(0, first.start - 3) : first.start]
    if "+" in before or "\uff0b" in before:
        return True
    if text[max(0, first.start - 24) : first.start].lower().endswith(_LINKS) and not first.digits.startswith("0"):
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
        if any(
            ord(character) > _ARROWS and not character.isalnum() for character in gap if character not in "\u3000ー－"
        ):
            found.add("emoji")
        elif gap.isascii() and not set(gap) <= _USUAL_SEPARATORS and not found & {"filler_words", "digit_words"}:
            found.add("separators")
    plain = [atom for atom in atoms if atom.technique is None]
    if len(plain) >= _MIN_SPACED and sum(len(atom.digits) == 1 for atom in plain) >= _MIN_SPACED:
        found.add("separators")
    return {technique for technique in found if technique}


def _e164(digits: str, regions: Sequence[str], *, has_plus: bool, is_likely: bool) -> str | None:
    """The number in E.164: valid where the message is, else valid elsewhere, else possible where it is likely one."""
    if has_plus or digits.startswith("00"):
        number = _parsed("+" + digits.removeprefix("00"), None, is_strict=False)
        return number or (_trunk_dropped(digits) if has_plus else None)
    own = regions[0] if regions else None
    if own and (number := _parsed(digits, own, is_strict=True)):
        return number
    if own and is_likely and digits.startswith("0") and (number := _parsed(digits, own, is_strict=False)):
        return number
    for region in regions[1:]:
        if number := _parsed(digits, region, is_strict=True):
            return number
    if len(digits) > 10 and (number := _parsed("+" + digits, None, is_strict=True)):  # country code without plus
        return number
    if not is_likely:
        return None
    for region in regions:
        if number := _parsed(digits, region, is_strict=False):
            return number
    if len(digits) > 10:  # country code without plus
        return _parsed("+" + digits, None, is_strict=False)
    return None


def _trunk_dropped(digits: str) -> str | None:
    """`+44 (0) 20 …` as it is dialled from abroad."""
    for length in (1, 2, 3):
        if digits[length : length + 1] == "0":
            number = _parsed("+" + digits[:length] + digits[length + 1 :], None, is_strict=False)
            if number:
                return number
    return None


@lru_cache(maxsize=4096)
def _parsed(digits: str, region: str | None, *, is_strict: bool) -> str | None:
    """The number, if it is valid there, or, not strictly, as long as one."""
    try:
        number = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return None
    if is_strict and not phonenumbers.is_valid_number(number):
        return None
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
