"""Where the phrases of all packs stand in a message: one automaton over words, made from every pack.

A phrase is a sequence of alternatives. All phrases share one graph; the deterministic automaton over it is made
lazily, a state when a message first needs it, so that start-up stays short and a step is one dictionary look-up.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from sys import intern
from typing import Any, NamedTuple

from pipeline.detection.kinds import Ending, Kind, Languages, Meant
from pipeline.detection.packs import Entry, Pack
from pipeline.detection.phrases import Step, phrases_of, slug_of

MAX_GAP_WORDS = 3
SHORTEST_CUT, LONGEST_CUT = 5, 24
"""Letters of a word that people cut in pieces."""
_MAX_CLASSES = 60_000
_MAX_STATES = 40_000
_FEW_EDGES = 6
"""Of a node: looked through one by one, which takes less memory than a table."""


class Found:
    """A phrase in a message; `first` and `last` count words, last exclusive."""

    __slots__ = ("ending", "first", "last")

    def __init__(self, first: int, last: int, ending: Ending) -> None:
        self.first = first
        self.last = last
        self.ending = ending


Edges = dict[str, tuple[int, ...]] | tuple[Any, ...]
"""Where a word, or a stem with its star (`telefon*`, `*رقم`), leads: a table, or words and targets by turns.

A target is a node, or the end of a phrase: `-1` less the number of its term.
"""


class Graph(NamedTuple):
    """The phrases of all packs. Node 0 is where each begins."""

    edges: list[Edges]
    anything: dict[int, tuple[int, ...]]
    """Where any word leads, by node."""
    terms: list[Meant]
    words: dict[str, int]
    """Every word that a phrase holds, with the concepts' weight: 2 where a contact or a channel is named."""
    stems: frozenset[str]
    beginnings: frozenset[str]
    """What words for a contact or a channel begin with: the first piece of one that is cut may be one of these."""


class State:
    """A set of nodes that a sequence of words leads to, and the phrases that end there."""

    __slots__ = ("ending", "next", "nodes")

    def __init__(self, nodes: tuple[int, ...], ending: Ending | None) -> None:
        self.nodes = nodes
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
        self._class_keys: list[tuple[str | None, tuple[str, ...]]] = []
        self._class_ids: dict[tuple[str | None, tuple[str, ...]], int] = {}
        self._states: dict[tuple[int, ...], State] = {}
        self._start = State((0,), None)
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
        stems = self._graph.stems
        for length in range(1, min(len(word), 24) + 1):
            for stem in (f"{word[:length]}*", f"*{word[-length:]}"):
                if stem in stems:
                    yield stem
        if f"*{word}*" in stems or any(f"*{part}*" in stems for part in _parts(word)):
            yield from (f"*{part}*" for part in dict.fromkeys((word, *_parts(word))) if f"*{part}*" in stems)

    def _step(self, state: State, class_id: int) -> State | None:
        word, stems = self._class_keys[class_id]
        keys = stems if word is None else (word, *stems)
        graph = self._graph
        reached: dict[int, None] = {}
        for node in state.nodes:
            reached.update(dict.fromkeys(graph.anything.get(node, ())))
            edges = graph.edges[node]
            if isinstance(edges, dict):
                for key in keys:
                    reached.update(dict.fromkeys(edges.get(key, ())))
            else:
                reached.update(
                    (target, None) for key, target in zip(edges[::2], edges[1::2], strict=True) if key in keys
                )
        following: State | None = None
        if reached:
            known = tuple(sorted(reached))
            following = self._states.get(known)
            if following is None:
                if len(self._states) > _MAX_STATES:
                    self._forget()
                kinds = tuple(self._kind(-1 - target) for target in reached if target < 0)
                nodes = tuple(target for target in reached if target >= 0)
                following = self._states[known] = State(nodes, Ending(kinds) if kinds else None)
        state.next[class_id] = following
        return following

    def _kind(self, number: int) -> Kind:
        kind = self._kinds.get(number)
        if kind is None:
            meant = self._graph.terms[number]
            kind = self._kinds[number] = Kind(meant, self._languages.bit_of[meant.language])
        return kind

    def _forget(self) -> None:
        for state in self._states.values():
            state.next.clear()
        self._states.clear()
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
        edges: list[Edges] = [
            {word: tuple(targets) for word, targets in table.items()}
            if len(table) > _FEW_EDGES
            else tuple(item for word, targets in table.items() for target in targets for item in (word, target))
            for table in self.edges
        ]
        anything = {node: tuple(targets) for node, targets in self.anything.items()}
        stems = frozenset(word for word in self.words if "*" in word)
        beginnings = frozenset(
            word[:size]
            for word, weight in self.words.items()
            if weight > 1 and SHORTEST_CUT <= len(word) <= LONGEST_CUT
            for size in range(1, len(word))
        )
        return Graph(edges, anything, self.terms, self.words, stems, beginnings)
