"""The judge step: signals in, changed rows and effects out. Worker and replay share it."""

from collections.abc import Mapping, Sequence

import msgspec
from pydantic import ValidationError

from pipeline.detection.collector import collector_paused
from pipeline.errors import RecordError, StateError
from pipeline.judgement.fold import fold
from pipeline.judgement.plain_orders import PlainOrder, plain_order
from pipeline.judgement.rows import POLICY_KEY, PolicyRow
from pipeline.judgement.state import State
from pipeline.kafka.batched import RawRecord
from pipeline.kafka.dead_letters import outgoing
from pipeline.policy.book import PolicyBook, book_of_text
from pipeline.runners.steps import Counts, JudgeResult, Keyed, Rows
from schemas.outputs import Advisory, Alert, Finding
from schemas.signals import ContactPushed, PolicyChanged, Signal, SignalAdapter
from schemas.vocabulary import Verdict

KEPT_BOOKS = 4
decode_policy = msgspec.json.Decoder(PolicyRow).decode
decode_signal = SignalAdapter.validator.validate_json


class Judge:
    """Folds batches of signals, under the policy book that the log said last, or else the one given.

    A book in the log holds from its offset on; the partition's row remembers it. What is replayed under another policy
    does not follow the log.
    """

    def __init__(self, book: PolicyBook, *, follows_log: bool = True) -> None:
        self._book = book
        self._follows_log = follows_log
        self._parsed: dict[str, PolicyBook] = {}

    def __call__(self, rows: Rows, watermarks: Mapping[str, int], records: Sequence[RawRecord]) -> JudgeResult:
        """What the signals of one partition make of the rows; an origin that was judged before is skipped."""
        with collector_paused():
            return self._judge(rows, watermarks, records)

    def _judge(self, rows: Rows, watermarks: Mapping[str, int], records: Sequence[RawRecord]) -> JudgeResult:
        result = JudgeResult()
        state = State(rows)
        book = self._book_of(rows)
        for record in records:
            try:
                value = record.value or b""
                signal = plain_order(value) or decode_signal(value)
            except ValidationError:
                error = RecordError("bad_signal", f"{record.topic}[{record.partition}]@{record.offset}: is no signal")
                result.dead_letters.append(outgoing(record, error))
                result.counts["ringfence_dead_letters_total", error.reason] += 1
                continue
            if not self._is_new(signal, watermarks, result):
                continue
            if isinstance(signal, PolicyChanged):
                if not self._follows_log:
                    continue
                book = self._book_of_text(signal.book)
                result.counts["ringfence_policy_changes_total",] += 1
            state.position = record.partition, record.offset
            self._fold(book, state, signal, result)
        result.changed = state.changes()
        result.findings = [keyed(each) for each in state.findings]
        result.alerts = [keyed(each) for each in state.alerts]
        result.advisories = [keyed(each) for each in state.advisories]
        result.signals = [keyed_signal(each) for each in state.signals]
        result.review_times_ms = state.review_times_ms
        result.policy = {"versions": book.versions, "fingerprint": book.fingerprint}
        count_effects(result.counts, state)
        return result

    def _is_new(self, signal: Signal | PlainOrder, watermarks: Mapping[str, int], result: JudgeResult) -> bool:
        origin = signal.origin
        place = f"{origin.topic}:{origin.partition}" + (f":{origin.log}" if origin.log else "")
        if origin.offset < result.watermarks.get(place, watermarks.get(place, 0)):
            result.counts["ringfence_repeated_signals_total",] += 1
            return False
        result.watermarks[place] = origin.offset + 1
        return True

    def _book_of(self, rows: Rows) -> PolicyBook:
        stored = rows.get(POLICY_KEY) if self._follows_log else None
        return self._book if stored is None else self._book_of_text(decode_policy(stored).book)

    def _book_of_text(self, text: str) -> PolicyBook:
        if text not in self._parsed:
            book, faults = book_of_text(text, "book")
            if book is None:
                raise StateError(f"a policy book in the signal log has faults: {faults[0]}")
            self._parsed = dict([*self._parsed.items(), (text, book)][-KEPT_BOOKS:])
        return self._parsed[text]

    def _fold(self, book: PolicyBook, state: State, signal: Signal | PlainOrder, result: JudgeResult) -> None:
        alerts = len(state.alerts)
        fold(book, state, signal)
        result.judged_to_ms = signal.at_ms
        result.alert_arrivals_ms += [signal.arrived_at_ms] * (len(state.alerts) - alerts)


def keyed(effect: Finding | Alert | Advisory) -> Keyed:
    """An effect's record, keyed by seller like everything of ours."""
    return effect.seller_id.encode(), effect.__pydantic_serializer__.to_json(effect)


def keyed_signal(signal: Signal) -> Keyed:
    """The record of a signal that the judge adds to the log: one about a contact goes where the contact's row is."""
    key = signal.contact if isinstance(signal, ContactPushed) else signal.seller_id
    return key.encode(), signal.__pydantic_serializer__.to_json(signal)


def count_effects(counts: Counts, state: State) -> None:
    """Notes what the batch caused."""
    for finding in state.findings:
        counts["ringfence_verdicts_total", finding.verdict, finding.risk] += 1
        market = finding.marketplace or "unknown"
        counts["ringfence_market_verdicts_total", market, finding.verdict] += 1
        for reason in finding.reasons:
            counts["ringfence_verdict_rules_total", reason.code, finding.verdict] += 1
            if finding.verdict is not Verdict.PERMITTED:
                counts["ringfence_market_rules_total", market, reason.code] += 1
    for alert in state.alerts:
        for trigger in alert.triggers:
            if alert.is_withdrawn:
                counts["ringfence_alerts_withdrawn_total", trigger.code] += 1
            else:
                counts["ringfence_alerts_total", trigger.code, alert.severity] += 1
    for (rule, decided), times in state.confirmed.items():
        counts["ringfence_rule_outcomes_total", rule, decided] += times
    for advisory in state.advisories:
        counts["ringfence_advisories_total", advisory.audience, advisory.code] += 1
