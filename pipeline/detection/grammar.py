"""How concepts of one sentence combine into acts and manner, and what cancels them."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final

from pipeline.detection.kinds import EVERY_LANGUAGE
from pipeline.detection.model import FoundAct, Match
from pipeline.detection.packs import Rule
from pipeline.detection.scene import Hit, Scene
from schemas.vocabulary import Act, Channel, Manner, Sender

NEGATION_REACH_WORDS: Final = 5
QUESTION: Final = ("question",)
FAINT_CHANNELS: Final = frozenset({"channel.phone", "channel.sms"})
"""Named by signs that stand beside any contact."""
CANCELLING: Final = frozenset({"reported", "third_party", "negation"})
UNDENIABLE: Final = frozenset({Act.REFUSE, Act.WITHDRAW})
_MOST_KEPT: Final = 20_000
"""Sentences' concepts of which the rules are kept."""


class Meaning:
    """What the rules make of a message."""

    __slots__ = ("acts", "manners", "matches")

    def __init__(self) -> None:
        self.acts: list[FoundAct] = []
        self.manners: set[Manner] = set()
        self.matches: list[Match] = []


class Known:
    """A rule of a pack or of the grammar, with what it makes of a message."""

    def __init__(self, rule: Rule, language: str, bits: dict[str, int]) -> None:
        kind, _, manner = rule.act.partition(".")
        self.name = f"{language}.{rule.act}.{rule.name}"
        self.act = None if kind == "manner" else Act(rule.act)
        """`None` where it tells a manner."""
        self.manner = Manner(manner) if kind == "manner" else None
        self.needs = tuple(names for names in rule.needs if names != QUESTION)
        self.needs_question = QUESTION in rule.needs
        self.within = rule.within
        self.is_ordered = rule.is_ordered
        self.is_wide = rule.sentences > 1
        self.is_negatable = rule.is_negatable
        self.channel = rule.channel
        self._masks = [mask_of(names, bits) for names in self.needs]
        self._unless = mask_of(rule.unless, bits)

    def is_begun(self, names: int) -> bool:
        """Whether its first need is there."""
        return bool(names & self._masks[0])

    def is_possible(self, names: int, *, is_question: bool) -> bool:
        """Whether all that it needs is there, wherever it stands, and nothing that forbids it."""
        if names & self._unless or (self.needs_question and not is_question):
            return False
        return all(names & mask for mask in self._masks)


class Rules:
    """The rules for what one side writes."""

    def __init__(self, known: Sequence[Known]) -> None:
        self._known = known
        self.wide = [each for each in known if each.is_wide]
        self._possible: dict[tuple[int, bool], list[Known]] = {}

    def possible(self, names: int, *, is_question: bool) -> list[Known]:
        """Those that a sentence with these concepts may fulfil."""
        key = (names, is_question)
        found = self._possible.get(key)
        if found is None:
            found = [each for each in self._known if each.is_possible(names, is_question=is_question)]
            if len(self._possible) >= _MOST_KEPT:  # a message may hold any concepts: the answer stays the same
                self._possible.clear()
            self._possible[key] = found
        return found


class Grammar:
    """The rules of all packs."""

    def __init__(self, rules: Iterable[tuple[Rule, str]]) -> None:
        rules = list(rules)
        names = dict.fromkeys(name for rule, _ in rules for name in (*chain.from_iterable(rule.needs), *rule.unless))
        self._bits = {name: 1 << number for number, name in enumerate(names)}
        known = [(Known(rule, language, self._bits), rule.sender) for rule, language in rules]
        self._rules = {sender: Rules([each for each, who in known if who in {None, sender}]) for sender in Sender}

    def meaning(self, scene: Scene) -> Meaning:
        """Acts, manner and the rules behind them, in the order of the text."""
        meaning = Meaning()
        rules = self._rules[scene.sender]
        sentences, questions = scene.sentences, scene.reading.questions
        names = [mask_of(sentence.hits, self._bits) for sentence in sentences]
        for number, sentence in enumerate(sentences):
            hits = sentence.hits
            if not hits:
                continue
            done = note_fulfilled(scene, rules.possible(names[number], is_question=number in questions), hits, meaning)
            if number + 1 < len(sentences) and sentences[number + 1].hits:
                both, asks = names[number] | names[number + 1], number + 1 in questions
                wide = [
                    known
                    for known in rules.wide
                    if known not in done and known.is_begun(names[number]) and known.is_possible(both, is_question=asks)
                ]
                if wide:
                    note_fulfilled(scene, wide, joined_hits(hits, sentences[number + 1].hits), meaning)
            note_phrases(scene, hits, meaning)
        return meaning


def mask_of(names: Iterable[str], bits: dict[str, int]) -> int:
    """The names that rules ask for, a bit each."""
    mask = 0
    for name in names:
        mask |= bits.get(name, 0)
    return mask


def note_fulfilled(scene: Scene, rules: Iterable[Known], hits: dict[str, list[Hit]], meaning: Meaning) -> list[Known]:
    """Adds what the fulfilled ones of some rules make of a message, and tells which they are."""
    done: list[Known] = []
    for known in rules:
        chosen = satisfied(scene, known, hits)
        if chosen is not None:
            done.append(known)
            note(scene, known, chosen, meaning)
    return done


def note(scene: Scene, known: Known, hits: Sequence[Hit], meaning: Meaning) -> None:
    """Adds what a fulfilled rule makes of a message, if nothing cancels it."""
    if known.is_negatable and is_cancelled(scene, hits):
        return
    start, end = min(map(scene.start, hits)), max(map(scene.end, hits))
    meaning.matches.append(Match(known.name, start, end))
    if known.manner is not None:
        meaning.manners.add(known.manner)
    if known.act is not None:
        channel = known.channel or channel_of(scene, hits)
        meaning.acts.append(FoundAct(known.act, channel, start, end, known.name))


def joined_hits(first: dict[str, list[Hit]], second: dict[str, list[Hit]]) -> dict[str, list[Hit]]:
    """The hits of two sentences as those of one."""
    return {name: [*first.get(name, ()), *second.get(name, ())] for name in {**first, **second}}


def satisfied(scene: Scene, known: Known, hits: dict[str, list[Hit]]) -> list[Hit] | None:
    """One hit of each concept that a rule needs, close together and of one language; `None` where there are none."""
    groups = [[hit for concept in names if concept in hits for hit in hits[concept]] for names in known.needs]
    if len(groups) == 1:
        return next(([hit] for hit in groups[0] if not is_foreign(scene, hit) and not is_cancelled(scene, [hit])), None)
    for anchor in groups[0]:
        chosen = combination(scene, known, anchor, groups[1:])
        if chosen is not None:
            return chosen
    return None


def combination(scene: Scene, rule: Known, anchor: Hit, groups: Iterable[Sequence[Hit]]) -> list[Hit] | None:
    """The anchor and the nearest of each group, none over another."""
    chosen = [anchor]
    starts = scene.reading.starts
    at = starts[anchor.first]
    low = high = at
    languages = anchor.languages
    for group in groups:
        best: Hit | None = None
        distance = rule.within + 1
        for hit in group:
            away = starts[hit.first] - at
            if (
                abs(away) < distance
                and hit.languages & languages
                and all(hit.first >= other.last or hit.last <= other.first for other in chosen)
                and not (rule.is_ordered and hit.first < chosen[-1].last)
            ):
                best, distance = hit, abs(away)
        if best is None:
            return None
        chosen.append(best)
        languages &= best.languages
        low, high = min(low, starts[best.first]), max(high, starts[best.first])
    if high - low > rule.within:
        return None
    return chosen if languages & scene.spoken or not any(is_slight(scene, hit) for hit in chosen) else None


def is_slight(scene: Scene, hit: Hit) -> bool:
    """Whether it is a noun for a number so short that other languages have it too: "no", "so"."""
    return hit.concept == "contact_noun_weak" and hit.last - hit.first == 1 and len(scene.reading.words[hit.first]) <= 3


def is_cancelled(scene: Scene, hits: Sequence[Hit]) -> bool:
    """Whether it is negated, quoted, reported of others, or somebody else's number."""
    first, last = min(hit.first for hit in hits), max(hit.last for hit in hits)
    sentence = scene.sentence_of(first)
    if len(scene.reading.quotes) < 2 and CANCELLING.isdisjoint(scene.sentences[sentence].hits):
        return False
    languages = scene.spoken
    for hit in hits:
        if hit.languages != EVERY_LANGUAGE:
            languages |= hit.languages
    for concept in ("reported", "third_party"):
        if any(hit.languages & languages for hit in scene.at(concept, sentence)):
            return True
    if scene.is_quoted(hits):
        return True
    negations = scene.at("negation", sentence)
    if not negations:
        return False
    excepted = scene.concepts.get("negation_exception", ())
    clause_start, _ = scene.clause(first)
    _, clause_end = scene.clause(last - 1)
    known = scene.languages
    for hit in negations:
        spoken = hit.languages & languages
        if not spoken or any(e.first <= hit.first and hit.last <= e.last for e in excepted):
            continue
        if is_noun(scene, hit, sentence):
            continue
        if any(hit.first >= h.first and hit.last <= h.last for h in hits):
            continue
        if spoken & known.negation_before and max(first - NEGATION_REACH_WORDS, clause_start) <= hit.first < last:
            return True
        if spoken & known.negation_after and first < hit.first < min(last + NEGATION_REACH_WORDS, clause_end):
            return True
    return False


def is_noun(scene: Scene, negation: Hit, sentence: int) -> bool:
    """Whether "no" means a number here: somebody's, or right before one."""
    span = (negation.first, negation.last)
    owned = (*scene.at("your_any", sentence), *scene.at("my_any", sentence))
    if any((hit.first, hit.last) == span for hit in owned):
        return True
    is_contact = any((hit.first, hit.last) == span for hit in scene.at("any_contact", sentence))
    return is_contact and any(0 <= hit.first - negation.last <= 1 for hit in scene.at("number", sentence))


def note_phrases(scene: Scene, hits: dict[str, list[Hit]], meaning: Meaning) -> None:
    """Adds the phrases that are an act by themselves."""
    for concept, phrases in hits.items():
        if not concept.startswith("phrase."):
            continue
        act = phrase_act(concept, scene.sender)
        if act is None:
            continue
        for hit in phrases:
            if is_foreign(scene, hit) or (act not in UNDENIABLE and is_cancelled(scene, [hit])):
                continue
            channel = named_channel(concept) or channel_of(scene, [hit])
            meaning.acts.append(FoundAct(act, channel, scene.start(hit), scene.end(hit), hit.rule))


def is_foreign(scene: Scene, hit: Hit) -> bool:
    """Whether a short phrase is of a language that the message is not in: then it is a chance likeness."""
    return hit.last - hit.first <= 2 and not hit.languages & scene.spoken


def phrase_act(concept: str, sender: Sender) -> Act | None:
    """What a whole phrase does when this side says it; `None` where it does nothing."""
    name = concept.split(".")[1]
    is_seller = sender is Sender.SELLER
    match name:
        case "request":
            return Act.REQUEST
        case "contact_me":
            return Act.REQUEST if is_seller else Act.GRANT
        case "share":
            return Act.SHARE if is_seller else Act.DISCLOSE
        case "hint":
            return Act.HINT if is_seller else None
        case "refuse" | "grant" | "withdraw":
            return None if is_seller else Act(name)
    return None


def named_channel(concept: str) -> Channel | None:
    """The channel behind the act in `phrase.request.sms`."""
    parts = concept.split(".")
    return Channel(parts[2]) if len(parts) == len(("phrase", "act", "channel")) else None


def channel_of(scene: Scene, hits: Sequence[Hit]) -> Channel:
    """The channel that an act names: within its words, else the nearest in the sentence, else a text or a call."""
    first, last = min(hit.first for hit in hits), max(hit.last for hit in hits)
    sentence = scene.sentence_of(first)
    named = scene.at("any_channel", sentence)
    if named:
        near = [hit for hit in named if first <= hit.first and hit.last <= last and is_spoken(scene, hit)]
        near = near or [h for h in named if h.concept.startswith("channel.") and h.concept not in FAINT_CHANNELS]
        near = near or [hit for hit in named if is_spoken(scene, hit)]
    else:
        near = []
    if near:
        middle = (first + last) / 2
        return Channel(min(near, key=lambda hit: abs(hit.first - middle)).concept.partition(".")[2])
    handles = scene.at("handle", sentence)
    if handles:
        return scene.handle_channels[handles[0].first]
    if any(hit.concept == "off_platform" for hit in hits):
        return Channel.OTHER
    if any(hit.concept == "text_verb" for hit in hits) or (
        scene.at("text_verb", sentence) and not scene.at("call_verb", sentence)
    ):
        return Channel.SMS
    return Channel.PHONE


def is_spoken(scene: Scene, hit: Hit) -> bool:
    """Whether slang belongs to a language that the message may be in."""
    return bool(hit.languages & scene.spoken)
