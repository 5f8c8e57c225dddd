"""Contacts that stand in a message: numbers, handles, addresses and links; and whose they are."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.detection import numbers as phone
from pipeline.detection.atoms import Atom
from pipeline.detection.fragments import MEASURE
from pipeline.detection.grammar import channel_of, is_cancelled
from pipeline.detection.kinds import EVERY_LANGUAGE
from pipeline.detection.lexicon import Found
from pipeline.detection.model import FoundAct, Mention
from pipeline.detection.scene import Hit, Scene
from pipeline.detection.words import Reading, Trick
from schemas.vocabulary import Act, Channel, Sender

# Each repetition is bounded, and what follows it cannot be part of it.
_HANDLE: Final = re.compile(
    r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,3}"
    r"|(?:\b(?:wa\.me|t\.me|telegram\.me|line\.me|m\.me|zalo\.me|u\.wechat|open\.kakao|api\.whatsapp|chat\.whatsapp|discord\.gg"
    r"|signal\.me|viber\.click|instagram\.com|facebook\.com|fb\.com|ig\.me|vk\.com)[\w.-]{0,40}/[\w+/?=&%.~-]{2,64})"
    r"|(?<![\w.])@[A-Za-z]\w{2,31}",
    re.IGNORECASE,
)
_FEWEST_WORDS_TO_ONE_ADDRESSED: Final = 5
_LONGEST_GREETING: Final = 2
_OPEN_DOMAINS: Final = "com|net|org|info|biz|shop|store|online|site|xyz|app|link|club|top|example"
# A link, a host of a domain that anybody may have, or one of a country's with a path or a hyphen: "ok.no problem" is none.
_LINK: Final = re.compile(
    rf"https?://\S{{3,80}}|\bwww\.\S{{3,80}}"
    rf"|\b[a-z0-9][a-z0-9-]{{1,40}}(?:\.[a-z0-9-]{{2,40}}){{0,3}}\.(?:(?:{_OPEN_DOMAINS})\b(?![\w-])|[a-z]{{2}}/)"
    r"|\b[a-z0-9]{1,30}-[a-z0-9-]{1,30}\.[a-z]{2}\b",
    re.IGNORECASE,
)
_LINK_CHANNELS: Final = (
    ("wa.me", Channel.WHATSAPP),
    ("whatsapp", Channel.WHATSAPP),
    ("t.me", Channel.TELEGRAM),
    ("telegram", Channel.TELEGRAM),
    ("line.me", Channel.LINE),
    ("zalo", Channel.ZALO),
    ("kakao", Channel.KAKAOTALK),
    ("wechat", Channel.WECHAT),
    ("viber", Channel.VIBER),
    ("signal", Channel.SIGNAL),
)
_SURE_CUES: Final = ("any_contact", "call_verb", "text_verb", "contact_me", "handle", "my_contact", "your_contact",
              "phrase.share", "phrase.request", "phrase.hint")  # fmt: skip
_FAINT_CUES: Final = {"here_is": 4, "reach_verb": 6, "me": 6}
"""How near, in words, a cue must stand that alone says little."""
FEWEST_OF_A_PIECE: Final = 3
_MOST_OF_A_PIECE: Final = 8
"""Digits of a piece of a number."""
_UNIT_CHARACTERS: Final = 8
"""Behind a number, in which a unit may stand."""
_CUE_REACH_WORDS: Final = 18
_THIRD_PARTY_REACH_WORDS: Final = 8
_TRAP_REACH_WORDS: Final = 5
_TRAP_REACH_BEHIND_WORDS: Final = 3
_LONGEST_ABBREVIATION: Final = 3
_ALONE_WORDS: Final = 3
_MAX_HOST_WORDS: Final = 3
_LONGEST_DOMAIN: Final = 7


@dataclass(frozen=True, slots=True)
class Handle:
    """An e-mail address, a link to a messenger or an @name."""

    start: int
    end: int
    """Code points of the message."""
    first: int
    last: int
    """Words, last exclusive."""
    text: str
    """In folded letters; `@@` where it is said in words."""


def handles_in(reading: Reading, found: Sequence[Found]) -> list[Handle]:
    """E-mail addresses, links and handles in the message, also those said in words ("joe at mail dot com")."""
    layer = reading.layer
    handles = []
    if "@" in layer.text or "/" in layer.text:
        for match in _HANDLE.finditer(layer.text):
            start, end = layer.start(match.start()), layer.end(match.end())
            first = max(bisect_left(reading.starts, start + 1) - 1, 0)
            last = bisect_left(reading.starts, end)
            if last > first and not _is_addressed(reading, first, last, match[0], found):
                handles.append(Handle(start, end, first, last, match[0]))
    return handles or _said_addresses(reading, found)


def _is_addressed(reading: Reading, first: int, last: int, handle: str, found: Iterable[Found]) -> bool:
    """Whether a handle says whom a public reply is for: it comes first, before a sentence that names no channel."""
    return (
        handle.startswith("@")
        and _comes_first(reading, first, last, found)
        and len(reading.words) - last >= _FEWEST_WORDS_TO_ONE_ADDRESSED
        and not any(kinds[0].concept.startswith("channel.") for item in found for kinds in item.ending.named)
    )


def _comes_first(reading: Reading, first: int, last: int, found: Iterable[Found]) -> bool:
    """Whether nothing stands before a name but signs, or a word or two of greeting with a comma behind the name."""
    greeting = sum(map(str.isalnum, reading.words[:first]))
    return not greeting or (
        greeting <= _LONGEST_GREETING
        and reading.clause_of(last) > reading.clause_of(first)
        and not any(item.ending.named for item in found if item.first < first)
    )


def _said_addresses(reading: Reading, found: Iterable[Found]) -> list[Handle]:
    ends_of_at: set[int] = set()
    dots: dict[int, int] = {}
    for item in found:
        if item.ending.is_at_sign:
            ends_of_at.add(item.last)
        if item.ending.is_dot_sign:
            dots[item.first] = item.last
    words, starts, ends = reading.words, reading.starts, reading.ends
    handles = []
    for after in sorted(ends_of_at):
        dot = next((index for index in range(after + 1, after + _MAX_HOST_WORDS + 1) if index in dots), None)
        if dot is None or after < 2 or dots[dot] >= len(words):
            continue
        last = dots[dot] + 1
        if 2 <= len(words[dots[dot]]) <= _LONGEST_DOMAIN and words[dots[dot]].isalpha():
            first = after - 2
            reading.tricks.append(Trick("separators", starts[first], ends[last - 1]))
            handles.append(Handle(starts[first], ends[last - 1], first, last, "@@"))
    return handles


def note_handles(scene: Scene, handles: Iterable[Handle]) -> None:
    """Adds handles to what the message names; a link counts as a trick."""
    for handle in handles:
        scene.add_contact("handle", handle.first, handle.last)
        scene.handle_channels[handle.first] = channel_of_handle(scene, handle)
        if "/" in handle.text:
            scene.reading.tricks.append(Trick("url", handle.start, handle.end))


def holds_link(text: str) -> bool:
    """Whether a page of the web is named."""
    return _LINK.search(text) is not None


def note_links(scene: Scene, handles: Sequence[Handle]) -> None:
    """Adds the pages of the web that a message names, those of messengers apart."""
    reading = scene.reading
    layer = reading.layer
    if "." not in layer.text:
        return
    for match in _LINK.finditer(layer.text):
        start, end = layer.start(match.start()), layer.end(match.end())
        first = max(bisect_left(reading.starts, start + 1) - 1, 0)
        last = bisect_left(reading.starts, end)
        if last > first and not any(handle.start < end and start < handle.end for handle in handles):
            scene.add_contact("link", first, last)


def channel_of_handle(scene: Scene, handle: Handle) -> Channel:
    """Where a handle leads."""
    for part, channel in _LINK_CHANNELS:
        if part in handle.text and "/" in handle.text:
            return channel
    if "@" in handle.text[1:]:
        return Channel.EMAIL
    named = scene.at("any_channel", scene.sentence_of(handle.first))
    return Channel(named[0].concept.partition(".")[2]) if named else Channel.OTHER


def noted_mentions(
    scene: Scene, atoms: Sequence[Atom], regions: Sequence[str], common: frozenset[str]
) -> list[Mention]:
    """The phone numbers in the message, noted in the scene too; `common` are everyday words."""
    mentions: list[Mention] = []
    for candidate in phone.candidates(scene.text, scene.reading, atoms):
        first, last = candidate.atoms[0], candidate.atoms[-1]
        hidden = {
            trick.technique for trick in scene.reading.tricks if trick.start < last.end and first.start < trick.end
        }
        found = phone.mention(scene.text, candidate, regions, context_of(scene, candidate), hidden)
        if found is not None and not is_of_others(scene, first.first, last.last):
            mentions.append(found)
            scene.add_contact("number", first.first, last.last)
    is_told = phone.are_spoken(atoms) or (bool(atoms) and _has_sure_cue(scene))
    if not mentions and (is_told or phone.are_dealt_out(atoms)) and not any(_is_behind_trap(scene, a) for a in atoms):
        found = phone.scattered(atoms, regions, is_told=is_told)
        if found is not None:
            mentions.append(found)
            scene.add_contact("number", atoms[0].first, atoms[-1].last)
    if not mentions and (found := phone.interleaved(scene.reading.layer, regions, common)) is not None:
        mentions.append(found)
        starts = scene.reading.starts
        scene.add_contact("number", max(bisect_left(starts, found.start + 1) - 1, 0), bisect_left(starts, found.end))
    return mentions


def note_pieces(scene: Scene, atoms: Sequence[Atom], mentions: Sequence[Mention]) -> None:
    """Notes runs of digits that are no number by themselves, and which of them begin as one that is dialled does."""
    runs: list[tuple[str, Atom, Atom]] = []
    for atom in atoms:
        if runs and atom.first - runs[-1][2].last <= 1:
            digits, first, _ = runs[-1]
            runs[-1] = digits + atom.digits, first, atom
        else:
            runs.append((atom.digits, atom, atom))
    for digits, first, last in runs:
        if len(digits) > _MOST_OF_A_PIECE or any(m.start < last.end and first.start < m.end for m in mentions):
            continue
        if MEASURE.search(scene.text, first.start, last.end + _UNIT_CHARACTERS):
            continue
        if len(digits) >= FEWEST_OF_A_PIECE:
            scene.add_contact("digits", first.first, last.last)
        is_beginning = digits.startswith("0") or scene.text[: first.start].rstrip().endswith(("+", "\uff0b"))
        if is_beginning and digits.strip("0"):
            scene.add_contact("number_beginning", first.first, last.last)


def is_of_others(scene: Scene, first: int, last: int) -> bool:
    """Whether a number is that of a helpline, a courier or the like; figures such as "999" only say it of themselves."""
    words = scene.reading.words
    return any(
        hit.languages & scene.spoken
        and max(first - hit.last, hit.first - last) <= _THIRD_PARTY_REACH_WORDS
        and ((hit.first <= first and hit.last >= last) or not "".join(words[hit.first : hit.last]).isdecimal())
        for hit in scene.at("third_party", scene.sentence_of(first))
    )


def _is_behind_trap(scene: Scene, atom: Atom) -> bool:
    return nearest(scene, ("number_trap",), atom.first, atom.last, 2, 0) is not None


def is_abbreviated(scene: Scene, hit: Hit, first: int) -> bool:
    """Whether one short word stands between, whose full stop ends no sentence: "invoice nr. 123"."""
    return first - hit.last == 1 and len(scene.reading.words[hit.last]) <= _LONGEST_ABBREVIATION


def is_trapped(scene: Scene, hit: Hit) -> bool:
    """Whether a weak noun belongs to a word for an order, an invoice …: "order no", "invoice number"."""
    return hit.concept == "contact_noun_weak" and any(
        trap.last == hit.first for trap in scene.concepts.get("number_trap", ())
    )


def _has_sure_cue(scene: Scene) -> bool:
    return any(scene.concepts.get(name) for name in _SURE_CUES)


def context_of(scene: Scene, candidate: phone.Candidate) -> phone.Context:
    """What the words around a candidate say of it: the nearest one counts."""
    first, last = candidate.atoms[0].first, candidate.atoms[-1].last
    words = len(scene.reading.words)
    contact = nearest(scene, _SURE_CUES, first, last, _CUE_REACH_WORDS, _CUE_REACH_WORDS)
    trap = nearest(scene, ("number_trap",), first, last, _TRAP_REACH_WORDS, _TRAP_REACH_BEHIND_WORDS, is_near=True)
    if contact is None:
        faint = _FAINT_CUES if trap is None else ("reach_verb", "me")  # "the invoice number is …"
        contact = nearest(scene, faint, first, last, _CUE_REACH_WORDS, _CUE_REACH_WORDS)
    return phone.Context(
        is_contact=contact is not None and (trap is None or contact < trap),
        is_trap=trap is not None and (contact is None or trap <= contact),
        is_reversed=bool(scene.at("reversed", scene.sentence_of(first))),
        is_alone=words - (last - first) <= _ALONE_WORDS,
    )


def nearest(  # noqa: PLR0913, PLR0917 - what to look for, and where
    scene: Scene, names: Iterable[str], first: int, last: int, before: int, behind: int, *, is_near: bool = False
) -> int | None:
    """Words between some words and the nearest hit of these names in reach; `None` where there is none.

    `is_near`: only within the sentence, and in the language that the message most likely is in.
    """
    distances = []
    sentence = scene.sentence_of(first)
    languages = scene.main if is_near else scene.spoken
    for name in names:
        reach = _FAINT_CUES.get(name)
        for hit in scene.concepts.get(name, ()):
            if hit.languages != EVERY_LANGUAGE and not hit.languages & languages:
                continue
            is_elsewhere = (
                is_near and scene.sentence_of(hit.first) != sentence and not is_abbreviated(scene, hit, first)
            )
            if is_elsewhere or is_trapped(scene, hit):
                continue
            if hit.last <= first and first - hit.last <= min(before, reach or before):
                distances.append(first - hit.last)
            elif hit.first >= last and hit.first - last <= min(behind, reach or behind):
                if is_near and any(word.isdecimal() for word in scene.reading.words[hit.last : hit.last + 2]):
                    continue  # it belongs to the figure that follows it: "for $5 off", "Mon-Fri 8-16"
                distances.append(hit.first - last)
    return min(distances, default=None)


def is_helpline(mention: Mention) -> bool:
    """Whether a number is of a kind that companies have and persons do not."""
    return mention.e164 is not None and phone.is_public(mention.e164)


def own_contacts(
    scene: Scene, mentions: Sequence[Mention], handles: Sequence[Handle], acts: Sequence[FoundAct]
) -> list[FoundAct]:
    """Contacts that stand in the message without a phrase around them: pushed by a seller, given by a buyer."""
    act = Act.SHARE if scene.sender is Sender.SELLER else Act.DISCLOSE
    if any(found.act is act for found in acts):
        return []
    out = []
    spans: list[tuple[int, int, Channel | None]] = [
        (mention.start, mention.end, None) for mention in mentions if not is_helpline(mention)
    ]
    spans += [(handle.start, handle.end, scene.handle_channels[handle.first]) for handle in handles]
    for start, end, channel in spans:
        word = max(bisect_left(scene.reading.starts, start + 1) - 1, 0)
        hit = Hit("number", word, word + 1, "number", EVERY_LANGUAGE)
        if is_cancelled(scene, [hit]) or scene.at("your_any", scene.sentence_of(word)):
            continue
        out.append(FoundAct(act, channel or channel_of(scene, [hit]), start, end, f"contact.{act}"))
    return out
