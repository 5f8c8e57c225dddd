"""Digits that are no phone number although they could be: check digits, dates, addresses of machines, places."""

import re
from collections.abc import Iterator, Sequence

_IMEI, _EAN, _EAN_8, _UPC, _ISBN = 15, 13, 8, 12, 10
_CARD = range(15, 20)
_MAX_OCTET = 255
_YEARS = range(1900, 2100)
_MONTHS = range(1, 13)
_DAYS = range(1, 32)
# A degree with three and more decimals, twice; the account number's country and check digits, then groups of four.
_COORDINATES = re.compile(r"(?<![\d.,])-?\d{1,3}\.\d{3,12}\s?°?\s?[NSns]?\s?[,;/ ]\s?-?\d{1,3}\.\d{3,12}(?![\d.])")
_ACCOUNT = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")


_HOUR = r"(?:[01]?\d|2[0-3])"
_TIME = re.compile(rf"(?<![\w.:+-]){_HOUR}:[0-5]\d(?![\w:]|[.-]\d)")
# "10.00-12.00", "20.31 og 20.44"
_TIMES = re.compile(rf"(?<![\w.:+-]){_HOUR}\.[0-5]\d(?:\s?[-–—]\s?|\s[^\W\d]{{1,5}}\s){_HOUR}\.[0-5]\d(?![\w:]|[.-]\d)")
_DAY = re.compile(
    r"(?<![\w./+-])(?:0?[1-9]|[12]\d|3[01])([./-])(?:0?[1-9]|1[0-2])\1(?:19|20)\d\d(?![\w/]|[.-]\d)"
    r"|(?<![\w./+-])(?:19|20)\d\d([./-])(?:0?[1-9]|1[0-2])\2(?:0?[1-9]|[12]\d|3[01])(?![\w/]|[.-]\d)"
)
_LINK = re.compile(r"(?:https?://|www\.)\S+")
_ADDRESSEE = re.compile(r"\s*@\d{3,9}(?=\s+[^\W\d])")
_MESSENGER = re.compile(r"wa\.me|whatsapp|phone=|t\.me|viber|line\.me|tel:|zalo", re.IGNORECASE)
# "RR448120937IL", "CGK0417722931"; not "TEL0171…".
_CODE = re.compile(
    r"(?<![A-Za-z0-9])(?!(?:TEL|TLF|TL|WA|HP|SMS|NO|NR|CEL|MOB|PH|CALL|GSM|WSP|WPP)\d)"
    r"(?:[A-Z]{2,4}|[AC-FHJKMNPR-UVWXY])\d{6,}[A-Z]{0,2}(?![A-Za-z0-9])"
)


def other_figures(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of what is no phone number however its digits are grouped.

    Coordinates, account numbers, codes of letters and digits, days, times of day, links but to a messenger, and whom a
    public reply is for.
    """
    if "." in text:
        yield from (match.span() for match in _COORDINATES.finditer(text))
        yield from (match.span() for match in _TIMES.finditer(text))
    if ":" in text:
        yield from (match.span() for match in _TIME.finditer(text))
    if "://" in text or "www." in text:
        yield from (match.span() for match in _LINK.finditer(text) if not _MESSENGER.search(match[0]))
    if addressee := _ADDRESSEE.match(text):
        yield addressee.span()
    if "19" in text or "20" in text:
        yield from (match.span() for match in _DAY.finditer(text))
    if not text.islower():
        yield from (match.span() for match in _CODE.finditer(text))
    for match in _ACCOUNT.finditer(text):
        if is_account(match[0]):
            yield match.span()


def is_account(written: str) -> bool:
    """Whether it has the check digits of an IBAN. Source: ISO 13616-1, section 6."""
    plain = written.replace(" ", "")
    return int("".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])) % 97 == 1


def is_no_phone_number(groups: Sequence[str], separators: Sequence[str]) -> str | None:
    """What plain digits are instead, by their shape alone; `None` where they may be a phone number.

    `groups` are the runs of digits, `separators` the text between them, one fewer.
    """
    digits = "".join(groups)
    if len(groups) == 1:
        return _single_run(digits)
    if _is_card(groups):
        return "card"
    if is_address(groups, separators):
        return "ip"
    if is_date(groups, separators):
        return "date"
    if is_coordinates(groups, separators):
        return "coordinates"
    if len(digits) in (_EAN, _ISBN) and set(separators) == {"-"} and groups[0] in ("978", "979"):
        return "isbn"
    return None


def _single_run(digits: str) -> str | None:
    if len(digits) == _IMEI and has_luhn_digit(digits):
        return "imei"
    if len(digits) in _CARD:
        return "card" if has_luhn_digit(digits) else "serial"
    if len(digits) == _EAN and digits[:3] in ("978", "979"):
        return "isbn"
    if len(digits) == _EAN and has_ean_digit(digits):
        return "ean"
    if len(digits) == _EAN_8 and _is_day(digits[:4], digits[4:6], digits[6:]):
        return "date"
    return None


def has_luhn_digit(digits: str) -> bool:
    """Whether the last digit is the check digit of IMEI and card numbers. Source: ISO/IEC 7812-1, annex B."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value  # the sum of two digits
    return total % 10 == 0


def has_ean_digit(digits: str) -> bool:
    """Whether the last digit is the check digit of EAN and UPC. Source: GS1 General Specifications, section 7.9."""
    total = sum(int(digit) * (1 + 2 * (place % 2)) for place, digit in enumerate(reversed(digits)))
    return total % 10 == 0


def is_address(groups: Sequence[str], separators: Sequence[str]) -> bool:
    """Four numbers up to 255 with points between: an IP address."""
    return (
        len(groups) == 4  # IPv4
        and all(separator == "." for separator in separators)
        and all(len(group) <= 3 and int(group) <= _MAX_OCTET for group in groups)  # 255
    )


def is_date(groups: Sequence[str], separators: Sequence[str]) -> bool:
    """A day, perhaps with a time or a second day behind it."""
    if any(separator.strip() not in {"", "-", ".", "/", ":"} for separator in separators[:2]):
        return False
    if len(groups) < 3:  # day, month, year
        return False
    first, second, third = groups[:3]
    if not (_is_day(first, second, third) or _is_day(third, second, first) or _is_day(third, first, second)):
        return False
    rest = groups[3:]
    return not rest or all(len(group) <= 2 for group in rest) or is_date(rest, separators[3:])  # time


def _is_day(year: str, month: str, day: str) -> bool:
    return len(year) == 4 and int(year) in _YEARS and int(month) in _MONTHS and int(day) in _DAYS


def is_coordinates(groups: Sequence[str], separators: Sequence[str]) -> bool:
    """Degrees: two decimal fractions, or one of five and more decimals."""
    if len(groups) == 2 and separators[0] == "." and len(groups[0]) <= 3 and len(groups[1]) >= 5:  # up to 180 degrees
        return not groups[0].startswith("0")
    return (
        len(groups) == 4  # two whole parts and two fractions
        and separators[0] == separators[2] == "."
        and "," in separators[1]
        and len(groups[0]) <= 3  # up to 180 degrees
        and len(groups[2]) <= 3  # the same
    )


def _is_card(groups: Sequence[str]) -> bool:
    return len(groups) >= 4 and all(len(group) == 4 for group in groups[:4])  # four by four
