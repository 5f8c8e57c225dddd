"""How often each rule weighed in a recording, and how often analysts agreed: `ringfence rules report`."""

from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field

from pipeline.kafka.recordings import Recording
from pipeline.policy.book import PolicyBook
from pipeline.runners.judging import Judging, Place
from pipeline.runners.precision import DECIDED, WEIGHED, RuleRecord, rule_record
from pipeline.runners.replay import run
from pipeline.runners.scan import Scan
from pipeline.runners.steps import Counts, JudgeResult, Progress
from schemas.outputs import DeadLetter


@dataclass(slots=True)
class Counting:
    """Hears what a replay makes, and keeps the counts."""

    counts: Counts = field(default_factory=Counter)

    def judged(self, place: Place, result: JudgeResult) -> None:  # noqa: ARG002 - they come in their order
        """What a signal came to."""
        self.counts.update(result.counts)

    def set_aside(self, letter: DeadLetter) -> None:
        """No rule weighs in a record that could not be used."""


def rules_of_recording(
    recording: Recording, book: PolicyBook, scan: Scan, progress: Progress = lambda _: None
) -> list[RuleRecord]:
    """Every rule that weighed in the recording under the policy, those that analysts agreed with least first."""
    counting = Counting()
    with closing(Judging(book, counting, follows_log=True)) as judging:
        run(recording, scan, judging, counting, progress)
    rules = sorted({name[1] for name in counting.counts if name[0] in {WEIGHED, DECIDED}})
    records = [rule_record(rule, counting.counts) for rule in rules]
    return sorted(records, key=lambda each: (each.high, each.low, each.rule))
