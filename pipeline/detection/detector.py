"""Text to Detection: reads a message, finds what it names, and combines it by the grammar into acts and manner."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from pipeline.detection.answers import LONGEST_CHARACTERS, letters_alone
from pipeline.detection.atoms import atoms_of
from pipeline.detection.collector import collector_paused
from pipeline.detection.contacts import (
    Handle,
    handles_in,
    is_helpline,
    note_handles,
    note_links,
    note_pieces,
    noted_mentions,
    own_contacts,
)
from pipeline.detection.digit_words import digit_words_of, vocabulary_of
from pipeline.detection.grammar import Grammar, is_foreign
from pipeline.detection.kinds import CONTACT_NOUNS, Languages, Sides
from pipeline.detection.lexicon import Graph, Lexicon, graph_of
from pipeline.detection.model import NOTHING, Detection, FoundAct, Match, Mention, in_order
from pipeline.detection.numbers import without_other_figures
from pipeline.detection.opinion import Opinion
from pipeline.detection.packs import PackSet, Rule, combinations
from pipeline.detection.passages import is_long, telling_layer
from pipeline.detection.phrases import phrases_of
from pipeline.detection.prefilter import Prefilter, Tables, tables_of
from pipeline.detection.reading import read
from pipeline.detection.scene import Hit, Scene
from pipeline.detection.words import Layer
from schemas.vocabulary import Act, Channel, Manner, Reason, Sender

_PASSING: Final = frozenset({Manner.ALTERNATIVE_OFFERED, Manner.CONSENT_SOUGHT, Manner.USE_LIMITED, Manner.URGENCY})
"""Alone they say nothing about contact."""
_ASKING: Final = ("your_any", "do_you_have", "how_to", "yours")
"""What a buyer says who wants the seller's contact and not only gives its own."""
_ANSWERS: Final = frozenset({Act.GRANT, Act.REFUSE, Act.WITHDRAW})
_SLANG: Final = {f"weak_channel.{name}": f"channel.{name}" for name in
          (Channel.WHATSAPP, Channel.TELEGRAM, Channel.WECHAT, Channel.VIBER, Channel.ZALO, Channel.KAKAOTALK)}  # fmt: skip
"""Code-like names of messengers, with the plain ones."""


class Compiled(NamedTuple):
    """What a detector needs of the packs, without the packs."""

    graph: Graph
    tables: Tables
    sides: tuple[Sides, ...]
    regions: dict[str, tuple[str, ...]]
    common: frozenset[str]
    bare_no: frozenset[str]
    digit_words: dict[str, dict[str, str]]
    """By language."""
    rules: tuple[tuple[Rule, str], ...]
    """With the language of the pack that each is of, or `grammar`."""


def compiled(packs: PackSet) -> Compiled:
    """The packs, ready to detect with; takes seconds for many."""
    with collector_paused():
        entries = [entry for pack in packs.packs for entry in pack.entries]
        weigh = frozenset(e.concept for e in entries if e.concept.startswith("channel.") or e.concept in CONTACT_NOUNS)
        parts = Compiled(
            graph_of(packs.packs, weigh),
            tables_of(packs),
            tuple(Sides(pack.language, pack.possessive, pack.negation) for pack in packs.packs),
            {pack.language: pack.regions for pack in packs.packs},
            frozenset(entry.text.lower() for entry in entries if entry.concept == "common"),
            frozenset(letters_alone(t) for pack in packs.packs for e in pack.bare_no for t in combinations(e.text)),
            {pack.language: vocabulary_of(pack.entries) for pack in packs.packs},
            (
                *((rule, "grammar") for rule in packs.grammar),
                *((rule, pack.language) for pack in packs.packs for rule in pack.rules),
            ),
        )
    phrases_of.cache_clear()
    return parts


class Understood(NamedTuple):
    """One message, read."""

    scene: Scene
    mentions: list[Mention]
    handles: list[Handle]
    language: str | None


class Detector:
    """Finds solicitations and everything near them. Pure: the same text gives the same answer on any day."""

    def __init__(self, parts: Compiled, opinion: Opinion | None = None) -> None:
        self._languages = Languages(parts.sides)
        self._lexicon = Lexicon(parts.graph, self._languages)
        self._language_of = {bit: language for language, bit in self._languages.bit_of.items()}
        self._common = parts.common
        self._digit_words = digit_words_of(parts.digit_words, self._lexicon.knows)
        self._grammar = Grammar(parts.rules)
        self._regions = parts.regions
        self._prefilter = Prefilter(parts.tables, self._lexicon, opinion.hunch if opinion else None)
        self._opinion = opinion
        self._bare_no = parts.bare_no

    @classmethod
    def of(cls, packs: PackSet) -> "Detector":
        """A detector for these packs."""
        return cls(compiled(packs))

    def companies(self, text: str) -> list[list[str]]:
        """The concepts that the prefilter sees together, language by language."""
        return self._prefilter.companies(text)

    def is_of_interest(self, text: str) -> bool:
        """Whether a detection could find anything."""
        return self._telling(text) is not None

    def is_bare_no(self, text: str) -> bool:
        """Whether it is a no and nothing else, which refuses what it answers."""
        return len(text) <= LONGEST_CHARACTERS and letters_alone(text) in self._bare_no

    def detect(self, text: str, sender: Sender, regions: tuple[str, ...] = ()) -> Detection:
        """Everything that the message says about contact; `regions` are where national numbers are tried first."""
        return self.detect_each([(text, sender, regions)])[0]

    def detect_each(self, messages: Sequence[tuple[str, Sender, tuple[str, ...]]]) -> list[Detection]:
        """What `detect` says of each text, by whom and from where: in two passes, so that caches stay warm."""
        telling = [self._telling(text) for text, _, _ in messages]
        return [
            NOTHING if found is None else self.examine(text, found, sender, regions)
            for (text, sender, regions), found in zip(messages, telling, strict=True)
        ]

    def _telling(self, text: str) -> str | Layer | None:
        """What of a message is worth reading; `None` where nothing is."""
        if is_long(text):
            layer = telling_layer(text, self._prefilter.fires)
            return layer if layer.text else None
        return text if self._prefilter.fires(text) else None

    def examine(self, text: str, telling: str | Layer, sender: Sender, regions: tuple[str, ...] = ()) -> Detection:
        """What `detect` finds where the prefilter lets it look: in the message, or what of it is telling."""
        understood = self.understand(text, telling, sender, regions)
        if understood is None:
            return NOTHING
        scene, mentions, handles, language = understood
        meaning = self._grammar.meaning(scene)
        acts = [*meaning.acts, *own_contacts(scene, mentions, handles, meaning.acts)]
        if sender is Sender.BUYER:
            acts = without_grants(scene, acts, has_contact=bool(mentions or handles))
        hits = words_of_kind(scene, "reason")
        reasons = [Reason(hit.concept.partition(".")[2]) for hit in hits]
        hits += words_of_kind(scene, "manner")
        manners = {Manner(hit.concept.partition(".")[2]) for hit in hits if hit.concept.startswith("manner")}
        manners |= meaning.manners
        matches = [*meaning.matches, *(Match(hit.rule, scene.start(hit), scene.end(hit)) for hit in hits)]
        contacts = mentions if acts else [mention for mention in mentions if not is_helpline(mention)]
        if self._opinion is not None:
            doubts = self._opinion.doubts(scene, len(mentions), acts, reasons, manners)
            acts = [*(act for act in acts if act not in doubts.denied), *doubts.acts]
            reasons += doubts.reasons
            manners |= doubts.manners
            matches += doubts.matches
        return assembled(scene, acts, contacts, reasons, manners, matches, language)

    def understand(
        self, text: str, telling: str | Layer, sender: Sender, regions: tuple[str, ...] = ()
    ) -> Understood | None:
        """What the message names, before anything is made of it; `None` where it has no words."""
        reading = read(telling, self._lexicon)
        if not reading.words:
            return None
        found = self._lexicon.find(reading.words, frozenset(reading.sentence_starts))
        handles = handles_in(reading, found)
        scene = Scene(text, reading, found, [(h.first, h.last) for h in handles], sender, self._languages)
        note_handles(scene, handles)
        note_links(scene, handles)
        spoken = [self._language_of[bit] for bit in scene.shares if bit & scene.spoken]
        language = self._main_language(scene)
        atoms = without_other_figures(
            text, atoms_of(reading, found, self._common, frozenset(spoken), self._digit_words)
        )
        mentions: list[Mention] = []
        if atoms or not all(map(str.isalpha, reading.words)):
            tried = tuple(dict.fromkeys((*regions, *self._regions.get(language or "", ()))))
            mentions = noted_mentions(scene, atoms, tried, self._common)
            note_pieces(scene, atoms, mentions)
        return Understood(scene, mentions, handles, language)

    def _main_language(self, scene: Scene) -> str | None:
        if not scene.shares:
            return None
        best = max(scene.shares.values())
        return min(self._language_of[bit] for bit, words in scene.shares.items() if words == best)


def without_grants(scene: Scene, acts: Sequence[FoundAct], *, has_contact: bool) -> list[FoundAct]:
    """A buyer's acts without requests that are none: "call me if you like" allows, "write to me at …" gives."""
    if has_contact and not any(map(scene.concepts.get, _ASKING)):
        return [act for act in acts if act.act is not Act.REQUEST]
    answers = [act for act in acts if act.act in _ANSWERS]
    return [
        act
        for act in acts
        if act.act is not Act.REQUEST or not any(act.start < a.end and a.start < act.end for a in answers)
    ]


def words_of_kind(scene: Scene, kind: str) -> list[Hit]:
    """Hits of reasons or manners, in the order of the text, without those reported of others or of another language."""
    hits = [
        hit
        for concept, each in scene.concepts.items()
        if concept.startswith(kind)
        for hit in each
        if not is_foreign(scene, hit)
        and (hit.last - hit.first > 1 or hit.languages & scene.main)
        and not scene.at("reported", scene.sentence_of(hit.first))
    ]
    return sorted(hits, key=lambda hit: (hit.first, hit.concept))


def assembled(  # noqa: PLR0913, PLR0917 - the parts of a detection
    scene: Scene,
    acts: Sequence[FoundAct],
    mentions: Sequence[Mention],
    reasons: Sequence[Reason],
    manners: Iterable[Manner],
    matches: Iterable[Match],
    language: str | None,
) -> Detection:
    """The detection, sorted; techniques only where they hide what was found."""
    distinct: dict[tuple[Act, Channel | None], FoundAct] = {}
    for act in sorted(acts, key=lambda a: (a.start, a.end, a.rule)):
        distinct.setdefault((act.act, act.channel), act)
    kept = tuple(distinct.values())
    told = set(manners)
    if not kept and not mentions and not told - _PASSING and Reason.PHISHING not in reasons:
        if Manner.ALTERNATIVE_OFFERED not in told:
            return NOTHING
        told = {Manner.ALTERNATIVE_OFFERED}
    return Detection(
        acts=kept,
        mentions=tuple(sorted(mentions, key=lambda m: m.start)),
        reasons=tuple(dict.fromkeys(reasons)),
        manners=tuple(sorted(told)),
        techniques=hiding(scene, kept, mentions),
        language=language,
        matches=in_order([*matches, *(Match(a.rule, a.start, a.end) for a in kept)]),
    )


def hiding(scene: Scene, acts: Sequence[FoundAct], mentions: Sequence[Mention]) -> tuple[str, ...]:
    """The tricks that hide an act or a number: those within a number, or in a sentence that an act stands in."""
    techniques = {technique for mention in mentions for technique in mention.techniques}
    if not acts:
        return tuple(sorted(techniques))
    reading = scene.reading
    edges = [reading.starts[word] for word in reading.sentence_starts if word < len(reading.starts)]
    acting = [
        (first, last)
        for first, last in pairwise([*edges, len(scene.text)])
        if any(act.start < last and first < act.end for act in acts)
    ]
    techniques |= {
        trick.technique
        for trick in reading.tricks
        if any(trick.start < last and first < trick.end for first, last in acting)
    }
    if any(act.act is Act.HINT for act in acts):
        techniques.add("indirect")
    slang = [
        hit
        for weak, sure in _SLANG.items()
        if weak in scene.concepts and sure not in scene.concepts
        for hit in scene.concepts[weak]
        if hit.languages & scene.spoken
    ]
    if any(first <= scene.start(hit) < last for hit in slang for first, last in acting):
        techniques.add("slang")
    return tuple(sorted(techniques))
