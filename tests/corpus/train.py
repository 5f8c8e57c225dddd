"""Trains the second opinion on the seen part of the corpus and the packs' examples, and writes its weights.

    python -m tests.corpus.train

The same corpus, packs and libraries give the same file. What it adds is told by `make quality`.
"""

import random
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from typing import NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from pipeline.detection.letters import LETTER_BUCKETS, ZERO, within_word
from pipeline.detection.opinion import CONCEPT_VALUE, CONTACTS, Head, Weights, family_of, letters_of, named, pairs_of
from pipeline.detection.packs import SHIPPED, read_pack
from pipeline.detection.prefilter import Hunch, WordHunch, plainly
from pipeline.detection.scene import Scene
from pipeline.detection.shipped import OPINION, shipped_detector
from schemas.vocabulary import Sender
from tests.corpus.measure import CONTACT, SEEN, Row, chatter_rows, languages_of, rows_of, service_rows

LOOSENESS = 16.0
"""Inverse strength of the L2 penalty."""
FEWEST_MESSAGES = 4
"""That hold a concept or a pair, for it to get weights."""
FEWEST_TRIALS = 10
"""Messages that a rule fired in alone, for its being right to be known."""
LARGEST_STEP = 127
SEED = 1
LEFT_OUT, MISTYPED = 0.12, 0.3
"""Shares of the words of a hurried message."""
FEWEST_LEFT = 3
"""Words: of fewer none is left out."""
SHORTEST_MISTYPED = 3
FLAGS = {"contact": CONTACT, "request": ("solicits",), "share": ("shares_contact",)}
"""What packs' examples tell too."""
OTHER_FLAGS = {"refuse": "refuses", "consent_sought": "consent_sought", "alternative_offered": "alternative_offered",
               "urgency": "pressure"}  # fmt: skip
LEAST = {
    "contact": 0.69,
    "request": 0.84,
    "share": 0.84,
    "refuse": 0.7,
    "consent_sought": 0.3,
    "alternative_offered": 0.3,
    "urgency": 0.3,
    "words": 0.65,
}
"""Probability from which the answer is yes: what only colours an act is worth a guess, an act is not."""
SERVICE_WEIGHT = 0.5
"""Of a line of public customer service beside a message of a marketplace: it says what is asked of there."""
WORTH_A_LOOK = 0.27
"""Probability, by the prefilter's concepts alone, from which the full detector looks."""
LOOSENESS_OF_WORDS = 4.0
"""The same as LOOSENESS, where letters have no concepts beside them."""
EVERYDAY = frozenset({"review", "pay", "here_is", "find"})
"""Concepts that are met as often where wares are talked of."""
Truth = NDArray[np.bool_]
T = TypeVar("T", str, int)
DETECTOR = shipped_detector(has_opinion=False)


class Known(NamedTuple):
    """What is learned from one message."""

    letters: list[int]
    concepts: list[int]
    """With the pairs, as `Weights` counts them."""
    is_seller: bool


def main() -> None:
    """Trains, writes and tells the size."""
    written, examples = rows_of(SEEN), [*examples_of_packs(), *chatter_rows(SEEN), *service_rows(SEEN)]
    chance = random.Random(SEED)
    rows = [*written, *(hurried(row, chance) for row in written)]
    rows_and_examples = [*rows, *examples, *(hurried(row, chance) for row in examples)]
    scenes = [scene_of(row) for row in rows_and_examples]
    names = [named(scene, mentions) for scene, mentions in scenes]
    concepts = often(names)
    numbers = {name: number for number, name in enumerate(concepts)}
    paired = [pairs_of(scene, numbers) for scene, _ in scenes]
    pairs = often(paired)
    place_of = {pair: place for place, pair in enumerate(pairs, len(concepts))}
    known = [
        Known(
            [bucket for sentence in letters_of(scene) for bucket in sentence],
            [numbers[n] for n in told if n in numbers] + [place_of[p] for p in sorted(two) if p in place_of],
            scene.sender is Sender.SELLER,
        )
        for (scene, _), told, two in zip(scenes, names, paired, strict=True)
    ]
    table = table_of(known, len(concepts) + len(pairs))
    truths = {
        name: np.array([any(row[flag] for flag in flags) for row in rows_and_examples]) for name, flags in FLAGS.items()
    }
    weight = np.array([SERVICE_WEIGHT if row.get("talk") == "service" else 1.0 for row in rows_and_examples])
    heads = [trained(name, table, truth, weight=weight) for name, truth in truths.items()]
    table = table[: len(rows)]
    heads += [trained(name, table, np.array([row[flag] for row in rows])) for name, flag in OTHER_FLAGS.items()]
    is_contact = truths["contact"][: len(rows)]
    heads += reason_heads(table[is_contact], [row["purpose"] for row in compress(rows, is_contact)])
    hunch = hunch_of([*written, *examples], word_hunch_of(rows_and_examples))
    rules = reliability_of([*written, *service_rows(SEEN)])
    OPINION.write_bytes(msgspec.msgpack.encode(Weights(tuple(concepts), tuple(pairs), tuple(heads), rules, hunch)))
    sys.stdout.write(
        f"{OPINION.name}: {len(written)} messages, {len(examples)} examples, each in a hurry too, "
        f"{len(concepts)} concepts, {len(pairs)} pairs, {OPINION.stat().st_size:,} bytes\n"
    )


def reliability_of(rows: Sequence[Row]) -> dict[str, float]:
    """In logits, how often each rule was right where it alone saw a contact; one more of either keeps them finite."""
    right, wrong = Counter[str](), Counter[str]()
    for row in rows:
        regions = (row["marketplace"],) if row["marketplace"] else ()
        acts = DETECTOR.detect(row["text"], Sender(row["sender"]), regions).acts
        fired = {family_of(found.rule) for found in acts if found.act in CONTACTS}
        if len(fired) == 1:
            (right if any(row[flag] for flag in CONTACT) else wrong).update(fired)
    return {
        rule: round(float(np.log((right[rule] + 1) / (wrong[rule] + 1))), 2)
        for rule in sorted(right.keys() | wrong.keys())
        if right[rule] + wrong[rule] >= FEWEST_TRIALS
    }


def examples_of_packs() -> Iterator[Row]:
    """The examples that say whether somebody asks for contact or pushes one."""
    for language in languages_of(SEEN):
        pack = read_pack(SHIPPED / f"{language}.yaml", with_examples=True)
        for example in pack.examples:
            if not example.expect or any(flag in example.expect for flag in CONTACT):
                yield {
                    "text": example.text,
                    "sender": example.sender,
                    "marketplace": example.marketplace or next(iter(pack.regions), None),
                    **{flag: bool(example.expect.get(flag)) for flag in CONTACT},
                }


def hurried(row: Row, chance: random.Random) -> Row:
    """The message as somebody would write it who is in a hurry: words left out, letters dropped, doubled and swapped.

    What is learned from both leans less on any one spelling.
    """
    words = row["text"].split(" ")
    kept = [word for word in words if chance.random() >= LEFT_OUT] if len(words) > FEWEST_LEFT else words
    text = " ".join(mistyped(word, chance) if chance.random() < MISTYPED else word for word in kept)
    return row | {"text": text or row["text"]}


def mistyped(word: str, chance: random.Random) -> str:
    """The word with one letter gone, doubled or swapped with the one before it, or without its vowels."""
    if len(word) < SHORTEST_MISTYPED or not word.isalpha():
        return word
    at = chance.randrange(1, len(word) - 1)
    return chance.choice(
        (
            word[:at] + word[at + 1 :],
            word[: at + 1] + word[at:],
            word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :],
            word[0] + "".join(letter for letter in word[1:] if letter.lower() not in "aeiou"),
        )
    )


def scene_of(row: Row) -> tuple[Scene, int]:
    """What a message names, and how many numbers it holds."""
    regions = (row["marketplace"],) if row["marketplace"] else ()
    understood = DETECTOR.understand(row["text"], row["text"], Sender(row["sender"]), regions)
    assert understood is not None
    return understood.scene, len(understood.mentions)


def often(found: Iterable[Iterable[T]]) -> list[T]:
    """What enough messages hold, sorted."""
    return sorted(each for each, count in Counter(e for one in found for e in one).items() if count >= FEWEST_MESSAGES)


def table_of(known: Sequence[Known], concepts: int) -> csr_matrix:
    """A line for each message, as `Opinion.answers` weighs it."""
    lines, columns, values = [], [], []
    for line, each in enumerate(known):
        told = [LETTER_BUCKETS + 2 * number for number in each.concepts]
        told += [at + 1 for at in told] if each.is_seller else []
        columns += each.letters + told
        values += [len(each.letters) ** -0.5] * len(each.letters) + [CONCEPT_VALUE] * len(told)
        lines += [line] * (len(each.letters) + len(told))
    return csr_matrix((values, (lines, columns)), shape=(len(known), LETTER_BUCKETS + 2 * concepts))


def word_hunch_of(rows: Sequence[Row]) -> WordHunch:
    """What the letters of words say for contact, in messages as the prefilter sees them."""
    truth = np.array([any(row[flag] for flag in CONTACT) for row in rows])
    plain = [plainly(row["text"]) for row in rows]
    read = [each is not None for each in plain]  # what is written strangely is looked at anyway
    known = [
        Known([bucket for word in each.spaced.split() for bucket in within_word(word)], [], is_seller=False)
        for each in plain
        if each is not None
    ]
    head = trained("words", table_of(known, 0), truth[read], LOOSENESS_OF_WORDS)
    return WordHunch(head.bias, head.scale, head.least, head.weights)


def hunch_of(rows: Sequence[Row], words: WordHunch) -> Hunch:
    """What concepts that stand together say for contact; a message counts with the language that has most of them."""
    told = [
        (company, row)
        for row in rows
        if (companies := DETECTOR.companies(row["text"]))
        for company in (companies if "talk" in row else [max(companies, key=len)])
    ]
    names = [name for name in often([company for company, _ in told]) if name not in EVERYDAY]
    table = np.array([[name in company for name in names] for company, _ in told], dtype=float)
    truth = np.array([any(row[flag] for flag in CONTACT) for _, row in told])
    fitted = LogisticRegression(max_iter=3_000).fit(table, truth)
    least = float(np.log(WORTH_A_LOOK / (1 - WORTH_A_LOOK)) - fitted.intercept_[0])
    weights = {name: round(float(w), 3) for name, w in zip(names, fitted.coef_[0], strict=True)}
    return Hunch(round(least, 3), weights, words)


def model(looseness: float = LOOSENESS) -> LogisticRegression:
    """The same for every question."""
    return LogisticRegression(C=looseness, max_iter=3_000)


def trained(
    name: str,
    table: csr_matrix,
    truth: Truth,
    looseness: float = LOOSENESS,
    weight: NDArray[np.float64] | None = None,
) -> Head:
    """The head of a yes-or-no question."""
    fitted = model(looseness).fit(table, truth, weight)
    least = float(np.log(LEAST[name] / (1 - LEAST[name])))
    return head_of(name, fitted.intercept_[0], fitted.coef_[0], least)


def reason_heads(table: csr_matrix, reasons: Sequence[str]) -> list[Head]:
    """A head for each reason: the highest score is the answer."""
    fitted = model().fit(table, reasons)
    return [
        head_of(f"reason.{name}", bias, weights, 0.0)
        for name, bias, weights in zip(fitted.classes_, fitted.intercept_, fitted.coef_, strict=True)
    ]


def head_of(name: str, bias: float, weights: NDArray[np.float64], least: float) -> Head:
    """Weights in whole steps, a byte each."""
    scale = float(np.abs(weights).max()) / LARGEST_STEP
    steps = np.round(weights / scale).astype(int) + ZERO
    return Head(name, float(bias), scale, least, bytes(steps.tolist()))


if __name__ == "__main__":
    main()
