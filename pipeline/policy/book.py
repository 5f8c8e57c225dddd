"""The policy book: reads the file, refuses what is wrong by line and field, and finds the version in force."""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from pipeline.errors import SettingsError
from pipeline.faults import Fault
from pipeline.policy.checks import FaultAt, meaning_faults
from pipeline.policy.model import BookFile, Policy
from pipeline.yaml_tree import Place, line_of, parsed, repeated_keys, stands

LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Ten times as fast where PyYAML was built with libyaml; it reads the same."""
SHIPPED = Path(__file__).with_name("shipped.yaml")


@dataclass(frozen=True, slots=True)
class PolicyBook:
    """All versions of the policy, oldest first."""

    policies: tuple[Policy, ...]
    starts_ms: tuple[int, ...]
    max_lead_ms: int
    tick_ms: int
    fingerprint: str
    """16 hexadecimal digits of the file's content: equal books judge equally."""

    def in_force(self, at_ms: int) -> Policy:
        """The version in force at an instant; the oldest one for events before all of them."""
        return self.policies[max(bisect_right(self.starts_ms, at_ms) - 1, 0)]

    @property
    def versions(self) -> str:
        """The versions, oldest first, in words."""
        return ", ".join(policy.version for policy in self.policies)


def load_book(path: Path | None = None) -> PolicyBook:
    """The book in a file, or the shipped one.

    Raises:
        SettingsError: with every fault, one a line.
    """
    file = path or SHIPPED
    book, faults = read_book(file)
    if faults or book is None:
        raise SettingsError("the policy cannot be used:\n" + "\n".join(str(fault) for fault in faults))
    return book


def check_book(path: Path) -> list[Fault]:
    """Every fault of a policy file, by line."""
    return read_book(path)[1]


def read_book(path: Path) -> tuple[PolicyBook | None, list[Fault]]:
    """The book and the faults; no book where a fault leaves it unreadable."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        return None, [Fault(str(path), 0, f"cannot be read ({error.strerror})")]
    except UnicodeDecodeError:
        return None, [Fault(str(path), 0, "is not UTF-8 text")]
    return book_of_text(text, str(path))


def book_of_text(text: str, name: str) -> tuple[PolicyBook | None, list[Fault]]:
    """The book that a text is, and its faults; `name` is how they call it."""
    try:
        tree, content = parsed(text, LOADER)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a date that no calendar has is a ValueError
        mark = getattr(error, "problem_mark", None)
        says = "is not YAML: look at this line and the one before" if mark else "is not YAML that can be read"
        return None, [Fault(name, mark.line + 1 if mark else 0, says)]

    def told(faults: Iterable[FaultAt]) -> list[Fault]:
        return [Fault(name, line_of(tree, place), says, dotted(place)) for place, says in faults]

    if repeated := told(repeated_keys(tree)):
        return None, repeated
    content, unknown = with_inherited(content)
    if unknown:
        return None, told(unknown)
    try:
        book = BookFile.model_validate(content)
    except ValidationError as error:
        return None, told(own_faults(tree, error))
    faults = told(meaning_faults(book))
    return (None, faults) if faults else (made_book(book, text), [])


def made_book(book: BookFile, text: str) -> PolicyBook:
    """The book as it is used."""
    policies = tuple(sorted(book.policies, key=lambda policy: policy.effective_from))
    return PolicyBook(
        policies=policies,
        starts_ms=tuple(round(policy.effective_from.timestamp() * 1000) for policy in policies),
        max_lead_ms=book.max_lead_seconds * 1000,
        tick_ms=book.tick_seconds * 1000,
        fingerprint=hashlib.blake2b(text.encode(), digest_size=8).hexdigest(),
    )


def own_faults(tree: Any, error: ValidationError) -> Iterator[FaultAt]:
    """The faults where they were written: not again in a version that inherits one, nor in what holds it."""
    told: set[FaultAt] = set()
    faults = error.errors(include_input=False, include_url=False, include_context=False)
    for fault in faults:
        place, says = fault["loc"], fault_text(fault["msg"])
        is_of_all = place == ("policies",) and len(faults) > 1
        is_inherited = (place[2:], says) in told and not stands(tree, place)
        told.add((place[2:], says))
        if not is_of_all and not is_inherited:
            yield place, says


def fault_text(message: str) -> str:
    """The validator's words, in the policy owner's."""
    plain = message.removeprefix("Value error, ").replace("Input should be", "wanted")
    return {
        "Field required": "is missing",
        "Extra inputs are not permitted": "is not known here: check the spelling, or remove it",
    }.get(plain, plain)


def dotted(place: Place) -> str:
    """A place as one writes it: `policies.0.rules.threat.points`."""
    return ".".join(map(str, place))


def with_inherited(content: Any) -> tuple[Any, list[FaultAt]]:
    """The book with every version whole: one that is `based_on` an earlier one states only what differs."""
    if not isinstance(content, dict) or not isinstance(content.get("policies"), list):
        return content, []
    whole: dict[str, dict[str, Any]] = {}
    for index, entry in enumerate(content["policies"]):
        if not isinstance(entry, dict):
            return content, []
        parent = entry.get("based_on")
        if str(entry.get("version", index)) in whole:
            return content, [(("policies", index, "version"), "another policy above has the same version: rename one")]
        if parent is not None and str(parent) not in whole:
            return content, [
                (("policies", index, "based_on"), f"wanted the version of a policy above: {', '.join(whole)}")
            ]
        own = {key: value for key, value in entry.items() if key != "based_on"}
        inherited = {key: value for key, value in whole.get(str(parent), {}).items() if key != "effective_to"}
        whole[str(entry.get("version", index))] = merged(inherited, own)
    return content | {"policies": list(whole.values())}, []


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings within mappings are merged; everything else is replaced."""
    both = {
        key: merged(old[key], value) if isinstance(value, dict) and isinstance(old.get(key), dict) else value
        for key, value in new.items()
    }
    return {**old, **both}
