"""What changes from one policy book to another, by meaning: order, comments and layout do not count."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.policy.book import PolicyBook
from pipeline.policy.model import Policy

ABSENT = "nothing"


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs."""

    version: str
    """The version of the policy that it belongs to."""
    field: str
    before: str
    """`nothing` where the old book does not have it."""
    after: str

    @property
    def meaning(self) -> str:
        """What it does to sellers, where the field's kind tells; else empty."""
        rises = as_number(self.after) > as_number(self.before)
        match self.field.split("."):
            case ["rules", _, "points"] | ["overrides", _, "rules", _]:
                return "weighs more against the seller" if rises else "weighs less against the seller"
            case ["rules", _, "floor"]:
                return "changes the mildest verdict beside it"
            case ["verdicts", "questionable" | "violation" as verdict]:
                return f"{'fewer' if rises else 'more'} messages are called {verdict}"
            case ["verdicts", "relief_after_refusal"]:
                return f"good manners excuse {'more' if rises else 'less'} after a refusal"
            case ["ladder", "warning" | "reverification" | "suspension" | "removal" as step]:
                return f"{step} is recommended {'later' if rises else 'sooner'}"
            case ["triggers", _, "false_alarm_rate"]:
                return f"the surge is told {'sooner, with more' if rises else 'later, with fewer'} false alarms"
        return ""

    def __str__(self) -> str:
        """In one line."""
        meaning = self.meaning
        return f"{self.version}: {self.field}: {self.before} -> {self.after}{f' ({meaning})' if meaning else ''}"


def changes(old: PolicyBook, new: PolicyBook) -> list[Change]:
    """Every field that differs, by version, then by name."""
    before, after = by_version(old), by_version(new)
    found = [
        Change("every version", field, str(getattr(old, field)), str(getattr(new, field)))
        for field in ("max_lead_ms", "tick_ms")
        if getattr(old, field) != getattr(new, field)
    ]
    for version in sorted({*before, *after}):
        if version not in before or version not in after:
            kind = (ABSENT, "a new version") if version in after else ("a version", ABSENT)
            found.append(Change(version, "version", *kind))
            continue
        found += [Change(version, *each) for each in differences(before[version], after[version])]
    return found


def as_number(text: str) -> float:
    """A value that may be a number; 0 where it is none."""
    try:
        return float(text)
    except ValueError:
        return 0.0


def by_version(book: PolicyBook) -> dict[str, dict[str, str]]:
    """Each version's fields, flat."""
    return {policy.version: dict(flat(policy)) for policy in book.policies}


def flat(policy: Policy) -> Iterator[tuple[str, str]]:
    """Every leaf of a version: its dotted name and its value in words."""
    return leaves(policy.model_dump(mode="json"), "")


def leaves(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """The leaves below a value; a list of plain values counts as one."""
    if isinstance(value, Mapping) and value:
        for key, below in value.items():
            yield from leaves(below, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
        for index, below in enumerate(value):
            yield from leaves(below, f"{name}.{index}")
    else:
        yield name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def differences(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Field, before and after."""
    for field in sorted({*old, *new}):
        before, after = old.get(field, ABSENT), new.get(field, ABSENT)
        if before != after:
            yield field, before, after
