"""How well the detector reads the corpus: precision and recall by language, technique and field.

    python -m tests.corpus.measure                                every language, both parts
    python -m tests.corpus.measure --language de --part seen --show-errors

Texts of the part put aside are never shown.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.detection.report import as_detect_line
from pipeline.detection.shipped import shipped_detector
from schemas.vocabulary import Sender

CORPUS = Path(__file__).parent
SEEN, UNSEEN = "seen", "unseen"
CONTACT = ("solicits", "shares_contact")
FLAGS = ("discloses", "refuses", "consent_sought", "alternative_offered", "pressure", "harassment")
MAX_SHOWN = 200

Row = dict[str, Any]
Answer = dict[str, Any]
Answers = Callable[[Row], Answer]


@dataclass(slots=True)
class Score:
    """Counts of one yes-or-no question."""

    hits: int = 0
    false_alarms: int = 0
    misses: int = 0

    @property
    def precision(self) -> float | None:
        """Share of the yeses that are right; `None` where there was no yes."""
        said = self.hits + self.false_alarms
        return self.hits / said if said else None

    @property
    def recall(self) -> float | None:
        """Share of the rights that were found; `None` where there was nothing to find."""
        there = self.hits + self.misses
        return self.hits / there if there else None

    def note(self, *, said: bool, is_so: bool) -> bool:
        """Counts one answer; whether it was right."""
        self.hits += said and is_so
        self.false_alarms += said and not is_so
        self.misses += is_so and not said
        return said == is_so

    def __add__(self, other: "Score") -> "Score":
        return Score(self.hits + other.hits, self.false_alarms + other.false_alarms, self.misses + other.misses)


@dataclass(frozen=True, slots=True)
class Error:
    """One wrong answer about one message."""

    field: str
    row: Row
    said: Any
    wanted: Any


@dataclass(slots=True)
class Figures:
    """What was counted over some messages."""

    rows: int = 0
    scores: dict[str, Score] = field(default_factory=lambda: defaultdict(Score))
    techniques: dict[str, Score] = field(default_factory=lambda: defaultdict(Score))
    """Requests and shares hidden so, found or missed."""
    purposes: dict[str, Score] = field(default_factory=lambda: defaultdict(Score))
    errors: list[Error] = field(default_factory=list)

    def note(self, name: str, row: Row, *, said: Any, wanted: Any) -> None:
        """Counts a yes-or-no answer and keeps it if it is wrong."""
        if not self.scores[name].note(said=bool(said), is_so=bool(wanted)):
            self.errors.append(Error(name, row, said, wanted))


def rows_of(part: str, languages: Sequence[str] = ()) -> list[Row]:
    """The messages of one part, by language."""
    paths = sorted((CORPUS / part).glob("*.jsonl"))
    chosen = [path for path in paths if not languages or path.stem in languages]
    return [json.loads(line) for path in chosen for line in path.read_text(encoding="utf-8").splitlines()]


def chatter_rows(part: str) -> list[Row]:
    """Everyday talk on a marketplace, each line from either side."""
    lines = (CORPUS / part / "chatter.txt").read_text(encoding="utf-8").splitlines()
    return [_honest(text, sender, "chatter") for text in lines for sender in Sender]


def service_rows(part: str) -> list[Row]:
    """Public customer service that asks for no contact and pushes none: language, side (S or B) and text a line."""
    lines = (CORPUS / part / "service.txt").read_text(encoding="utf-8").splitlines()
    sides = {"S": Sender.SELLER, "B": Sender.BUYER}
    return [_honest(text, sides[side], "service") for _, side, text in (line.split("\t") for line in lines)]


def _honest(text: str, sender: Sender, talk: str) -> Row:
    return {"text": text, "sender": sender, "talk": talk, "marketplace": None} | dict.fromkeys(CONTACT, False)


def taken_for_contact(rows: Sequence[Row], answers: Answers) -> float:
    """The share of honest rows that are said to ask for contact or push one."""
    return sum(is_contact(answers(row)) for row in rows) / len(rows)


def languages_of(part: str) -> list[str]:
    """The languages that have messages."""
    return sorted(path.stem for path in (CORPUS / part).glob("*.jsonl"))


def detector_answers(*, has_opinion: bool = True) -> Answers:
    """What this detector says of a row, with the packs of all languages and no hint at the row's own."""
    detector = shipped_detector(has_opinion=has_opinion)

    def answer(row: Row) -> Answer:
        regions = (row["marketplace"],) if row["marketplace"] else ()
        return as_detect_line(row.get("id", ""), detector.detect(row["text"], Sender(row["sender"]), regions))

    return answer


def is_contact(answer: Answer) -> bool:
    """Whether it asks for contact or pushes one."""
    return bool(answer["solicits"] or answer["shares_contact"])


def is_hard_negative(row: Row) -> bool:
    """A message that does nothing about contact."""
    return not any(row[name] for name in ("solicits", "shares_contact", "discloses", "refuses"))


def figures_of(rows: Iterable[Row], answers: Answers) -> Figures:
    """All counts over the rows."""
    figures = Figures()
    for row in rows:
        figures.rows += 1
        _count(figures, row, answers(row))
    return figures


def _count(figures: Figures, row: Row, answer: Answer) -> None:
    said, wanted = is_contact(answer), is_contact(row)
    figures.note("contact", row, said=said, wanted=wanted)
    for name in ("solicits", "shares_contact", *FLAGS):
        figures.note(name, row, said=answer[name], wanted=row[name])
    if is_hard_negative(row):
        figures.scores["negatives"].note(said=not said, is_so=True)
    if row["obfuscated"] and wanted:
        figures.scores["hidden"].note(said=said, is_so=True)
        for technique in row["techniques"]:
            figures.techniques[technique].note(said=said, is_so=True)
    elif said and answer["obfuscated"] and not wanted:
        figures.scores["hidden"].note(said=True, is_so=False)
    figures.note("obfuscated", row, said=answer["obfuscated"], wanted=row["obfuscated"])
    _count_numbers(figures, row, answer)
    if said and wanted:
        figures.purposes[row["purpose"]].note(said=answer["purpose"] == row["purpose"], is_so=True)
        for name in ("purpose", "channel"):
            figures.scores[name].note(said=answer[name] == row[name], is_so=True)
            if answer[name] != row[name]:
                figures.errors.append(Error(name, row, answer[name], row[name]))


def _count_numbers(figures: Figures, row: Row, answer: Answer) -> None:
    name = "numbers_hidden" if row["obfuscated"] else "numbers_plain"
    found, there = set(answer["numbers"]), set(row["numbers"])
    figures.scores[name] += Score(len(found & there), len(found - there), len(there - found))
    if found != there:
        figures.errors.append(Error(name, row, sorted(found), sorted(there)))


COLUMNS = ("contact", "hidden", "obfuscated", "numbers_plain", "numbers_hidden", *FLAGS)
SHARES = ("negatives", "purpose", "channel")


def _percent(value: float | None) -> str:
    return "  –" if value is None else f"{100 * value:3.0f}"


def table_lines(by_name: dict[str, Figures]) -> Iterator[str]:
    """Precision/recall for each line; the last columns are shares of right answers."""
    heads = " ".join(f"{name[:11]:>11}" for name in COLUMNS)
    yield f"{'':10} rows {heads} " + " ".join(f"{name[:9]:>9}" for name in SHARES)
    for name, figures in by_name.items():
        cells = []
        for column in COLUMNS:
            score = figures.scores[column]
            cells.append(f"{_percent(score.precision) + ' /' + _percent(score.recall):>11}")
        rights = [f"{_percent(figures.scores[share].recall):>9}" for share in SHARES]
        yield f"{name:10} {figures.rows:4} {' '.join(cells)} {' '.join(rights)}"


def merged(all_figures: Iterable[Figures]) -> Figures:
    """The counts of several groups together."""
    total = Figures()
    for figures in all_figures:
        total.rows += figures.rows
        for name in ("scores", "techniques", "purposes"):
            for key, score in getattr(figures, name).items():
                getattr(total, name)[key] += score
    return total


def measured(part: str, languages: Sequence[str], answers: Answers) -> dict[str, Figures]:
    """Figures by language."""
    chosen = [language for language in languages_of(part) if not languages or language in languages]
    return {language: figures_of(rows_of(part, [language]), answers) for language in chosen}


def error_lines(errors: Iterable[Error], fields: Sequence[str]) -> Iterator[str]:
    """Each wrong answer with its message, by field."""
    shown = [error for error in errors if not fields or error.field in fields]
    for error in sorted(shown, key=lambda error: error.field)[:MAX_SHOWN]:
        row = error.row
        about = f"{row['sender']} {row['id']} {','.join(row['techniques'])}"
        yield f"{error.field}: said {error.said!r}, is {error.wanted!r} [{about}]"
        yield f"    {row['text']!r}"


def report_lines(part: str, by_language: dict[str, Figures], *, with_techniques: bool) -> Iterator[str]:
    """The table of one part."""
    yield f"{part}: precision / recall in percent"
    yield from table_lines(by_language)
    if with_techniques:
        for technique, score in sorted(merged(by_language.values()).techniques.items()):
            yield f"  {technique:16} {_percent(score.recall)} % of {score.hits + score.misses}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--language", action="append", default=[])
    parser.add_argument("--part", choices=[SEEN, UNSEEN])
    parser.add_argument("--show-errors", action="store_true", help="of the seen part")
    parser.add_argument("--field", action="append", default=[], help="errors of this field alone")
    parser.add_argument("--no-opinion", action="store_true", help="without the learned second opinion")
    parser.add_argument("--techniques", action="store_true", help="how many hidden ones were found, by trick")
    chosen = parser.parse_args()
    answers = detector_answers(has_opinion=not chosen.no_opinion)
    for part in [chosen.part] if chosen.part else [SEEN, UNSEEN]:
        by_language = measured(part, chosen.language, answers)
        shown = dict(by_language)
        if len(shown) > 1:
            shown["all"] = merged(by_language.values())
        lines = list(report_lines(part, shown, with_techniques=chosen.techniques))
        if chosen.show_errors and part == SEEN:
            lines += error_lines((error for figures in by_language.values() for error in figures.errors), chosen.field)
        sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
