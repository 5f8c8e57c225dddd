"""What the phrases of packs stand for: which concept, in which languages, and what of it counts where."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

CONTACT_NOUNS: Final = frozenset({"contact_noun", "contact_noun_weak"})
LOANS: Final = "en"
"""English nouns for a number, and channels of any language, are said in every language."""
# These say nothing about the language, or too much: digits and channels look alike in many.
SPEECHLESS: Final = ("digit.", "repeat.", "filler", "channel.", "weak_channel.")
EVERY_LANGUAGE: Final = -1  # all bits


class Meant(NamedTuple):
    """What a phrase of a pack stands for, as the pack tells it."""

    concept: str
    language: str
    slug: str
    """The phrase as part of a rule's name."""


class Sides(NamedTuple):
    """A language, and on which sides its possessives and negations stand: `before`, `after` or `both`."""

    language: str
    possessive: str
    negation: str


class Kind:
    """What a phrase of a pack stands for, with all that is known of it before any message."""

    def __init__(self, meant: Meant, language: int) -> None:
        concept = self.concept = meant.concept
        self.names = (concept, *wider(concept))
        """The concept and the wider ones that it belongs to."""
        self.language_name = meant.language
        self.language = language
        self.combines_with = EVERY_LANGUAGE if is_free(concept, meant.language) else language
        """The languages of the words that it combines with."""
        self.rule = f"{meant.language}.{concept}.{meant.slug}"
        self.is_speech = not concept.startswith(SPEECHLESS)
        """Counts when the language is told."""
        self.is_digit = concept.startswith(("digit.", "repeat."))
        self.is_silent = self.is_digit or concept in {"common", "trap", "filler"}
        """The grammar does not ask for it."""
        self.is_way = (
            concept in CONTACT_NOUNS or concept.startswith(("channel.", "weak_channel.")) or concept == "text_verb"
        )
        """Names a contact or a channel: a secret may swallow it ("card number", "the code that came by SMS")."""
        self.is_trappable = concept not in {"number_trap", "carrier"}


class Ending:
    """All that one sequence of words stands for."""

    def __init__(self, kinds: tuple[Kind, ...]) -> None:
        self.digits = tuple(kind for kind in kinds if kind.is_digit)
        self.speech = tuple(dict.fromkeys(kind.language for kind in kinds if kind.is_speech))
        """The languages in which it says something."""
        self.traps = tuple(kind.language for kind in kinds if kind.concept == "trap")
        self.secrets = tuple(kind.language for kind in kinds if kind.concept == "secret")
        concepts = {kind.concept for kind in kinds}
        self.is_filler = "filler" in concepts
        self.is_at_sign = "at_sign" in concepts
        self.is_dot_sign = "dot_sign" in concepts
        named: dict[str, tuple[Kind, ...]] = {}
        for kind in kinds:
            if not kind.is_silent:
                named[kind.concept] = (*named.get(kind.concept, ()), kind)
        self.named = tuple(named.values())
        """What the grammar may ask for, each concept in its languages."""


class Languages:
    """The languages of the packs as bits, and on which side of a word each of them puts what belongs to it."""

    def __init__(self, sides: Sequence[Sides]) -> None:
        self.bit_of = {each.language: 1 << number for number, each in enumerate(sides)}
        self.possessive_before = self._bits(each.language for each in sides if each.possessive != "after")
        self.possessive_after = self._bits(each.language for each in sides if each.possessive != "before")
        self.negation_before = self._bits(each.language for each in sides if each.negation != "after")
        self.negation_after = self._bits(each.language for each in sides if each.negation != "before")

    def _bits(self, languages: Iterable[str]) -> int:
        return sum(self.bit_of[language] for language in languages)


def is_free(concept: str, language: str) -> bool:
    """Whether a word of a pack combines with words of any language."""
    return concept.startswith("channel.") or (language == LOANS and concept in {"contact_noun", "device"})


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
