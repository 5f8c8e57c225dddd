"""Every metric, in one list. docs/metrics.md is made from it.

Counted per batch, never per message: a labelled increment costs about a microsecond. Labels are closed sets, or topic
and partition; a seller, a number or a message id is never one.
"""

import platform
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.process_collector import ProcessCollector

from pipeline.native import is_native

BATCH_BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
LATENCY_BUCKETS_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)
REVIEW_BUCKETS_SECONDS = (
    60.0,
    600.0,
    3_600.0,
    4 * 3_600.0,
    86_400.0,
    2 * 86_400.0,
    3 * 86_400.0,
    7 * 86_400.0,
    14 * 86_400.0,
)
RECOVERY_BUCKETS_SECONDS = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 90.0, 300.0)
BATCH_BUCKETS_RECORDS = (1, 5, 10, 50, 100, 250, 500, 1000, 2000, 5000)

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

# What came in
RECORDS = Counter("ringfence_records_total", "Records read, by topic.", ["topic"], registry=REGISTRY)
DEAD_LETTERS = Counter("ringfence_dead_letters_total", "Records set aside, by reason.", ["reason"], registry=REGISTRY)
MESSAGES_SCANNED = Counter("ringfence_messages_scanned_total", "Messages decoded and scanned.", registry=REGISTRY)
MESSAGES_OF_INTEREST = Counter(
    "ringfence_messages_of_interest_total", "Messages that left a signal.", registry=REGISTRY
)
ORDERS = Counter("ringfence_orders_total", "Order events, by status.", ["status"], registry=REGISTRY)
COMPLAINTS = Counter("ringfence_complaints_total", "Complaints of buyers, by reason.", ["reason"], registry=REGISTRY)
REPORTS = Counter("ringfence_reports_total", "Reports of buyers.", registry=REGISTRY)
VERIFICATIONS = Counter(
    "ringfence_verifications_total",
    "Changes of the platform's check of a seller, by status.",
    ["status"],
    registry=REGISTRY,
)

# What was detected and judged
DETECTIONS = Counter(
    "ringfence_detections_total",
    "Acts detected, by act, channel and language of the message.",
    ["act", "channel", "language"],
    registry=REGISTRY,
)
VERDICTS = Counter(
    "ringfence_verdicts_total", "Messages judged, by verdict and class of risk.", ["verdict", "risk"], registry=REGISTRY
)
RULES = Counter(
    "ringfence_verdict_rules_total",
    "Reasons that weighed in a verdict, by rule.",
    ["rule", "verdict"],
    registry=REGISTRY,
)
ALERTS = Counter(
    "ringfence_alerts_total",
    "Alerts and revisions, by trigger and severity.",
    ["trigger", "severity"],
    registry=REGISTRY,
)
ALERTS_WITHDRAWN = Counter(
    "ringfence_alerts_withdrawn_total",
    "Alerts that late orders left without a ground, by trigger. Many at once: orders reach the service late.",
    ["trigger"],
    registry=REGISTRY,
)
ADVISORIES = Counter(
    "ringfence_advisories_total", "Advisories sent, by audience and code.", ["audience", "code"], registry=REGISTRY
)
MARKET_VERDICTS = Counter(
    "ringfence_market_verdicts_total",
    "Messages judged, by marketplace and verdict.",
    ["marketplace", "verdict"],
    registry=REGISTRY,
)
MARKET_RULES = Counter(
    "ringfence_market_rules_total",
    "Reasons that weighed in a verdict other than permitted, by marketplace and rule.",
    ["marketplace", "rule"],
    registry=REGISTRY,
)
OUTCOMES = Counter("ringfence_outcomes_total", "Decisions of analysts, by verdict.", ["verdict"], registry=REGISTRY)
OUTCOME_ACTIONS = Counter(
    "ringfence_outcome_actions_total",
    "What analysts did with their decision, by action.",
    ["action"],
    registry=REGISTRY,
)
REVIEW_SECONDS = Histogram(
    "ringfence_review_seconds",
    "Event time from the opening of an alert to the analyst's decision that closed it.",
    buckets=REVIEW_BUCKETS_SECONDS,
    registry=REGISTRY,
)
RULE_OUTCOMES = Counter(
    "ringfence_rule_outcomes_total",
    "Analysts' decisions on findings, by rule: confirmed over all is a rule's precision.",
    ["rule", "verdict"],
    registry=REGISTRY,
)
RULE_PRECISION = Gauge(
    "ringfence_rule_precision_ratio",
    "Share of a rule's findings that analysts confirmed since this worker started, with its 95 % interval.",
    ["rule", "bound"],
    registry=REGISTRY,
)
COMPLAINT_RATE = Gauge(
    "ringfence_complaint_ratio", "Complaints over orders placed, since this worker started.", registry=REGISTRY
)
REPORT_RATE = Gauge(
    "ringfence_report_ratio", "Reports of buyers over orders placed, since this worker started.", registry=REGISTRY
)
SHADOW_VERDICTS = Counter(
    "ringfence_shadow_verdicts_total",
    "Messages judged beside, by the candidate's version, the verdict of the policy in force and the candidate's.",
    ["version", "in_force", "candidate"],
    registry=REGISTRY,
)
SHADOW_ALERTS = Counter(
    "ringfence_shadow_alerts_total",
    "Alerts and revisions that the candidate would raise, by its version and trigger.",
    ["version", "trigger"],
    registry=REGISTRY,
)
SHADOW_FAILURES = Counter(
    "ringfence_shadow_failures_total",
    "Batches that the candidate could not judge, by its version and the kind of error.",
    ["version", "error"],
    registry=REGISTRY,
)

# How well it runs
READY = Gauge("ringfence_ready", "1 while events may flow, 0 during a rebalance or recovery.", registry=REGISTRY)
RECOVERY_REMAINING = Gauge(
    "ringfence_recovery_remaining_records", "Records of the changelog that recovery has yet to read.", registry=REGISTRY
)
LAG_RECORDS = Gauge(
    "ringfence_lag_records", "Records between the position and the end.", ["topic", "partition"], registry=REGISTRY
)
LAG_SECONDS = Gauge(
    "ringfence_lag_seconds",
    "Age of the record read last while behind; 0 at the end.",
    ["topic", "partition"],
    registry=REGISTRY,
)
WATERMARK_LAG = Gauge(
    "ringfence_watermark_lag_seconds", "Wall clock minus event time judged last.", ["partition"], registry=REGISTRY
)
BATCH_RECORDS = Histogram(
    "ringfence_batch_records",
    "Records of one batch, by step.",
    ["step"],
    buckets=BATCH_BUCKETS_RECORDS,
    registry=REGISTRY,
)
BATCH_SECONDS = Histogram(
    "ringfence_batch_seconds", "Time of one batch, by step.", ["step"], buckets=BATCH_BUCKETS_SECONDS, registry=REGISTRY
)
ALERT_LATENCY_SECONDS = Histogram(
    "ringfence_alert_latency_seconds",
    "From the event's Kafka timestamp to its alert acknowledged.",
    buckets=LATENCY_BUCKETS_SECONDS,
    registry=REGISTRY,
)
TRANSACTIONS = Counter("ringfence_transactions_total", "Transactions committed, by step.", ["step"], registry=REGISTRY)
TRANSACTION_SECONDS = Histogram(
    "ringfence_transaction_seconds", "Time of one transaction.", buckets=BATCH_BUCKETS_SECONDS, registry=REGISTRY
)
RECOVERY_SECONDS = Histogram(
    "ringfence_recovery_seconds",
    "Time from assignment to a full table.",
    buckets=RECOVERY_BUCKETS_SECONDS,
    registry=REGISTRY,
)
TABLE_ROWS = Gauge(
    "ringfence_table_rows", "Rows of the table, estimated, by partition.", ["partition"], registry=REGISTRY
)
STORE_BYTES = Gauge(
    "ringfence_store_bytes", "Size of the local store on disk, by partition.", ["partition"], registry=REGISTRY
)
OLDEST_UNACKED_SECONDS = Gauge(
    "ringfence_oldest_unacked_seconds", "Age of the oldest batch delivered and not acknowledged.", registry=REGISTRY
)
LOOP_LAG_SECONDS = Gauge("ringfence_loop_lag_seconds", "How late the event loop's watchdog woke up.", registry=REGISTRY)
EXITS = Counter(
    "ringfence_exits_total", "Exits on doubt, by reason; read from the last run's note.", ["reason"], registry=REGISTRY
)
REPEATED_SIGNALS = Counter(
    "ringfence_repeated_signals_total", "Signals skipped because their origin was judged before.", registry=REGISTRY
)
POLICY_CHANGES = Counter(
    "ringfence_policy_changes_total",
    "Policy books taken from the signal log, by partition's reading.",
    registry=REGISTRY,
)
POLICY_INFO = Info("ringfence_policy", "Version and fingerprint of the policy book in force.", registry=REGISTRY)
BUILD_INFO = Info(
    "ringfence_build", "Version of Ringfence and of Python, and whether detection runs compiled.", registry=REGISTRY
)
BUILD_INFO.info(
    {
        "version": version("ringfence"),
        "python": platform.python_version(),
        "native": str(is_native("detection")).lower(),
    }
)


def all_metrics() -> list[MetricWrapperBase]:
    """Every metric of this module, in the order of the source."""
    return [value for value in globals().values() if isinstance(value, MetricWrapperBase)]


def describe_metrics() -> list[tuple[str, str, str, str]]:
    """Every metric as (name, kind, labels, text): the reference is made from it."""
    rows = []
    for metric in all_metrics():
        described = next(iter(metric.describe()))
        name = described.name + {"counter": "_total", "info": "_info"}.get(described.type, "")
        rows.append((name, described.type, ", ".join(metric._labelnames), described.documentation))  # noqa: SLF001 - the library shows label names nowhere else
    return rows
