"""Text to Detection: reads a message, finds what it names, and combines it by the grammar into acts and manner."""

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.detection import numbers as phone
from pipeline.detection.lexicon import Found, Lexicon, lexicon_of
from pipeline.detection.model import NOTHING, Detection, FoundAct, Match, Mention, in_order
from pipeline.detection.packs import PackSet, Rule
from pipeline.detection.prefilter import Prefilter
from pipeline.detection.reading import Reading, read
from schemas.vocabulary import Act, Channel, Manner, Reason, Sender

CONTACT_NOUNS = frozenset({"contact_noun", "contact_noun_weak"})
HOMOPHONES = frozenset(
    {"to", "too", "for", "won", "ate", "oh", "o", "a", "an", "one", "un", "une", "ein", "eine", "um"}
)
POSSESSIVE_REACH_WORDS = 3
NEGATION_REACH_WORDS = 5
TRAP_REACH_WORDS = 3
BARE_WORDS = 5
PUSHES = frozenset({Act.REQUEST, Act.SHARE, Act.HINT})
# Bounded repetitions of disjoint classes: linear.
HANDLE = re.compile(
    r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,3}|(?:wa\.me|t\.me|api\.whatsapp\.com|line\.me|m\.me)/[\w+/?=&%-]{2,64}"
    r"|(?<![\w.])@[A-Za-z]\w{2,31}",
    re.IGNORECASE,
)
LINK_CHANNELS = (
    ("wa.me", Channel.WHATSAPP),
    ("api.whatsapp", Channel.WHATSAPP),
    ("t.me", Channel.TELEGRAM),
    ("line.me", Channel.LINE),
)
PASSING = frozenset({"alternative_offered", "consent_sought", "use_limited", "urgency"})


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that a message names; `first` and `last` count words, last exclusive."""

    concept: str
    first: int
    last: int
    rule: str


class Scene:
    """One message while it is understood: what stands where, sentence by sentence."""

    def __init__(self, text: str, reading: Reading, found: Iterable[Found], sender: Sender) -> None:
        self.text = text
        self.reading = reading
        self.sender = sender
        self.by_concept: dict[str, list[Hit]] = defaultdict(list)
        self.languages: Counter[str] = Counter()
        found = list(found)
        trapped = swallowed(found)
        for item in found:
            concept, language = item.term.concept, item.term.language
            self.languages[language] += 1
            if concept != "trap" and any(first <= item.first and item.last <= last for first, last in trapped):
                continue
            self.add(concept, item.first, item.last, f"{language}.{concept}.{item.term.slug}")

    def add(self, concept: str, first: int, last: int, rule: str) -> None:
        """Notes a concept, and the wider ones that it belongs to."""
        hit = Hit(concept, first, last, rule)
        for name in (concept, *wider(concept)):
            self.by_concept[name].append(hit)

    def at(self, concept: str, sentence: int) -> list[Hit]:
        """The hits of a concept in a sentence."""
        return [hit for hit in self.by_concept.get(concept, ()) if self.reading.sentence_of(hit.first) == sentence]

    def start(self, hit: Hit) -> int:
        """In code points of the message."""
        return self.reading.starts[hit.first]

    def end(self, hit: Hit) -> int:
        """In code points of the message, exclusive."""
        return self.reading.ends[hit.last - 1]


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


def swallowed(found: Sequence[Found]) -> list[tuple[int, int]]:
    """The spans of traps: what lies within one means something else."""
    return [(item.first, item.last) for item in found if item.term.concept == "trap"]


class Detector:
    """Finds solicitations and everything near them. Pure: the same text gives the same answer on any day."""

    def __init__(self, packs: PackSet) -> None:
        self._packs = packs
        entries = [entry for pack in packs.packs for entry in pack.entries]
        weigh = frozenset(e.concept for e in entries if e.concept.startswith("channel.") or e.concept in CONTACT_NOUNS)
        self._lexicon: Lexicon = lexicon_of(packs.packs, weigh)
        self._rules = [(rule, "grammar") for rule in packs.grammar]
        self._rules += [(rule, pack.language) for pack in packs.packs for rule in pack.rules]
        self._regions = {pack.language: pack.regions for pack in packs.packs}
        self._possessive = {pack.language: pack.possessive for pack in packs.packs}
        self._prefilter = Prefilter(packs)

    def is_of_interest(self, text: str) -> bool:
        """Whether a detection could find anything."""
        return self._prefilter.fires(text)

    def detect(self, text: str, sender: Sender, regions: tuple[str, ...] = ()) -> Detection:
        """Everything that the message says about contact; `regions` are where national numbers are tried first."""
        if not self.is_of_interest(text):
            return NOTHING
        reading = read(text, self._lexicon)
        if not reading.words:
            return NOTHING
        found = self._lexicon.find(reading.words, frozenset(reading.sentence_starts))
        scene = Scene(text, reading, found, sender)
        language = self._language(scene)
        mentions = self._mentions(scene, found, (*regions, *self._regions.get(language or "", ())))
        handles = add_handles(scene)
        self._add_possessed(scene)
        acts, manners, matches = self._fire(scene, mentions)
        acts += own_contacts(scene, mentions, handles, acts)
        reasons, more = words_of_kind(scene, "reason"), words_of_kind(scene, "manner")
        manners |= {Manner(hit.concept.partition(".")[2]) for hit in more}
        matches += [Match(hit.rule, scene.start(hit), scene.end(hit)) for hit in (*reasons, *more)]
        return assembled(
            scene, acts, mentions, [Reason(h.concept.partition(".")[2]) for h in reasons], manners, matches, language
        )

    def _language(self, scene: Scene) -> str | None:
        best = scene.languages.most_common()
        return min((lang for lang, n in best if n == best[0][1]), default=None) if best else None

    def _mentions(self, scene: Scene, found: Iterable[Found], regions: tuple[str, ...]) -> list[Mention]:
        found = list(found)
        tried = tuple(dict.fromkeys(regions))
        mentions = []
        for candidate in phone.candidates(scene.text, scene.reading, found, HOMOPHONES):
            context = self._context(scene, candidate)
            hidden = {
                t.technique
                for t in scene.reading.tricks
                if t.start < candidate.atoms[-1].end and candidate.atoms[0].start < t.end
            }
            mention = phone.mention(scene.text, candidate, tried, context, hidden)
            if mention is not None:
                mentions.append(mention)
                scene.add("number", candidate.atoms[0].first, candidate.atoms[-1].last, "number")
        return mentions

    def _context(self, scene: Scene, candidate: phone.Candidate) -> phone.Context:
        first = candidate.atoms[0].first
        sentence = scene.reading.sentence_of(first)
        names = ("any_contact", "call_verb", "text_verb", "contact_me", "here_is")
        is_contact = any(scene.at(name, s) for name in names for s in (sentence, sentence - 1) if s >= 0)
        is_trap = any(
            first - TRAP_REACH_WORDS <= hit.last <= first
            for name in ("number_trap", "trap")
            for hit in scene.by_concept.get(name, ())
        )
        return phone.Context(is_contact, is_trap)

    def _add_possessed(self, scene: Scene) -> None:
        for owner, name in (("your", "your_any"), ("my", "my_any")):
            for hit in scene.by_concept.get("any_contact", []):
                sides = self._possessive.get(hit.rule.partition(".")[0], "before")
                if any(is_beside(possessor, hit, sides) for possessor in scene.by_concept.get(owner, ())):
                    scene.by_concept[name].append(hit)
        for hit in scene.by_concept.get("any_contact", []):
            sentence = scene.reading.sentence_of(hit.first)
            if sentence_length(scene, sentence) <= BARE_WORDS:
                scene.by_concept["bare_contact"].append(hit)

    def _fire(self, scene: Scene, mentions: list[Mention]) -> tuple[list[FoundAct], set[Manner], list[Match]]:  # noqa: ARG002 - rules see numbers as hits
        acts: list[FoundAct] = []
        manners: set[Manner] = set()
        matches: list[Match] = []
        for sentence in range(len(scene.reading.sentence_starts)):
            for rule, language in self._rules:
                hits = satisfied(scene, rule, sentence)
                if hits is None or (rule.is_negatable and is_cancelled(scene, hits, sentence)):
                    continue
                start, end = min(map(scene.start, hits)), max(map(scene.end, hits))
                name = f"{language}.{rule.act}.{rule.name}"
                matches.append(Match(name, start, end))
                if rule.act.startswith("manner."):
                    manners.add(Manner(rule.act.partition(".")[2]))
                else:
                    channel = rule.channel or channel_of(scene, hits, sentence)
                    acts.append(FoundAct(Act(rule.act), channel, start, end, name))
            acts += phrase_acts(scene, sentence)
        return acts, manners, matches


def satisfied(scene: Scene, rule: Rule, sentence: int) -> list[Hit] | None:
    """One hit of each concept that a rule needs, close enough together; `None` where there are none."""
    if rule.sender is not None and rule.sender is not scene.sender:
        return None
    if any(scene.at(concept, sentence) for concept in rule.unless):
        return None
    groups: list[list[Hit]] = []
    for alternatives in rule.needs:
        if alternatives == ("question",):
            if sentence not in scene.reading.questions:
                return None
            continue
        group = [hit for concept in alternatives for hit in scene.at(concept, sentence)]
        if not group:
            return None
        groups.append(group)
    for anchor in groups[0]:
        chosen = [anchor]
        for group in groups[1:]:
            free = [h for h in group if all(h.first >= c.last or h.last <= c.first for c in chosen)] or (
                [h for h in group if h not in chosen] if len(groups) == 1 else []
            )
            if rule.is_ordered:
                free = [h for h in free if h.first >= chosen[-1].last]
            if not free:
                break
            chosen.append(min(free, key=lambda h: abs(scene.start(h) - scene.start(anchor))))
        else:
            starts = [scene.start(hit) for hit in chosen]
            if max(starts) - min(starts) <= rule.within:
                return chosen
    return None


def is_cancelled(scene: Scene, hits: Sequence[Hit], sentence: int) -> bool:
    """Whether it is negated, reported of others, or somebody else's number."""
    if scene.at("reported", sentence) or scene.at("third_party", sentence):
        return True
    first = min(hit.first for hit in hits)
    last = max(hit.last for hit in hits)
    excepted = [(hit.first, hit.last) for hit in scene.by_concept.get("negation_exception", ())]
    for hit in scene.at("negation", sentence):
        if any(a <= hit.first and hit.last <= b for a, b in excepted) or any(
            hit.first >= h.first and hit.last <= h.last for h in hits
        ):
            continue
        if first - NEGATION_REACH_WORDS <= hit.first < last and scene.reading.clause_of(
            hit.first
        ) == scene.reading.clause_of(first):
            return True
    return False


def phrase_acts(scene: Scene, sentence: int) -> list[FoundAct]:
    """Phrases that are an act by themselves."""
    acts = []
    for concept, hits in list(scene.by_concept.items()):
        if not concept.startswith("phrase."):
            continue
        act = phrase_act(concept, scene.sender)
        for hit in hits:
            if scene.reading.sentence_of(hit.first) != sentence or act is None:
                continue
            if act not in {Act.REFUSE, Act.WITHDRAW} and is_cancelled(scene, [hit], sentence):
                continue
            channel = named_channel(concept) or channel_of(scene, [hit], sentence)
            acts.append(FoundAct(act, channel, scene.start(hit), scene.end(hit), hit.rule))
    return acts


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


def channel_of(scene: Scene, hits: Sequence[Hit], sentence: int) -> Channel:
    """The channel that an act names: within its words, else the nearest in the sentence, else a call."""
    own = [hit for hit in hits if "channel." in hit.concept]
    near = own or [h for h in scene.at("any_channel", sentence) if h.concept.startswith("channel.")]
    middle = sum(hit.first for hit in hits) / len(hits)
    if near:
        return Channel(min(near, key=lambda h: abs(h.first - middle)).concept.partition(".")[2])
    if any(hit.concept == "text_verb" for hit in hits):
        return Channel.SMS
    return Channel.PHONE


def add_handles(scene: Scene) -> list[tuple[int, int, Channel]]:
    """E-mail addresses, links and handles in the message, noted as hits and returned with their channel."""
    handles = []
    for match in HANDLE.finditer(scene.text):
        first = bisect_left(scene.reading.starts, match.start())
        last = bisect_left(scene.reading.starts, match.end())
        if last <= first:
            continue
        scene.add("handle", first, last, "handle")
        handles.append((match.start(), match.end(), handle_channel(scene, match[0].lower(), first)))
    return handles


def handle_channel(scene: Scene, handle: str, word: int) -> Channel:
    """Where a handle leads."""
    for part, channel in LINK_CHANNELS:
        if part in handle:
            return channel
    if "@" in handle[1:]:
        return Channel.EMAIL
    sentence = scene.reading.sentence_of(word)
    named = list(scene.at("any_channel", sentence))
    return Channel(named[0].concept.partition(".")[2]) if named else Channel.OTHER


def own_contacts(
    scene: Scene, mentions: Sequence[Mention], handles: Sequence[tuple[int, int, Channel]], acts: Sequence[FoundAct]
) -> list[FoundAct]:
    """A contact that stands in the message without a phrase around it: pushed by a seller, given by a buyer."""
    act = Act.SHARE if scene.sender is Sender.SELLER else Act.DISCLOSE
    spans = [(m.start, m.end, None) for m in mentions] + list(handles)
    out = []
    for start, end, channel in spans:
        word = max(bisect_left(scene.reading.starts, start + 1) - 1, 0)
        sentence = scene.reading.sentence_of(word)
        hit = Hit("number", word, word + 1, "number")
        if any(a.act is act for a in acts) or scene.at("third_party", sentence) or scene.at("reported", sentence):
            continue
        out.append(FoundAct(act, channel or channel_of(scene, [hit], sentence), start, end, f"contact.{act}"))
    return out


def words_of_kind(scene: Scene, kind: str) -> list[Hit]:
    """Hits of reasons or manners, in the order of the text, those that are negated or reported left out."""
    hits = [h for concept, each in scene.by_concept.items() if concept.startswith(f"{kind}.") for h in each]
    hits = [h for h in hits if not scene.at("reported", scene.reading.sentence_of(h.first))]
    return sorted(hits, key=lambda h: (h.first, h.concept))


def is_beside(possessor: Hit, owned: Hit, sides: str) -> bool:
    """Whether a possessive belongs to a noun."""
    before = 0 <= owned.first - possessor.last < POSSESSIVE_REACH_WORDS
    after = 0 <= possessor.first - owned.last < POSSESSIVE_REACH_WORDS
    return (before and sides != "after") or (after and sides != "before")


def sentence_length(scene: Scene, sentence: int) -> int:
    """Words of a sentence."""
    starts = [*scene.reading.sentence_starts, len(scene.reading.words)]
    return starts[sentence + 1] - starts[sentence]


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
    telling = set(manners) - {Manner(name) for name in PASSING}
    if not kept and not mentions and not telling and Reason.PHISHING not in reasons:
        manners = [m for m in manners if m is Manner.ALTERNATIVE_OFFERED]
        if not manners:
            return NOTHING
    techniques = {technique for mention in mentions for technique in mention.techniques} - {"separators"}
    if kept:
        techniques |= {trick.technique for trick in scene.reading.tricks}
    all_matches = [*matches, *(Match(a.rule, a.start, a.end) for a in kept)]
    return Detection(
        acts=kept,
        mentions=tuple(sorted(mentions, key=lambda m: m.start)),
        reasons=tuple(dict.fromkeys(reasons)),
        manners=tuple(sorted(set(manners))),
        techniques=tuple(sorted(techniques)),
        language=language,
        matches=in_order(all_matches),
    )
