"""Where the phrases of all packs stand in a message: one automaton over words, made from every pack.

A phrase is a sequence of alternatives. All phrases share one graph; the deterministic automaton over it is made
lazily, a state when a message first needs it, so that start-up stays short and a step is one dictionary look-up.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from pipeline.detection.fold import NO_SPACE, fold
from pipeline.detection.packs import Entry, Pack, combinations

WORD = re.compile(
    # A run of letters and digits, a character of a script without spaces, or a sign that packs may list. Each branch
    # begins differently, so that nothing is ever read twice.
    rf"[{NO_SPACE}]|(?:[^\W_{NO_SPACE}]|[\u0900-\u0963\u0971-\u0dff])+|[\u2190-\u2bff\u3030\u303d\U0001f000-\U0001faff%$£€₹=#@&+]"
)
_NO_SPACE_ONE = re.compile(f"[{NO_SPACE}]")
GAP = "..."
MAX_GAP_WORDS = 3
_PLAIN_ENTRY = re.compile(r"(?:[a-z0-9 ]*[a-z0-9]\*?)?")
_UNSPACED_ENTRY = re.compile(f"[{NO_SPACE}]+")
_FOREIGN_ENTRY = re.compile(
    r"[\u0430-\u045f\u0621-\u064a\u05d0-\u05ea\u03b1-\u03c9áéíóúàèìòùâêîôûãõñçıłąęśćźżńěščřžýůďťňășțğşőű ]*"
)
"""Scripts and accents of which only one spelling is kept."""
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
_MAX_CLASSES = 60_000
_MAX_STATES = 40_000

Step = tuple[tuple[str, ...], ...]
"""Alternatives at one place of a phrase, each a sequence of words."""


class Node:
    """A place within phrases."""

    __slots__ = ("anything", "next", "terms")

    def __init__(self) -> None:
        self.next: dict[str, list[Node]] | None = None
        """By word, or by stem with its star: `telefon*`, `*رقم`."""
        self.anything: tuple[Node, ...] = ()
        self.terms: tuple[Term, ...] = ()


class State:
    """A set of nodes that a sequence of words leads to."""

    __slots__ = ("next", "nodes", "terms")

    def __init__(self, nodes: tuple[Node, ...]) -> None:
        self.nodes = nodes
        self.next: dict[int, State | None] = {}
        self.terms: tuple[Term, ...] = tuple(term for node in nodes for term in node.terms)


@dataclass(frozen=True, slots=True)
class Term:
    """What a phrase of a pack stands for."""

    concept: str
    language: str
    slug: str
    """The phrase as part of a rule's name."""


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase in a message; `first` and `last` count words, last exclusive."""

    first: int
    last: int
    term: Term


@dataclass(slots=True)
class Lexicon:
    """The phrases of all packs."""

    root: Node = field(default_factory=Node)
    words: dict[str, int] = field(default_factory=dict)
    """Every word that a phrase holds, with the concepts' weight: 2 where a contact or a channel is named."""
    stems: set[str] = field(default_factory=set)
    _prefix_lengths: tuple[int, ...] = ()
    _classes: dict[str, int] = field(default_factory=dict)
    _class_keys: list[tuple[str | None, tuple[str, ...]]] = field(default_factory=list)
    _class_ids: dict[tuple[str | None, tuple[str, ...]], int] = field(default_factory=dict)
    _states: dict[tuple[int, ...], State] = field(default_factory=dict)
    _start: State = field(init=False)

    def __post_init__(self) -> None:
        self._start = State((self.root,))

    def find(self, words: list[str], ends: frozenset[int] | set[int]) -> list[Found]:
        """Every phrase in the words, none across a sentence's end (`ends`: indices of first words of sentences)."""
        classes = self._classes
        classify = self._classify
        ids = [classes[word] if word in classes else classify(word) for word in words]
        count = len(ids)
        start = self._start
        found: list[Found] = []
        for first in range(count):
            state = self._step(start, ids[first]) if ids[first] not in start.next else start.next[ids[first]]
            last = first + 1
            while state is not None:
                if state.terms:
                    found += [Found(first, last, term) for term in state.terms]
                if last == count or last in ends:
                    break
                following = state.next
                state = following[ids[last]] if ids[last] in following else self._step(state, ids[last])
                last += 1
        return found

    def knows(self, word: str) -> bool:
        """Whether some phrase holds the word, or its stem."""
        return word in self.words or bool(self._class_keys[self._classes.get(word) or self._classify(word)][1])

    def weight(self, word: str) -> int:
        """2 for a word that names a contact or a channel, 1 for another word of a phrase, 0 for an unknown one."""
        if word in self.words:
            return self.words[word]
        stems = self._class_keys[self._classes.get(word) or self._classify(word)][1]
        return max((self.words[stem] for stem in stems), default=0)

    def _classify(self, word: str) -> int:
        key = (word if word in self.words else None, tuple(self._stems_of(word)))
        number = self._class_ids.get(key)
        if number is None:
            number = self._class_ids[key] = len(self._class_keys)
            self._class_keys.append(key)
        if len(self._classes) > _MAX_CLASSES:  # a message may hold any words: forget them, the answer stays the same
            self._classes.clear()
        self._classes[word] = number
        return number

    def _stems_of(self, word: str) -> Iterator[str]:
        stems = self.stems
        for length in range(1, min(len(word), 24) + 1):
            for stem in (f"{word[:length]}*", f"*{word[-length:]}"):
                if stem in stems:
                    yield stem
        if f"*{word}*" in stems or any(f"*{part}*" in stems for part in _parts(word)):
            yield from (f"*{part}*" for part in {word, *_parts(word)} if f"*{part}*" in stems)

    def _step(self, state: State, class_id: int) -> State | None:
        word, stems = self._class_keys[class_id]
        keys = stems if word is None else (word, *stems)
        nodes: dict[int, Node] = {}
        for node in state.nodes:
            nodes.update((id(there), there) for there in node.anything)
            if node.next:
                for key in keys:
                    nodes.update((id(there), there) for there in node.next.get(key, ()))
        following: State | None = None
        if nodes:
            reached = tuple(sorted(nodes))
            following = self._states.get(reached)
            if following is None:
                if len(self._states) > _MAX_STATES:
                    self._forget()
                following = self._states[reached] = State(tuple(nodes.values()))
        state.next[class_id] = following
        return following

    def _forget(self) -> None:
        for state in self._states.values():
            state.next.clear()
        self._states.clear()
        self._start.next.clear()


def _parts(word: str) -> list[str]:
    if len(word) > 16 or word.isascii():  # infixes serve scripts with prefixes and suffixes attached
        return []
    return [word[i:j] for i in range(len(word)) for j in range(i + 2, len(word) + 1)]


def lexicon_of(packs: Iterable[Pack], weigh: frozenset[str]) -> Lexicon:
    """The lexicon of all packs; `weigh` are the concepts whose words a trick may hide."""
    lexicon = Lexicon()
    for pack in packs:
        for entry in pack.entries:
            _add(lexicon, pack.language, entry, weigh)
    return lexicon


def _add(lexicon: Lexicon, language: str, entry: Entry, weigh: frozenset[str]) -> None:
    term = Term(entry.concept, language, slug_of(entry.text))
    end = Node()
    end.terms = (term,)
    weight = 2 if entry.concept in weigh else 1
    for phrase in phrases_of(entry.text):
        _connect(lexicon, phrase, end, weight)


def _connect(lexicon: Lexicon, phrase: list[Step | str], end: Node, weight: int) -> None:
    from_nodes = [lexicon.root]
    for number, step in enumerate(phrase):
        if isinstance(step, str):
            from_nodes = _gap(from_nodes)
            continue
        is_last = number == len(phrase) - 1
        target = end if is_last else Node()
        skipped: list[Node] = []
        for words in step:
            if not words:
                skipped = from_nodes
                continue
            _chain(lexicon, from_nodes, words, target, weight)
        if is_last:
            for node in skipped:
                node.terms = tuple(dict.fromkeys((*node.terms, *target.terms)))
        from_nodes = [target, *skipped]


def _gap(nodes: list[Node]) -> list[Node]:
    reached = list(nodes)
    for _ in range(MAX_GAP_WORDS):
        following = Node()
        for node in nodes:
            node.anything = (*node.anything, following)
        nodes = [following]
        reached.append(following)
    return reached


def _chain(lexicon: Lexicon, from_nodes: list[Node], words: Iterable[str], target: Node, weight: int) -> None:
    words = list(words)
    for number, word in enumerate(words):
        following = target if number == len(words) - 1 else Node()
        if "*" in word:
            lexicon.stems.add(word)
        lexicon.words[word] = max(lexicon.words.get(word, 0), weight if len(words) == 1 else 1)
        for node in from_nodes:
            if node.next is None:
                node.next = {}
            node.next.setdefault(word, []).append(following)
        from_nodes = [following]


@lru_cache(maxsize=100_000)
def phrases_of(text: str) -> list[list[Step | str]]:
    """The sequences of alternatives that an entry stands for; none where it folds to nothing."""
    return [phrase for part in _unglued(text) if (phrase := _phrase(part))]


def _unglued(text: str) -> list[str]:
    """An entry, multiplied out where a bracket touches a word: `here(s| is)`."""
    pieces = re.split(r"(\([^)]*\))", text)
    for number, piece in enumerate(pieces):
        if not piece.startswith("("):
            continue
        before, after = pieces[number - 1][-1:], pieces[number + 1][:1] if number + 1 < len(pieces) else ""
        if (before and not before.isspace()) or (after and not after.isspace()):  # as in `here(s| is)`
            head, tail = "".join(pieces[:number]), "".join(pieces[number + 1 :])
            return [part for choice in combinations(piece) for part in _unglued(f"{head}{choice}{tail}")]
    return [text]


def _phrase(text: str) -> list[Step | str]:
    steps: list[Step | str] = []
    for piece in re.split(r"(\([^)]*\)|\.\.\.)", text):
        if piece == GAP:
            steps.append(GAP)
        elif piece.startswith("("):
            choices = [words for choice in piece[1:-1].split("|") for words in spellings(choice)]
            steps.append(tuple(dict.fromkeys(choices)))
        else:
            for word in piece.split():
                variants = tuple(dict.fromkeys(spellings(word)))
                if variants != ((),):
                    steps.append(variants)
    while steps and (steps[0] == GAP or not any(steps[0])):
        steps.pop(0)
    while steps and steps[-1] == GAP:
        steps.pop()
    if not any(step != GAP and any(step) for step in steps):
        return []
    return steps


def spellings(text: str) -> list[tuple[str, ...]]:
    """The word sequences that a few words may be typed as: apostrophe left out, hyphen left out, `ae` for `ä`."""
    lowered = text.lower()
    if text.isascii():
        if _PLAIN_ENTRY.fullmatch(lowered):  # nine entries in ten
            return [tuple(lowered.split())]
    elif _FOREIGN_ENTRY.fullmatch(lowered) and not has_no_space(lowered):
        return [tuple(fold(lowered).split())]
    elif _UNSPACED_ENTRY.fullmatch(folded := fold(text)):
        return [tuple(folded)]
    variants = {text}
    if lowered.translate(_UMLAUTS) != lowered:
        variants.add(lowered.translate(_UMLAUTS))
    for mark in ("'", "’", "-"):
        variants |= {variant.replace(mark, "") for variant in variants if mark in variant}
    return sorted({words_of(variant) for variant in variants})


def words_of(text: str) -> tuple[str, ...]:
    """The words of an entry, stars kept."""
    words: list[str] = []
    for chunk in fold(text).split():
        head, tail = chunk.startswith("*"), chunk.endswith("*")
        parts = WORD.findall(chunk)
        if not parts:
            continue
        if head and not is_no_space(parts[0]):
            parts[0] = f"*{parts[0]}"
        if tail and not is_no_space(parts[-1].strip("*")):
            parts[-1] = f"{parts[-1]}*"
        words += parts
    return tuple(words)


def is_no_space(word: str) -> bool:
    """Whether a word is a character of a script without spaces."""
    return len(word) == 1 and not word.isascii() and _NO_SPACE_ONE.match(word) is not None


def has_no_space(text: str) -> bool:
    """Whether a text holds characters of a script without spaces."""
    return not text.isascii() and _NO_SPACE_ONE.search(text) is not None


def slug_of(text: str) -> str:
    """An entry as part of a rule's name: words joined by `_`, the first alternative of each bracket."""
    plain = re.sub(r"\(([^|)]*)[^)]*\)", r"\1", text)
    return "_".join(re.findall(r"[^\W_]+", plain.lower()))[:48] or "sign"
