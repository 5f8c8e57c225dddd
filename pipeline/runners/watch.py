"""Alerts as they come, in words that an analyst understands, and now and then how the worker is doing."""

import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field

from kafka import KafkaConsumer
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from pipeline.kafka.client import Connection
from pipeline.kafka.topics import Output, TopicNames
from schemas.outputs import Alert
from schemas.vocabulary import Severity

COLOUR = {Severity.LOW: "cyan", Severity.MEDIUM: "yellow", Severity.HIGH: "red", Severity.CRITICAL: "bold red"}
POLL_MS = 250


def watch(
    connection: Connection, names: TopicNames, metrics_url: str, console: Console, *, is_over: Callable[[], bool]
) -> int:
    """Prints each alert of the topic from now on until `is_over`; how many there were comes back."""
    consumer = KafkaConsumer(
        names.of(Output.ALERTS),
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        enable_auto_commit=False,
        **connection.for_kafka_python(),
    )
    rates = Rates(metrics_url)
    alerts = 0
    try:
        while not is_over():
            for records in consumer.poll(timeout_ms=POLL_MS).values():
                for record in records:
                    alerts += 1
                    console.print(alert_panel(Alert.model_validate_json(record.value)))
            if line := rates.line_when_due():
                console.print(line, style="dim", highlight=False)
    finally:
        consumer.close()
    return alerts


def alert_panel(alert: Alert) -> Panel:
    """One revision of an alert: who, why with figures, what to do and until when."""
    body = Table.grid(padding=(0, 2))
    body.add_column(style="dim", no_wrap=True)
    body.add_column(overflow="fold")
    for trigger in alert.triggers:
        figures = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in trigger.figures.items())
        body.add_row("because", Text(f"{trigger.code.replace('_', ' ')} ({figures})"))
    for reason in alert.reasons:
        body.add_row("", Text(reason))
    body.add_row(
        "findings", f"{len(alert.finding_ids)} on file, newest {alert.finding_ids[-1]}" if alert.finding_ids else "none"
    )
    what, to_do = standing(alert)
    body.add_row("to do", to_do)
    place = f" ({alert.marketplace})" if alert.marketplace else ""
    title = Text.assemble(
        (f"{alert.severity.upper()} ", COLOUR[alert.severity]), f"seller {alert.seller_id}{place}, {what}"
    )
    return Panel(
        Group(body),
        title=title,
        title_align="left",
        subtitle=f"{alert.alert_id} · priority {alert.priority}",
        subtitle_align="right",
        border_style=COLOUR[alert.severity].removeprefix("bold "),
    )


def standing(alert: Alert) -> tuple[str, str]:
    """What this revision is, and what it asks for."""
    if alert.is_withdrawn:
        return "withdrawn", "nothing: orders that came late show that it was permitted"
    if alert.is_closed:
        return "closed", "nothing more: it was decided"
    to_do = f"{alert.recommended_action}, review by {alert.due_at:%Y-%m-%d %H:%M} UTC"
    return f"revision {alert.revision}" if alert.revision else "new alert", to_do


@dataclass(slots=True)
class Rates:
    """What the worker's counters did since the last look."""

    metrics_url: str
    interval_seconds: float = 5.0
    looked_at_seconds: float = field(default_factory=time.monotonic)
    totals: dict[str, float] = field(default_factory=dict)

    def line_when_due(self) -> str | None:
        """A line of rates once an interval, `None` in between."""
        elapsed = time.monotonic() - self.looked_at_seconds
        if elapsed < self.interval_seconds:
            return None
        before, self.totals = self.totals, scraped_totals(self.metrics_url)
        self.looked_at_seconds += elapsed
        if not self.totals:
            return f"no answer from {self.metrics_url}"
        scanned = self.totals.get("ringfence_messages_scanned", 0.0)
        per_second = (scanned - before.get("ringfence_messages_scanned", 0.0)) / elapsed
        return (
            f"{per_second:,.0f} messages/s, {scanned:,.0f} in all: "
            f"{self.totals.get('ringfence_messages_of_interest', 0):,.0f} of interest, "
            f"{self.totals.get('ringfence_verdicts', 0):,.0f} judged, "
            f"{self.totals.get('ringfence_dead_letters', 0):,.0f} dead letters"
        )


def scraped_totals(metrics_url: str) -> dict[str, float]:
    """Each metric family summed over its labels; empty when the worker does not answer."""
    try:
        with urllib.request.urlopen(metrics_url, timeout=2.0) as answer:  # noqa: S310 - the operator's own address
            page = answer.read().decode()
    except OSError:
        return {}
    return {
        family.name: sum(sample.value for sample in family.samples if not sample.name.endswith("_created"))
        for family in text_string_to_metric_families(page)
    }
