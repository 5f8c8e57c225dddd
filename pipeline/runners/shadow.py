"""A candidate policy beside the one in force: the same signals, rows of its own, and no alert or advisory.

The candidate's rows lie in the same table under a prefix. A release lets the candidate speak for a share of the
sellers, and the policy in force goes into the shadow there.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import msgspec

from pipeline.kafka.batched import RawRecord
from pipeline.policy.book import PolicyBook
from pipeline.runners.judge import Judge
from pipeline.runners.steps import Counts, JudgeResult, JudgeStep, Keyed, Rows

PREFIX = b"\x01"
"""Of the candidate's rows. No key of the judge begins so."""
FORGOTTEN_ROWS = 1_000
"""Of a candidate that is gone: so many with each batch."""
NO_FINDING = "none"


@dataclass(frozen=True, slots=True)
class Shadow:
    """A candidate policy beside the one in force."""

    book: PolicyBook
    release_ratio: float = 0.0
    """Share of the sellers for whom it speaks."""


class Judged(msgspec.Struct):
    """What of a finding is compared."""

    finding_id: str
    verdict: str


class Triggered(msgspec.Struct):
    """The code of a trigger."""

    code: str


class Alerted(msgspec.Struct):
    """What of an alert is counted."""

    triggers: list[Triggered]
    is_withdrawn: bool = False


decode_finding = msgspec.json.Decoder(Judged).decode
decode_alert = msgspec.json.Decoder(Alerted).decode


class OwnRows:
    """The rows of the policy in force: those of a candidate are not there."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.get = rows.get  # no call between: the hottest of all
        self.keys = rows.keys

    def due(self, until_ms: int) -> Iterator[bytes]:
        """Keys of the rows whose `due_ms` is not after `until_ms`, in the order of (due_ms, key)."""
        return (key for key in self._rows.due(until_ms) if not key.startswith(PREFIX))


class ShadowRows:
    """The rows of the candidate, as if they were alone."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def get(self, key: bytes) -> bytes | None:
        """The row, or `None` when there is none."""
        return self._rows.get(PREFIX + key)

    def due(self, until_ms: int) -> Iterator[bytes]:
        """Keys of the rows whose `due_ms` is not after `until_ms`, in the order of (due_ms, key)."""
        return (key.removeprefix(PREFIX) for key in self._rows.due(until_ms) if key.startswith(PREFIX))

    def keys(self, prefix: bytes) -> Iterator[bytes]:
        """Every key that begins so, in order."""
        return (key.removeprefix(PREFIX) for key in self._rows.keys(PREFIX + prefix))


class Unshadowed:
    """The policy in force alone; forgets the rows of a candidate that was there before."""

    def __init__(self, judge: JudgeStep) -> None:
        self._judge = judge

    def __call__(self, rows: Rows, watermarks: Mapping[str, int], records: Sequence[RawRecord]) -> JudgeResult:
        """Judges a batch."""
        result = self._judge(OwnRows(rows), watermarks, records)
        left = (key for key, _ in zip(rows.keys(PREFIX), range(FORGOTTEN_ROWS), strict=False))
        result.changed |= dict.fromkeys(left)
        return result


class Shadowed:
    """The policy in force with a candidate beside it. Costs twice the judgement and twice the rows."""

    def __init__(self, judge: JudgeStep, candidate: PolicyBook, release_ratio: float = 0.0) -> None:
        self._judge = judge
        self._candidate = Judge(candidate, follows_log=False)
        self._version = candidate.policies[-1].version
        self._release_ratio = release_ratio

    def __call__(self, rows: Rows, watermarks: Mapping[str, int], records: Sequence[RawRecord]) -> JudgeResult:
        """Judges a batch under both; what the candidate says of sellers not released goes to the shadow alone."""
        result = self._judge(OwnRows(rows), watermarks, records)
        try:
            shadow = self._candidate(ShadowRows(rows), watermarks, records)
        except Exception as error:  # noqa: BLE001 - the candidate misses this batch, the policy in force does not
            result.counts["ringfence_shadow_failures_total", self._version, type(error).__name__] += 1
            return result
        result.changed |= {PREFIX + key: row for key, row in shadow.changed.items()}
        result.counts += compared(self._version, result, shadow)
        release(result, shadow, self._release_ratio)
        return result


def release(result: JudgeResult, shadow: JudgeResult, ratio: float) -> None:
    """Lets the candidate speak for the released sellers; what is not said aloud goes into `result.shadow`."""
    for name, kind in (("findings", b"finding"), ("alerts", b"alert")):
        in_force: list[Keyed] = getattr(result, name)
        candidate: list[Keyed] = getattr(shadow, name)
        said, unsaid = parted(in_force, candidate, ratio)
        setattr(result, name, said)
        result.shadow += [(key, b'{"' + kind + b'":' + value + b"}") for key, value in unsaid]
    result.advisories = parted(result.advisories, shadow.advisories, ratio)[0]


def parted(in_force: list[Keyed], candidate: list[Keyed], ratio: float) -> tuple[list[Keyed], list[Keyed]]:
    """What is said aloud, and what is not."""
    said = [each for each in in_force if not is_released(each[0], ratio)]
    said += [each for each in candidate if is_released(each[0], ratio)]
    unsaid = [each for each in candidate if not is_released(each[0], ratio)]
    unsaid += [each for each in in_force if is_released(each[0], ratio)]
    return said, unsaid


def is_released(seller: bytes | None, ratio: float) -> bool:
    """Whether the candidate speaks for the seller: the same answer everywhere, and for good while the ratio grows."""
    if ratio <= 0.0 or seller is None:
        return False
    return int.from_bytes(blake2b(seller, digest_size=8).digest()) < ratio * 2**64


def compared(version: str, result: JudgeResult, shadow: JudgeResult) -> Counts:
    """Verdicts under both, message by message, and the candidate's triggers."""
    counts: Counts = Counter()
    in_force, candidate = verdicts(result.findings), verdicts(shadow.findings)
    for finding_id in sorted(in_force | candidate):
        before, after = in_force.get(finding_id, NO_FINDING), candidate.get(finding_id, NO_FINDING)
        counts["ringfence_shadow_verdicts_total", version, before, after] += 1
    for alert in (decode_alert(value) for _, value in shadow.alerts):
        for trigger in () if alert.is_withdrawn else alert.triggers:
            counts["ringfence_shadow_alerts_total", version, trigger.code] += 1
    return counts


def verdicts(findings: list[Keyed]) -> dict[str, str]:
    """By finding; the last revision of the batch holds."""
    decoded = (decode_finding(value) for _, value in findings)
    return {each.finding_id: each.verdict for each in decoded}
