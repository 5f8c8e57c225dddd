"""What is wrong with a language pack beyond its form: dead phrases, examples that fail, harm to another language."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from pipeline.detection.detector import Detector
from pipeline.detection.kinds import Languages, Sides
from pipeline.detection.lexicon import Lexicon, graph_of
from pipeline.detection.model import Detection
from pipeline.detection.packs import (
    GRAMMAR_FILE,
    SHIPPED,
    Entry,
    Example,
    Pack,
    PackSet,
    combinations,
    read_grammar,
    read_pack,
)
from pipeline.detection.phrases import phrases_of, words_of
from pipeline.detection.report import as_detect_line
from pipeline.detection.sources import PackError, Source
from pipeline.faults import Fault
from schemas.vocabulary import Act

FEWEST_EXAMPLES = 60
_UNREAD_SIGNS = ("?", "？", "؟", "!", ";", ":")
_MOST_SPELLINGS_TRIED = 200
_ACTS = ("solicits", "shares_contact", "discloses", "refuses")
_NO_PHRASES = ("trap", "number_trap", "carrier", "common")


def pack_faults(paths: Sequence[Path] = (), folder: Path = SHIPPED) -> list[Fault]:
    """Everything wrong with these packs, each beside the other packs of `folder`; with all of those if none is named.

    A file outside the folder takes the place of the pack of the same language.
    """
    shipped = {path.stem: path for path in sorted(folder.glob("*.yaml")) if not path.name.startswith("_")}
    chosen = {path.stem: path for path in paths} or shipped
    faults: list[Fault] = []
    packs: dict[str, Pack] = {}
    for language, path in sorted((shipped | chosen).items()):
        try:
            packs[language] = read_pack(path, with_examples=True)
        except PackError as error:
            if language in chosen:
                faults.append(_fault_of(error))
    try:
        grammar = read_grammar(folder / GRAMMAR_FILE)
    except PackError as error:
        return [*faults, _fault_of(error)]
    for language in sorted(chosen.keys() & packs.keys()):
        faults += _dead_phrases(chosen[language], packs[language])
        faults += _too_few_examples(packs[language])
    faults += _failing_examples(PackSet(tuple(packs.values()), grammar), frozenset(chosen))
    return sorted(set(faults))


def _fault_of(error: PackError) -> Fault:
    file, line, reason = str(error).split(":", maxsplit=2)
    return Fault(file, int(line), reason.strip())


def _too_few_examples(pack: Pack) -> Iterator[Fault]:
    if len(pack.examples) < FEWEST_EXAMPLES:
        last = max((example.line for example in pack.examples), default=1)
        reason = f"examples: {len(pack.examples)} of them, at least {FEWEST_EXAMPLES} are wanted"
        yield Fault(f"{pack.language}.yaml", last, reason)


def _dead_phrases(path: Path, pack: Pack) -> Iterator[Fault]:
    source = Source(path, path.read_text(encoding="utf-8"))
    traps = [entry for entry in pack.entries if entry.concept == "trap"]
    graph = graph_of([Pack(pack.language, pack.name, (), "before", "before", tuple(traps))], frozenset())
    swallowing = Lexicon(graph, Languages([Sides(pack.language, "before", "before")]))
    for entry in pack.entries:
        reason = None
        if not phrases_of(entry.text):
            reason = "is read as nothing: no letter, digit or known sign in it"
        elif entry.text.rstrip().endswith(_UNREAD_SIGNS):
            reason = f"ends in {entry.text.rstrip()[-1]}, which is not read: write the words alone"
        elif entry.concept not in _NO_PHRASES and _is_always_swallowed(entry, swallowing):
            reason = "can never match: a trap of this pack always swallows it"
        if reason:
            place = ".".join(map(str, entry.place))
            yield Fault(path.name, source.line(entry.place), f"{place}: {reason}")


def _is_always_swallowed(entry: Entry, traps: Lexicon) -> bool:
    for spelling in islice(combinations(entry.text.replace("...", " ")), _MOST_SPELLINGS_TRIED):
        words = [word.strip("*") for word in words_of(spelling)]
        if words and not any(found.first == 0 and found.last == len(words) for found in traps.find(words, frozenset())):
            return False
    return True


def _failing_examples(packs: PackSet, chosen: frozenset[str]) -> Iterator[Fault]:
    """Examples of the chosen packs that fail, and those of the others that fail because of a chosen one."""
    detector = Detector.of(packs)
    harmed: list[tuple[Pack, Example, str]] = []
    for pack in packs.packs:
        for example in pack.examples:
            detection = detected(detector, pack, example)
            wrong = "; ".join(differences(example.expect, detection))
            if wrong and pack.language in chosen:
                rules = sorted({match.rule for match in detection.matches})
                reason = f"an example fails: {wrong}; by {', '.join(rules) or 'no rule'}"
                yield Fault(f"{pack.language}.yaml", example.line, reason)
            elif wrong:
                harmed.append((pack, example, wrong))
    if harmed:
        yield from _blamed(packs, chosen, harmed)


def _blamed(packs: PackSet, chosen: frozenset[str], harmed: Sequence[tuple[Pack, Example, str]]) -> Iterator[Fault]:
    for language in sorted(chosen):
        others = tuple(pack for pack in packs.packs if pack.language != language)
        without = Detector.of(PackSet(others, packs.grammar))
        for pack, example, wrong in harmed:
            if not any(differences(example.expect, detected(without, pack, example))):
                reason = f"breaks the example at {pack.language}.yaml:{example.line}: {wrong}"
                yield Fault(f"{language}.yaml", 1, reason)


def detected(detector: Detector, pack: Pack, example: Example) -> Detection:
    """What the detector says of an example where it was meant to be written."""
    region = example.marketplace or next(iter(pack.regions), None)
    return detector.detect(example.text, example.sender, (region,) if region else ())


def differences(expect: Mapping[str, Any], detection: Detection) -> Iterator[str]:
    """In what a detection is not as expected; with no expectation, in what it finds anything at all."""
    said = as_detect_line(None, detection)
    said |= {"grants": detection.has(Act.GRANT), "withdraws": detection.has(Act.WITHDRAW)}
    wanted = expect or {**dict.fromkeys(_ACTS, False), "numbers": []}
    for name, value in wanted.items():
        found = said[name]
        if found != value:
            yield f"{name} is {_shown(found)}, should be {_shown(value)}"


def _shown(value: Any) -> str:
    """A value as a pack writes it; numbers are counted, not told."""
    if isinstance(value, list):
        return f"{len(value)} of them"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
