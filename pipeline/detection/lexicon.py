"""Where the phrases of all packs stand in a message: one automaton over words, made from every pack.

A phrase is a sequence of alternatives. All phrases share one graph; the deterministic automaton over it is made
lazily, a state when a message first needs it, so that start-up stays short and a step is one dictionary look-up.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from sys import intern
from typing import Final, NamedTuple

from pipeline.detection.kinds import Ending, Kind, Languages, Meant
from pipeline.detection.packs import Entry, Pack
from pipeline.detection.phrases import Step, phrases_of, slug_of

MAX_GAP_WORDS: Final = 3
SHORTEST_CUT: Final = 5
LONGEST_CUT: Final = 24
"""Letters of a word that people cut in pieces."""
_MAX_CLASSES: Final = 60_000
_MAX_STATES: Final = 12_000


class Found:
    """A phrase in a message; `first` and `last` count words, last exclusive."""

    __slots__ = ("ending", "first", "last")

    def __init__(self, first: int, last: int, ending: Ending) -> None:
        self.first = first
        self.last = last
        self.ending = ending


class Terms(NamedTuple):
    """What the phrases of all packs stand for, by number: packed, since they are many and few come up."""

    meanings: list[tuple[str, str]]
    """Concept and language, each once."""
    meaning_of: "array[int]"
    """Number of the meaning of each term."""
    ends: "array[int]"
    """Where the slug of each term ends in `slugs`."""
    slugs: bytes
    """One behind the other, in UTF-8."""

    def meant(self, number: int) -> Meant:
        """One of them."""
        start = self.ends[number - 1] if number else 0
        slug = self.slugs[start : self.ends[number]].decode()
        return Meant(*self.meanings[self.meaning_of[number]], slug)


class Graph(NamedTuple):
    """The phrases of all packs. Node 0 is where each begins. In arrays, since it has some 400,000 edges."""

    starts: "array[int]"
    """By number of a word, or of a stem with its star (`telefon*`, `*رقم`): where its edges begin; the next one's end them."""
    sources: "array[int]"
    """The node that each edge comes from; rising within a word."""
    targets: "array[int]"
    """Where each edge leads: to a node, or to the end of a phrase, which is `-1` less the number of its term."""
    anything: dict[int, tuple[int, ...]]
    """Where any word leads, by node."""
    terms: Terms
    words: dict[str, int]
    """The number of every word and stem that a phrase holds."""
    weights: bytes
    """The concepts' weight by number of the word: 2 where a contact or a channel is named."""
    stems: frozenset[str]
    beginnings: frozenset[str]
    """What words for a contact or a channel begin with: the first piece of one that is cut may be one of these."""


class State:
    """A set of nodes that a sequence of words leads to, and the phrases that end there."""

    __slots__ = ("ending", "gaps", "next", "nodes")

    def __init__(self, nodes: tuple[int, ...], gaps: tuple[int, ...], ending: Ending | None) -> None:
        self.nodes = nodes
        """Rising."""
        self.gaps = gaps
        """Those of them that any word leads on from."""
        self.next: dict[int, State | None] = {}
        self.ending = ending


class Lexicon:
    """Finds the phrases of a graph."""

    def __init__(self, graph: Graph, languages: Languages) -> None:
        self._graph = graph
        self._languages = languages
        self.words = graph.words
        self.beginnings = graph.beginnings
        self._classes: dict[str, int] = {}
        self._class_labels: list[tuple[int, ...]] = []
        self._class_ids: dict[tuple[int, ...], int] = {}
        self._states: dict[tuple[int, ...], State] = {}
        self._start = State((0,), (), None)
        self._endings: dict[tuple[int, ...], Ending] = {}
        self._kinds: dict[int, Kind] = {}

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
                if state.ending is not None:
                    found.append(Found(first, last, state.ending))
                if last == count or last in ends:
                    break
                following = state.next
                state = following[ids[last]] if ids[last] in following else self._step(state, ids[last])
                last += 1
        return found

    def knows(self, word: str) -> bool:
        """Whether some phrase holds the word, or its stem."""
        return bool(self._labels(word))

    def weight(self, word: str) -> int:
        """2 for a word that names a contact or a channel, 1 for another word of a phrase, 0 for an unknown one."""
        number = self.words.get(word)
        if number is not None:
            return self._graph.weights[number]
        return max((self._graph.weights[number] for number in self._labels(word)), default=0)

    def is_way(self, word: str) -> bool:
        """Whether a word or stem, as a pack writes it, names a contact or a channel."""
        number = self.words.get(word)
        return number is not None and self._graph.weights[number] == 2

    def _labels(self, word: str) -> tuple[int, ...]:
        number = self._classes.get(word)
        return self._class_labels[self._classify(word) if number is None else number]

    def _classify(self, word: str) -> int:
        names = [word, *self._stems_of(word)] if word in self.words else self._stems_of(word)
        labels = tuple(self.words[name] for name in names)
        number = self._class_ids.get(labels)
        if number is None:
            number = self._class_ids[labels] = len(self._class_labels)
            self._class_labels.append(labels)
        if len(self._classes) > _MAX_CLASSES:  # a message may hold any words: forget them, the answer stays the same
            self._classes.clear()
        self._classes[word] = number
        return number

    def _stems_of(self, word: str) -> Iterator[str]:
        stems = self._graph.stems
        for length in range(1, min(len(word), 24) + 1):
            for stem in (f"{word[:length]}*", f"*{word[-length:]}"):
                if stem in stems:
                    yield stem
        if f"*{word}*" in stems or any(f"*{part}*" in stems for part in _parts(word)):
            yield from (f"*{part}*" for part in dict.fromkeys((word, *_parts(word))) if f"*{part}*" in stems)

    def _step(self, state: State, class_id: int) -> State | None:
        reached = self._reached(state, class_id)
        following: State | None = None
        if reached:
            known = tuple(sorted(reached))
            following = self._states.get(known)
            if following is None:
                if len(self._states) > _MAX_STATES:
                    self._forget()
                ends = bisect_left(known, 0)
                nodes = known[ends:]
                anything = self._graph.anything
                gaps = tuple([node for node in nodes if node in anything])
                following = self._states[known] = State(nodes, gaps, self._ending(known[:ends]) if ends else None)
        state.next[class_id] = following
        return following

    def _reached(self, state: State, class_id: int) -> set[int]:
        graph, nodes = self._graph, state.nodes
        sources, targets = graph.sources, graph.targets
        reached: set[int] = set()
        for node in state.gaps:
            reached.update(graph.anything[node])
        for label in self._class_labels[class_id]:
            first, last = graph.starts[label], graph.starts[label + 1]
            if len(nodes) < last - first:
                for node in nodes:
                    at = bisect_left(sources, node, first, last)
                    while at < last and sources[at] == node:
                        reached.add(targets[at])
                        at += 1
            else:
                for at in range(first, last):
                    place = bisect_left(nodes, sources[at])
                    if place < len(nodes) and nodes[place] == sources[at]:
                        reached.add(targets[at])
        return reached

    def _ending(self, targets: tuple[int, ...]) -> Ending:
        ending = self._endings.get(targets)
        if ending is None:
            ending = self._endings[targets] = Ending(tuple([self._kind(-1 - target) for target in reversed(targets)]))
        return ending

    def _kind(self, number: int) -> Kind:
        kind = self._kinds.get(number)
        if kind is None:
            meant = self._graph.terms.meant(number)
            kind = self._kinds[number] = Kind(meant, self._languages.bit_of[meant.language])
        return kind

    def _forget(self) -> None:
        for state in self._states.values():
            state.next.clear()
        self._states.clear()
        self._endings.clear()
        self._start.next.clear()


def _parts(word: str) -> list[str]:
    if len(word) > 16 or word.isascii():  # infixes serve scripts with prefixes and suffixes attached
        return []
    return [word[i:j] for i in range(len(word)) for j in range(i + 2, len(word) + 1)]


def graph_of(packs: Iterable[Pack], weigh: frozenset[str]) -> Graph:
    """The phrases of all packs; `weigh` are the concepts whose words a trick may hide."""
    growing = _Growing()
    for pack in packs:
        for entry in pack.entries:
            growing.add(pack.language, entry, weight=2 if entry.concept in weigh else 1)
    return growing.graph()


@dataclass(slots=True)
class _Growing:
    """A graph while phrases are added."""

    edges: list[dict[str, list[int]]] = field(default_factory=lambda: [{}])
    anything: dict[int, list[int]] = field(default_factory=dict)
    terms: list[Meant] = field(default_factory=list)
    words: dict[str, int] = field(default_factory=dict)

    def add(self, language: str, entry: Entry, weight: int) -> None:
        end = -1 - len(self.terms)
        self.terms.append(Meant(entry.concept, language, slug_of(entry.text)))
        for phrase in phrases_of(entry.text):
            self._connect(phrase, end, weight)

    def _node(self) -> int:
        self.edges.append({})
        return len(self.edges) - 1

    def _connect(self, phrase: list[Step | str], end: int, weight: int) -> None:
        # Behind the last step that must be there the phrase may end; a step that may be left out ends it too.
        needed = max((n for n, step in enumerate(phrase) if not isinstance(step, str) and all(step)), default=-1)
        from_nodes = [0]
        for number, step in enumerate(phrase):
            if isinstance(step, str):
                from_nodes = self._gap(from_nodes)
                continue
            is_last = number == len(phrase) - 1
            targets = [end] if number >= needed else []
            if not is_last:
                targets.append(self._node())
            for words in filter(None, step):
                self._chain(from_nodes, words, targets, weight)
            from_nodes = [*targets[-1:], *(() if all(step) else from_nodes)]

    def _gap(self, nodes: list[int]) -> list[int]:
        reached = list(nodes)
        for _ in range(MAX_GAP_WORDS):
            following = self._node()
            for node in nodes:
                self.anything.setdefault(node, []).append(following)
            nodes = [following]
            reached.append(following)
        return reached

    def _chain(self, from_nodes: list[int], words: tuple[str, ...], targets: list[int], weight: int) -> None:
        for number, word in enumerate(map(intern, words)):
            is_last = number == len(words) - 1
            following = targets if is_last else [self._node()]
            self.words[word] = max(self.words.get(word, 0), weight if len(words) == 1 else 1)
            for node in from_nodes:
                self.edges[node].setdefault(word, []).extend(following)
            from_nodes = following

    def graph(self) -> Graph:
        """What was added, in its final form."""
        numbers = {word: number for number, word in enumerate(self.words)}
        edges: list[list[tuple[int, list[int]]]] = [[] for _ in numbers]
        for node, table in enumerate(self.edges):
            for word, reached in table.items():
                edges[numbers[word]].append((node, reached))
        starts, sources, targets = array("I", [0]), array("I"), array("i")
        for each in edges:
            for node, reached in each:
                sources.extend([node] * len(reached))
                targets.extend(reached)
            starts.append(len(sources))
        beginnings = frozenset(
            word[:size]
            for word, weight in self.words.items()
            if weight > 1 and SHORTEST_CUT <= len(word) <= LONGEST_CUT
            for size in range(1, len(word))
        )
        return Graph(
            starts,
            sources,
            targets,
            {node: tuple(following) for node, following in self.anything.items()},
            packed(self.terms),
            numbers,
            bytes(self.words.values()),
            frozenset(word for word in self.words if "*" in word),
            beginnings,
        )


def packed(terms: Iterable[Meant]) -> Terms:
    """The terms in little room."""
    numbers: dict[tuple[str, str], int] = {}
    meaning_of, ends, slugs = array("I"), array("I"), bytearray()
    for concept, language, slug in terms:
        meaning_of.append(numbers.setdefault((concept, language), len(numbers)))
        slugs += slug.encode()
        ends.append(len(slugs))
    return Terms(list(numbers), meaning_of, ends, bytes(slugs))
