"""One message while it is understood: what stands where, sentence by sentence, in which languages."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from pipeline.detection.kinds import EVERY_LANGUAGE, Kind, Languages
from pipeline.detection.lexicon import Found
from pipeline.detection.words import Reading
from schemas.vocabulary import Channel, Sender

POSSESSIVE_REACH_WORDS: Final = 3
OWNERS: Final = (("your", "your_any"), ("my", "my_any"))
BARE_WORDS: Final = 5
QUOTED_WORDS: Final = 3
MOST_HITS: Final = 16
"""Of one concept in one sentence: more add nothing, and every pair would be looked at."""
MOST_TRAPS: Final = 32
LEAST_SHARE_OF_A_LANGUAGE: Final = 0.5
"""Of the words that the best language explains, for another one to be spoken too."""
LEAST_SHARE_OF_A_MAIN_LANGUAGE: Final = 0.8


class Hit:
    """Something that a message names; `first` and `last` count words, last exclusive."""

    __slots__ = ("concept", "first", "languages", "last", "rule")

    def __init__(self, concept: str, first: int, last: int, rule: str, languages: int) -> None:
        self.concept = concept
        self.first = first
        self.last = last
        self.rule = rule
        self.languages = languages
        """A bit for each language in which it means this."""


class Sentence:
    """The hits of one sentence by name."""

    __slots__ = ("hits",)

    def __init__(self) -> None:
        self.hits: dict[str, list[Hit]] = {}


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
        self.concepts: dict[str, list[Hit]] = {}
        self.handle_channels: dict[int, Channel] = {}
        """By the first word of a handle."""
        self._many = len(self.sentences) > 1
        self.shares = covered(found)
        best = max(self.shares.values(), default=0)
        self.spoken = sum(bit for bit, words in self.shares.items() if words >= LEAST_SHARE_OF_A_LANGUAGE * best)
        """The languages that the message may be in."""
        self.main = sum(bit for bit, words in self.shares.items() if words >= LEAST_SHARE_OF_A_MAIN_LANGUAGE * best)
        """Those that it most likely is in."""
        self._note(found)
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

    def add(self, hit: Hit, names: tuple[str, ...]) -> None:
        """Notes a hit under these names."""
        hits = self.sentences[self.sentence_of(hit.first)].hits
        concepts = self.concepts
        for name in names:
            same = hits.get(name)
            if same is None:
                hits[name] = [hit]
            elif len(same) < MOST_HITS:
                same.append(hit)
            else:
                continue
            known = concepts.get(name)
            if known is None:
                concepts[name] = [hit]
            else:
                known.append(hit)

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

    def _note(self, found: Sequence[Found]) -> None:
        spoken = self.spoken
        traps = spans_by_word([(each, language) for each in found for language in each.ending.traps])
        secrets = spans_by_word([(each, language) for each in found for language in each.ending.secrets])
        is_plain = not traps and not secrets
        for each in found:
            first, last = each.first, each.last
            if self._handles and any(start <= first and last <= end for start, end in self._handles):
                continue  # "gmail" in an address
            for kinds in each.ending.named:
                chosen: Kind | None = None
                languages = 0
                for kind in kinds:
                    if not is_plain and is_other(kind, first, last, spoken, traps, secrets):
                        continue
                    languages |= kind.combines_with
                    if chosen is None or (kind.language & spoken and not chosen.language & spoken):
                        chosen = kind
                if chosen is not None:
                    self.add(Hit(chosen.concept, first, last, chosen.rule, languages), chosen.names)

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
                        owned.append((name, Hit(hit.concept, hit.first, hit.last, hit.rule, shared)))
                for name, mine in owned:
                    hits.setdefault(name, []).append(mine)
                    self.concepts.setdefault(name, []).append(mine)
            for hit in contacts:
                first, last = self.clause(hit.first)
                if last - first <= BARE_WORDS:
                    hits.setdefault("bare_contact", []).append(hit)


def covered(found: Sequence[Found]) -> dict[int, int]:
    """How many words each language explains, by its bit."""
    counts: dict[int, int] = {}
    ends: dict[int, int] = {}
    for each in found:  # in the order of their first words
        first, last = each.first, each.last
        for bit in each.ending.speech:
            end = ends.get(bit, 0)
            if last > end:
                counts[bit] = counts.get(bit, 0) + last - max(first, end)
                ends[bit] = last
    return counts


Spans = dict[int, list[tuple[int, int, int]]]
"""First and last word, exclusive, and language of phrases, by each word that they hold."""


def spans_by_word(found: Sequence[tuple[Found, int]]) -> Spans:
    """Where phrases stand, by their language; not more of them than a message of any sense has."""
    spans: Spans = {}
    for each, language in found[:MOST_TRAPS]:
        for word in range(each.first, each.last):
            spans.setdefault(word, []).append((each.first, each.last, language))
    return spans


def is_other(kind: Kind, first: int, last: int, spoken: int, traps: Spans, secrets: Spans) -> bool:  # noqa: PLR0913, PLR0917 - a word and where it stands
    """Whether a word means something else here: "phone" in "phone case", "number" in "card number"."""
    languages = kind.language | spoken
    if traps and kind.is_trappable and is_swallowed(first, last, languages, traps):
        return True
    return bool(secrets) and kind.is_way and is_swallowed(first, last, languages, secrets)


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
