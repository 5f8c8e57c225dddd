"""One message while it is understood: what stands where, sentence by sentence, in which languages."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from pipeline.detection.lexicon import Found, Term
from pipeline.detection.words import Reading
from schemas.vocabulary import Channel, Sender

CONTACT_NOUNS = frozenset({"contact_noun", "contact_noun_weak"})
POSSESSIVE_REACH_WORDS = 3
OWNERS = (("your", "your_any"), ("my", "my_any"))
BARE_WORDS = 5
QUOTED_WORDS = 3
MOST_HITS = 16
"""Of one concept in one sentence: more add nothing, and every pair would be looked at."""
MOST_TRAPS = 32
LEAST_SHARE_OF_A_LANGUAGE = 0.5
"""Of the words that the best language explains, for another one to be spoken too."""
LEAST_SHARE_OF_A_MAIN_LANGUAGE = 0.8
LOANS = "en"
"""English nouns for a number, and channels of any language, are said in every language."""
# These say nothing about the language, or too much: digits and channels look alike in many.
SPEECHLESS = ("digit.", "repeat.", "filler", "channel.", "weak_channel.")
EVERY_LANGUAGE = -1  # all bits


class Hit(NamedTuple):
    """Something that a message names; `first` and `last` count words, last exclusive."""

    concept: str
    first: int
    last: int
    rule: str
    languages: int
    """A bit for each language in which it means this."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What the scene knows of a term before any message."""

    names: tuple[str, ...]
    """The concept and the wider ones that it belongs to."""
    language: int
    combines_with: int
    """The languages of the words that it combines with."""
    rule: str
    is_speech: bool
    """Counts when the language is told."""
    is_silent: bool
    """The grammar does not ask for it."""
    is_trap: bool
    is_secret: bool
    is_noun: bool
    """Names a contact; a secret ("card number") or a trap may swallow it."""
    is_trappable: bool


class Sides(NamedTuple):
    """A language, and on which sides its possessives and negations stand: `before`, `after` or `both`."""

    language: str
    possessive: str
    negation: str


class Languages:
    """The languages of the packs as bits, and on which side of a word each of them puts what belongs to it."""

    def __init__(self, sides: Sequence[Sides]) -> None:
        self.bit_of = {each.language: 1 << number for number, each in enumerate(sides)}
        self.possessive_before = self._bits(each.language for each in sides if each.possessive != "after")
        self.possessive_after = self._bits(each.language for each in sides if each.possessive != "before")
        self.negation_before = self._bits(each.language for each in sides if each.negation != "after")
        self.negation_after = self._bits(each.language for each in sides if each.negation != "before")
        self._kinds: dict[Term, Kind] = {}

    def _bits(self, languages: Iterable[str]) -> int:
        return sum(self.bit_of[language] for language in languages)

    def kind(self, term: Term) -> Kind:
        """What is known of a term; made when it is first met."""
        kind = self._kinds.get(term)
        if kind is None:
            concept, language = term.concept, self.bit_of[term.language]
            kind = self._kinds[term] = Kind(
                (concept, *wider(concept)),
                language,
                EVERY_LANGUAGE if is_free(concept, term.language) else language,
                f"{term.language}.{concept}.{term.slug}",
                is_speech=not concept.startswith(SPEECHLESS),
                is_silent=concept in {"common", "trap"} or concept.startswith(("digit.", "repeat.", "filler")),
                is_trap=concept == "trap",
                is_secret=concept == "secret",
                is_noun=concept in CONTACT_NOUNS,
                is_trappable=concept != "number_trap",
            )
        return kind


def is_free(concept: str, language: str) -> bool:
    """Whether a word of a pack combines with words of any language."""
    return concept.startswith("channel.") or (language == LOANS and concept == "contact_noun")


def wider(concept: str) -> tuple[str, ...]:
    """The names under which the grammar may also ask for a concept."""
    kind, _, rest = concept.partition(".")
    if kind == "channel":
        return ("channel", "any_channel", "any_contact")
    if kind == "weak_channel":
        return ("any_channel", "any_contact")
    if concept in CONTACT_NOUNS:
        return ("any_contact",)
    if concept in {"your_contact", "my_contact"}:
        return (f"{concept.split('_', maxsplit=1)[0]}_any", "any_contact")
    if kind == "phrase" and rest.startswith("contact_me"):
        return ("contact_me", "contact_me_by") if "." in rest else ("contact_me",)
    return ()


@dataclass(slots=True)
class Sentence:
    """The hits of one sentence by name."""

    hits: dict[str, list[Hit]] = field(default_factory=dict)


class Scene:
    """One message: its words, and what they name."""

    def __init__(  # noqa: PLR0913, PLR0917 - what is known of a message
        self,
        text: str,
        reading: Reading,
        found: Sequence[Found],
        handles: Sequence[tuple[int, int]],
        sender: Sender,
        languages: Languages,
    ) -> None:
        self.text = text
        self.reading = reading
        self.sender = sender
        self.languages = languages
        self._handles = handles
        self.sentences = [Sentence() for _ in reading.sentence_starts]
        self.concepts: dict[str, list[Hit]] = defaultdict(list)
        self.handle_channels: dict[int, Channel] = {}
        """By the first word of a handle."""
        self._many = len(self.sentences) > 1
        kinds = [languages.kind(item.term) for item in found]
        self.shares = covered(found, kinds)
        best = max(self.shares.values(), default=0)
        self.spoken = sum(bit for bit, words in self.shares.items() if words >= LEAST_SHARE_OF_A_LANGUAGE * best)
        """The languages that the message may be in."""
        self.main = sum(bit for bit, words in self.shares.items() if words >= LEAST_SHARE_OF_A_MAIN_LANGUAGE * best)
        """Those that it most likely is in."""
        self._note(found, kinds)
        self._note_possessed()

    def sentence_of(self, word: int) -> int:
        """Number of the sentence that a word stands in."""
        return bisect_right(self.reading.sentence_starts, word) - 1 if self._many else 0

    def at(self, concept: str, sentence: int) -> Sequence[Hit]:
        """The hits of a concept in a sentence."""
        return self.sentences[sentence].hits.get(concept, ())

    def start(self, hit: Hit) -> int:
        """In code points of the message."""
        return self.reading.starts[hit.first]

    def end(self, hit: Hit) -> int:
        """In code points of the message, exclusive."""
        return self.reading.ends[hit.last - 1]

    def add(self, hit: Hit, names: Iterable[str]) -> None:
        """Notes a hit under these names."""
        hits = self.sentences[self.sentence_of(hit.first)].hits
        for name in names:
            same = hits.setdefault(name, [])
            if len(same) < MOST_HITS:
                same.append(hit)
                self.concepts[name].append(hit)

    def add_contact(self, concept: str, first: int, last: int) -> None:
        """Notes a number or a handle."""
        self.add(Hit(concept, first, last, concept, EVERY_LANGUAGE), (concept,))

    def is_quoted(self, hits: Sequence[Hit]) -> bool:
        """Whether all of them stand between one pair of quotation marks that holds a few words."""
        quotes = self.reading.quotes
        if len(quotes) < 2:
            return False
        first, last = min(hit.first for hit in hits), max(hit.last for hit in hits)
        return any(
            opened <= first and last <= closed and closed - opened >= QUOTED_WORDS
            for opened, closed in zip(quotes[::2], quotes[1::2], strict=False)
        )

    def clause(self, word: int) -> tuple[int, int]:
        """First and last word, exclusive, of the clause that a word stands in."""
        starts = self.reading.clause_starts
        number = bisect_right(starts, word) - 1
        return starts[number], starts[number + 1] if number + 1 < len(starts) else len(self.reading.words)

    def _note(self, found: Sequence[Found], kinds: Sequence[Kind]) -> None:
        spoken = self.spoken
        traps = spans_by_word((item, kind) for item, kind in zip(found, kinds, strict=True) if kind.is_trap)
        secrets = spans_by_word((item, kind) for item, kind in zip(found, kinds, strict=True) if kind.is_secret)
        noted: dict[tuple[str, int, int], tuple[int, Kind]] = {}
        for (first, last, term), kind in zip(found, kinds, strict=True):
            if kind.is_silent:
                continue
            if traps and kind.is_trappable and is_swallowed(first, last, kind.language | spoken, traps):
                continue
            if secrets and kind.is_noun and is_swallowed(first, last, kind.language | spoken, secrets):
                continue  # a card number
            if self._handles and any(start <= first and last <= end for start, end in self._handles):
                continue  # "gmail" in an address
            key = (term.concept, first, last)
            known = noted.get(key)
            if known is None:
                noted[key] = (kind.combines_with, kind)
            else:
                is_better = bool(kind.language & spoken) and not known[1].language & spoken
                noted[key] = (known[0] | kind.combines_with, kind if is_better else known[1])
        for (concept, first, last), (language, kind) in noted.items():
            self.add(Hit(concept, first, last, kind.rule, language), kind.names)

    def _note_possessed(self) -> None:
        languages = self.languages
        for sentence in self.sentences:
            hits = sentence.hits
            contacts = hits.get("any_contact")
            if not contacts:
                continue
            owners = [(each, name) for owner, name in OWNERS for each in hits.get(owner, ())]
            for hit in contacts if owners else ():
                nearest = POSSESSIVE_REACH_WORDS
                owned: list[tuple[str, Hit]] = []
                for possessor, name in owners:
                    shared = possessor.languages & hit.languages
                    if not is_beside(possessor, hit, shared & self.spoken, languages):
                        continue
                    between = max(hit.first - possessor.last, possessor.first - hit.last)
                    if between < nearest:  # "tell me your number": yours, though a "me" may be a "my"
                        nearest, owned = between, []
                    if between == nearest:
                        owned.append((name, hit._replace(languages=shared)))
                for name, mine in owned:
                    hits.setdefault(name, []).append(mine)
                    self.concepts[name].append(mine)
            for hit in contacts:
                first, last = self.clause(hit.first)
                if last - first <= BARE_WORDS:
                    hits.setdefault("bare_contact", []).append(hit)


def covered(found: Iterable[Found], kinds: Iterable[Kind]) -> dict[int, int]:
    """How many words each language explains, by its bit."""
    counts: dict[int, int] = {}
    ends: dict[int, int] = {}
    for (first, last, _), kind in zip(found, kinds, strict=True):  # in the order of their first words
        if kind.is_speech:
            bit = kind.language
            end = ends.get(bit, 0)
            if last > end:
                counts[bit] = counts.get(bit, 0) + last - max(first, end)
                ends[bit] = last
    return counts


Spans = dict[int, list[tuple[int, int, int]]]
"""First and last word, exclusive, and language of phrases, by each word that they hold."""


def spans_by_word(found: Iterable[tuple[Found, Kind]]) -> Spans:
    """Where phrases stand; not more of them than a message of any sense has."""
    spans: Spans = {}
    for (first, last, _), kind in islice(found, MOST_TRAPS):
        for word in range(first, last):
            spans.setdefault(word, []).append((first, last, kind.language))
    return spans


def is_swallowed(first: int, last: int, languages: int, spans: Spans) -> bool:
    """Whether it stands within a phrase that means something else, in its own language or one that is spoken here."""
    return any(start <= first and last <= end and language & languages for start, end, language in spans.get(first, ()))


def is_beside(possessor: Hit, owned: Hit, spoken: int, languages: Languages) -> bool:
    """Whether a possessive belongs to a noun, in one of the languages that are spoken."""
    if 0 <= owned.first - possessor.last < POSSESSIVE_REACH_WORDS:
        return bool(spoken & languages.possessive_before)
    if 0 <= possessor.first - owned.last < POSSESSIVE_REACH_WORDS:
        return bool(spoken & languages.possessive_after)
    return False
