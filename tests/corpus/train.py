"""Trains the second opinion on the seen part of the corpus and writes its weights into the package.

    python -m tests.corpus.train

The same corpus, packs and libraries give the same file. What it adds is told by `make quality`.
"""

import sys
from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from pipeline.detection.opinion import CONCEPT_VALUE, LETTER_BUCKETS, ZERO, Head, Weights, letters_of, named
from pipeline.detection.shipped import OPINION, shipped_detector
from schemas.vocabulary import Sender
from tests.corpus.measure import SEEN, Row, rows_of

LOOSENESS = 16.0
"""Inverse strength of the L2 penalty."""
FEWEST_MESSAGES = 3
"""That name a concept, for it to get weights."""
LARGEST_STEP = 127
FLAGS = {"request": "solicits", "share": "shares_contact", "refuse": "refuses", "consent_sought": "consent_sought",
         "alternative_offered": "alternative_offered", "urgency": "pressure"}  # fmt: skip
LEAST = {
    "request": 0.75,
    "share": 0.75,
    "refuse": 0.7,
    "consent_sought": 0.3,
    "alternative_offered": 0.3,
    "urgency": 0.3,
}
"""Probability from which the answer is yes: what only colours an act is worth a guess, an act is not."""
Truth = NDArray[np.bool_]


def main() -> None:
    """Trains, writes and tells the size."""
    rows = rows_of(SEEN)
    letters, names = features_of(rows)
    concepts = sorted(
        name for name, count in Counter(n for each in names for n in each).items() if count >= FEWEST_MESSAGES
    )
    table = table_of(rows, letters, names, concepts)
    heads = [trained(name, table, np.array([row[flag] for row in rows])) for name, flag in FLAGS.items()]
    is_contact = np.array([row["solicits"] or row["shares_contact"] for row in rows])
    heads += reason_heads(
        table[is_contact], [row["purpose"] for row in rows if row["solicits"] or row["shares_contact"]]
    )
    OPINION.write_bytes(msgspec.msgpack.encode(Weights(tuple(concepts), tuple(heads))))
    sys.stdout.write(
        f"{OPINION.name}: {len(rows)} messages, {len(concepts)} concepts, {OPINION.stat().st_size:,} bytes\n"
    )


def features_of(rows: Sequence[Row]) -> tuple[list[list[int]], list[list[str]]]:
    """Buckets of letters and names of concepts, by message."""
    detector = shipped_detector(has_opinion=False)
    letters, names = [], []
    for row in rows:
        regions = (row["marketplace"],) if row["marketplace"] else ()
        understood = detector.understand(row["text"], row["text"], Sender(row["sender"]), regions)
        assert understood is not None
        letters.append([bucket for sentence in letters_of(understood.scene) for bucket in sentence])
        names.append(named(understood.scene, len(understood.mentions)))
    return letters, names


def table_of(rows: Sequence[Row], letters: list[list[int]], names: list[list[str]], concepts: list[str]) -> csr_matrix:
    """A line for each message, as `Opinion.score` weighs it."""
    place = {name: LETTER_BUCKETS + 2 * at for at, name in enumerate(concepts)}
    lines, columns, values = [], [], []
    for line, row in enumerate(rows):
        told = [place[name] for name in names[line] if name in place]
        told += [at + 1 for at in told] if row["sender"] == Sender.SELLER else []
        columns += letters[line] + told
        values += [len(letters[line]) ** -0.5] * len(letters[line]) + [CONCEPT_VALUE] * len(told)
        lines += [line] * (len(letters[line]) + len(told))
    return csr_matrix((values, (lines, columns)), shape=(len(rows), LETTER_BUCKETS + 2 * len(concepts)))


def model() -> LogisticRegression:
    """The same for every question."""
    return LogisticRegression(C=LOOSENESS, max_iter=3_000)


def trained(name: str, table: csr_matrix, truth: Truth) -> Head:
    """The head of a yes-or-no question."""
    fitted = model().fit(table, truth)
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
