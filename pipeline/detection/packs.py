"""Language packs: the words of each language, read from YAML and refused where they are wrong."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from pipeline.detection.sources import Source
from schemas.vocabulary import Act, Channel, Manner, Reason, Sender

SHIPPED = Path(__file__).with_name("languages")
GRAMMAR_FILE = "_grammar.yaml"

WORDS = frozenset(
    [
        "contact_noun",
        "contact_noun_weak",
        "your_contact",
        "my_contact",
        "your",
        "yours",
        "my",
        "you",
        "me",
        "ask",
        "can_i",
        "do_you_have",
        "how_to",
        "call_verb",
        "text_verb",
        "reach_verb",
        "move",
        "off_platform",
        "stay_here",
        "find",
        "here_is",
        "hint_place",
        "give",
        "negation",
        "negation_exception",
        "reported",
        "third_party",
        "trap",
        "number_trap",
        "device",
        "leaflet",
        "without",
        "or_else",
        "bad_outcome",
        "review",
        "reward",
        "secret",
        "pay",
        "pay_outside",
        "we_are",
        "authority",
        "reversed",
        "carrier",
        "number_start",
        "number_rest",
        "at_sign",
        "dot_sign",
    ]
)
PHRASES = frozenset(["request", "contact_me", "share", "hint", "refuse", "grant", "withdraw"])
CHANNELS = frozenset(Channel)
REASONS = frozenset(Reason) - {Reason.NONE}
MANNERS = frozenset(Manner)
SIDES = frozenset(["before", "after", "both"])
LISTS = frozenset(["regions", "common", "compounds", "fillers", "bare_no"])
KEYS = (
    frozenset(
        [
            "language",
            "name",
            "possessive",
            "negation",
            "channels",
            "channels_weak",
            "words",
            "phrases",
            "reasons",
            "manner",
            "digit_words",
            "repeats",
            "rules",
            "examples",
        ]
    )
    | LISTS
)
_VOWELS = "aeiouàèìòù"
_CONSTANTS = {"true": True, "false": False, "null": None}
EXPECTATIONS = frozenset(
    [
        "solicits",
        "shares_contact",
        "discloses",
        "refuses",
        "channel",
        "numbers",
        "obfuscated",
        "purpose",
        "consent_sought",
        "alternative_offered",
        "pressure",
        "harassment",
        "language",
        "grants",
        "withdraws",
    ]
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One word or phrase of a pack, as its author wrote it."""

    concept: str
    """A key of `words`, or `channel.`, `weak_channel.`, `phrase.`, `reason.`, `manner.`, `digit.`, `repeat.`,
    `filler`, `common` with the rest behind the point."""
    text: str
    place: tuple[str | int, ...] = field(default=(), compare=False)
    """Where it stands in the file: keys and indices from the top."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How concepts within one sentence combine into an act."""

    name: str
    act: str
    """An act, or `manner.<manner>`."""
    needs: tuple[tuple[str, ...], ...]
    """One of each must be there."""
    within: int
    """Characters from the start of the first to the start of the last."""
    is_ordered: bool = False
    sentences: int = 1
    """2: the concepts may lie in two neighbouring sentences."""
    unless: tuple[str, ...] = ()
    sender: Sender | None = None
    """`None`: whoever wrote it."""
    channel: Channel | None = None
    """`None`: that of the words."""
    is_negatable: bool = True
    """Negation and reported speech cancel it."""


@dataclass(frozen=True, slots=True)
class Example:
    """A message of a pack and what must be found in it."""

    text: str
    sender: Sender
    marketplace: str | None
    expect: Mapping[str, Any]
    """Fields of design.md section 10; empty where nothing may be found."""
    line: int
    """Of the file, from 1."""


@dataclass(frozen=True, slots=True)
class Pack:
    """The words of one language."""

    language: str
    name: str
    regions: tuple[str, ...]
    possessive: str
    negation: str
    entries: tuple[Entry, ...]
    rules: tuple[Rule, ...] = ()
    bare_no: tuple[Entry, ...] = ()
    """What says no without saying to what."""
    examples: tuple[Example, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class PackSet:
    """All packs and the grammar that they share."""

    packs: tuple[Pack, ...]
    grammar: tuple[Rule, ...]


def load_packs(folder: Path = SHIPPED, languages: Sequence[str] | None = None) -> PackSet:
    """The packs of a folder without their examples, in the order of their file names.

    Raises:
        PackError: if a pack or the grammar cannot be used.
    """
    paths = sorted(path for path in folder.glob("*.yaml") if not path.name.startswith("_"))
    chosen = [path for path in paths if languages is None or path.stem in languages]
    return PackSet(tuple(read_pack(path) for path in chosen), read_grammar(folder / GRAMMAR_FILE))


def read_pack(path: Path, *, with_examples: bool = False) -> Pack:
    """One pack; its examples stand last in the file, so that the service need not parse them."""
    text = path.read_text(encoding="utf-8")
    source = Source(path, text if with_examples else text.partition("\nexamples:")[0])
    content = source.mapping(source.parsed(), "the pack", ())
    source.known(content, KEYS, "key", ())
    if content.get("language") != path.stem:
        source.refuse(f"`language` must be the file's name, {path.stem}", ("language",))
    concepts = WORDS | {key for key in content.get("words") or {} if _is_own_concept(key, content)}
    return Pack(
        language=path.stem,
        name=str(content.get("name", path.stem)),
        regions=tuple(source.texts(content.get("regions", []), ("regions",))),
        possessive=source.one_of(content.get("possessive", "before"), SIDES, ("possessive",)),
        negation=source.one_of(content.get("negation", "before"), SIDES, ("negation",)),
        entries=tuple(_entries(source, content, concepts)),
        rules=tuple(_rules(source, content.get("rules") or [], ("rules",))),
        bare_no=tuple(_group(source, "bare_no", content.get("bare_no") or [], ("bare_no",))),
        examples=tuple(_examples(source, content.get("examples") or [])),
    )


def read_grammar(path: Path) -> tuple[Rule, ...]:
    """The rules that all languages share."""
    source = Source(path, path.read_text(encoding="utf-8"))
    content = source.mapping(source.parsed(), "the grammar", ())
    return tuple(_rules(source, content.get("rules") or [], ("rules",)))


def combinations(text: str) -> list[str]:
    """Every phrase that a text stands for, its brackets multiplied out."""
    parts = [part[1:-1].split("|") if part.startswith("(") else [part] for part in re.split(r"(\([^)]*\))", text)]
    return ["".join(choice) for choice in product(*parts)]


def check_brackets(text: str) -> None:
    """Whether an entry's brackets pair, without nesting.

    Raises:
        ValueError: if they do not.
    """
    is_open = False
    for character in text:
        if character in "()":
            if is_open == (character == "("):
                raise ValueError("brackets must pair and cannot be nested")
            is_open = not is_open
    if is_open:
        raise ValueError("a bracket does not close")


def _is_own_concept(key: str, content: Mapping[str, Any]) -> bool:
    return any(key in str(rule.get("needs", "")) for rule in content.get("rules") or [] if isinstance(rule, dict))


def _entries(source: Source, content: Mapping[str, Any], concepts: frozenset[str]) -> Iterator[Entry]:
    groups = (
        ("channels", "channel.", CHANNELS),
        ("channels_weak", "weak_channel.", CHANNELS),
        ("words", "", concepts),
        ("phrases", "phrase.", None),
        ("reasons", "reason.", REASONS),
        ("manner", "manner.", MANNERS),
        ("digit_words", "digit.", None),
        ("repeats", "repeat.", None),
    )
    for key, prefix, allowed in groups:
        group = source.mapping(content.get(key) or {}, f"`{key}`", (key,))
        if allowed is not None:
            source.known(group, allowed, "concept", (key,))
        for name, texts in group.items():
            _check_name(source, key, str(name))
            yield from _group(source, f"{prefix}{name}", texts, (key, name))
    yield from _compounds(source, content)
    yield from _group(source, "filler", content.get("fillers") or [], ("fillers",))
    yield from _group(source, "common", content.get("common") or [], ("common",))


def _compounds(source: Source, content: Mapping[str, Any]) -> Iterator[Entry]:
    """The numbers from 21 to 99 that a language spells in one: "achtundvierzig", "quarenta e oito", "trentotto"."""
    words = content.get("digit_words") or {}
    units = [(number, text) for number in range(1, 10) for text in words.get(str(number)) or () if text.isalpha()]
    tens = [(number, text) for number in range(20, 100, 10) for text in words.get(str(number)) or () if text.isalpha()]
    seen: set[tuple[int, str]] = set()
    for at, pattern in enumerate(source.texts(content.get("compounds", []), ("compounds",))):
        if "{unit}" not in pattern or "{tens}" not in pattern:
            source.refuse(
                "holds {unit} and {tens}, with what the language says between or around them", ("compounds", at)
            )
        for (ten, ten_text), (unit, unit_text) in product(tens, units):
            spellings = [pattern.format(unit=unit_text, tens=ten_text)]
            if "{tens}{unit}" in pattern and ten_text[-1] in _VOWELS and unit_text[0] in _VOWELS:
                spellings.append(pattern.format(unit=unit_text, tens=ten_text[:-1]))
            for spelling in spellings:
                if (ten + unit, spelling) not in seen:
                    seen.add((ten + unit, spelling))
                    yield Entry(f"digit.{ten + unit}", spelling, ("compounds", at))


def _check_name(source: Source, key: str, name: str) -> None:
    if key in ("digit_words", "repeats") and not name.isdigit():
        source.refuse("keys here are numbers in quotes", (key, name))
    if key == "phrases":
        act, _, channel = name.partition(".")
        if act not in PHRASES or (channel and channel not in CHANNELS):
            source.refuse(f"no such phrase, known are {', '.join(sorted(PHRASES))}, a channel may follow", (key, name))


def _group(source: Source, concept: str, texts: Any, where: tuple[Any, ...]) -> Iterator[Entry]:
    seen = set()
    for number, text in enumerate(source.texts(texts, where)):
        place = (*where, number)
        if text in seen:
            source.refuse("listed twice", place)
        seen.add(text)
        try:
            check_brackets(text)
        except ValueError as error:
            source.refuse(str(error), place)
        yield Entry(concept, text, place)


def _rules(source: Source, items: Any, where: tuple[Any, ...]) -> Iterator[Rule]:
    acts = {*Act, *(f"manner.{manner}" for manner in MANNERS)}
    fields = frozenset(
        ["name", "act", "needs", "within", "ordered", "unless", "sender", "channel", "negatable", "sentences"]
    )
    for number, item in enumerate(items):
        place = (*where, number)
        rule = source.mapping(item, "a rule", place)
        source.known(rule, fields, "field", place)
        if rule.get("act") not in acts:
            source.refuse("`act` must be an act, or manner.<manner>", place)
        yield Rule(
            name=str(rule["name"]),
            act=str(rule["act"]),
            needs=tuple(tuple(need.split("|")) for need in source.texts(rule.get("needs"), (*place, "needs"))),
            within=int(rule.get("within", 60)),
            is_ordered=rule.get("ordered") == "true",
            sentences=int(rule.get("sentences", 1)),
            unless=tuple(source.texts(rule.get("unless", []), (*place, "unless"))),
            sender=Sender(rule["sender"]) if "sender" in rule else None,
            channel=Channel(rule["channel"]) if "channel" in rule else None,
            is_negatable=rule.get("negatable") != "false",
        )


def _examples(source: Source, items: Any) -> Iterator[Example]:
    seen = set()
    for number, item in enumerate(items):
        place = ("examples", number)
        example = source.mapping(item, "an example", place)
        source.known(example, frozenset(["text", "sender", "marketplace", "expect"]), "field", place)
        text = example.get("text")
        if not isinstance(text, str) or not text or text in seen:
            source.refuse("`text` must be there, be text, and differ from that of every other example", place)
        seen.add(text)
        expect = example.get("expect")
        if expect == "none":
            expect = {}
        elif not isinstance(expect, dict) or not expect:
            source.refuse("`expect` must be `none` or name fields of the detection", place)
        expected: Mapping[str, Any] = source.mapping(expect, "`expect`", place)
        source.known(expected, EXPECTATIONS, "expectation", place)
        sender = source.one_of(example.get("sender", "seller"), frozenset(Sender), place)
        values = {
            key: _CONSTANTS.get(value, value) if isinstance(value, str) else value for key, value in expected.items()
        }
        yield Example(str(text), Sender(sender), example.get("marketplace"), values, source.line(place))
