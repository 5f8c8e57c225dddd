"""Makes the dashboards: `python deploy/grafana/build.py` writes deploy/grafana/dashboards; a test compares.

Every query is proven on a real Prometheus that has scraped a real worker (tests/broker/test_dashboards.py).
"""

from dataclasses import dataclass
from pathlib import Path

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DataSourceRef, VariableRefresh

DASHBOARDS = Path(__file__).parent / "dashboards"
SOURCE = DataSourceRef(type_val="prometheus", uid="prometheus")
HEIGHT, THIRD, HALF, FULL = 8, 8, 12, 24
ACCUSED = 'verdict=~"questionable|violation"'


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture: what it shows, why one looks at it, and the queries with their legends."""

    title: str
    why: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"
    span: int = HALF
    is_figure: bool = False
    """One number for the present, no curve."""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard. `variables` are labels to choose by: name, and the query for its values."""

    uid: str
    title: str
    about: str
    since: str
    rows: tuple[Row, ...]
    variables: tuple[tuple[str, str], ...] = ()


PLATFORM_SAFETY = Board(
    "platform-safety",
    "Ringfence: platform safety",
    "How safe the marketplace's messages are, for the people who answer for it.",
    "now-7d",
    (
        Row(
            "Today",
            (
                Panel(
                    "Solicitations per 10,000 orders",
                    "Messages found questionable or a violation, against orders placed, over the last day.",
                    (
                        (
                            (
                                f"1e4 * sum(increase(ringfence_verdicts_total{{{ACCUSED}}}[1d]))"
                                ' / sum(increase(ringfence_orders_total{status="placed"}[1d]))'
                            ),
                            "",
                        ),
                    ),
                    span=THIRD,
                    is_figure=True,
                ),
                Panel(
                    "Share permitted",
                    "Of all requests for contact, how many had a reason that the policy accepts.",
                    (
                        (
                            (
                                'sum(increase(ringfence_verdicts_total{verdict="permitted"}[1d]))'
                                " / sum(increase(ringfence_verdicts_total[1d]))"
                            ),
                            "",
                        ),
                    ),
                    "percentunit",
                    THIRD,
                    is_figure=True,
                ),
                Panel(
                    "Half of all alerts are decided within",
                    "Median time from an alert's opening to the analyst's decision, over the last week.",
                    (
                        (
                            "histogram_quantile(0.5, sum by (le) (increase(ringfence_review_seconds_bucket[7d])))",
                            "",
                        ),
                    ),
                    "s",
                    THIRD,
                    is_figure=True,
                ),
            ),
        ),
        Row(
            "What sellers do",
            (
                Panel(
                    "Solicitations per 10,000 orders, over time",
                    "Rises with a campaign; compare with the risk beside it.",
                    (
                        (
                            (
                                f"1e4 * sum(rate(ringfence_verdicts_total{{{ACCUSED}}}[$__rate_interval]))"
                                ' / sum(rate(ringfence_orders_total{status="placed"}[$__rate_interval]))'
                            ),
                            "per 10,000 orders",
                        ),
                    ),
                ),
                Panel(
                    "By class of risk",
                    "Findings a minute that are not permitted. Phishing and harassment first.",
                    (
                        (
                            f"60 * sum by (risk) (rate(ringfence_verdicts_total{{{ACCUSED}}}[$__rate_interval]))",
                            "{{risk}}",
                        ),
                    ),
                ),
                Panel(
                    "Verdicts",
                    "All requests for contact, a minute: what was permitted shows what the exemptions let through.",
                    (("60 * sum by (verdict) (rate(ringfence_verdicts_total[$__rate_interval]))", "{{verdict}}"),),
                ),
                Panel(
                    "Languages",
                    "Acts detected a minute. A language that vanishes is a pack that broke.",
                    (
                        (
                            "topk(8, 60 * sum by (language) (rate(ringfence_detections_total[$__rate_interval])))",
                            "{{language}}",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            "What buyers say",
            (
                Panel(
                    "Reports and complaints",
                    "Buyers' own words, a minute.",
                    (
                        ("60 * sum(rate(ringfence_reports_total[$__rate_interval]))", "reports"),
                        (
                            "60 * sum by (reason) (rate(ringfence_complaints_total[$__rate_interval]))",
                            "complaint: {{reason}}",
                        ),
                    ),
                ),
                Panel(
                    "Reports per 10,000 orders",
                    "The same against the trade, over a day.",
                    (
                        (
                            (
                                "1e4 * sum(increase(ringfence_reports_total[1d]))"
                                ' / sum(increase(ringfence_orders_total{status="placed"}[1d]))'
                            ),
                            "reports",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            "What we do",
            (
                Panel(
                    "Alerts, by trigger",
                    "Alerts and revisions an hour; withdrawn: late orders showed that what it rested on was permitted.",
                    (
                        ("sum by (trigger) (increase(ringfence_alerts_total[1h]))", "{{trigger}}"),
                        ("sum(increase(ringfence_alerts_withdrawn_total[1h])) or vector(0)", "withdrawn"),
                    ),
                ),
                Panel(
                    "Decisions",
                    "What analysts did, an hour. `reverified`: the seller showed its papers again.",
                    (
                        ("sum by (action) (increase(ringfence_outcome_actions_total[1h]))", "{{action}}"),
                        ("sum by (verdict) (increase(ringfence_outcomes_total[1h]))", "{{verdict}}"),
                    ),
                ),
                Panel(
                    "Verifications",
                    "Changes of the platform's own check of sellers, an hour.",
                    (("sum by (status) (increase(ringfence_verifications_total[1h]))", "{{status}}"),),
                ),
                Panel(
                    "Time to decision",
                    "From an alert's opening to its end: half and nine tenths of them.",
                    (
                        ("histogram_quantile(0.5, sum by (le) (rate(ringfence_review_seconds_bucket[1d])))", "half"),
                        ("histogram_quantile(0.9, sum by (le) (rate(ringfence_review_seconds_bucket[1d])))", "9 of 10"),
                    ),
                    "s",
                ),
                Panel(
                    "Precision",
                    "Of the findings that analysts decided on, how many they confirmed, over seven days.",
                    (
                        (
                            (
                                'sum(increase(ringfence_rule_outcomes_total{verdict="confirmed"}[7d]))'
                                " / sum(increase(ringfence_rule_outcomes_total[7d]))"
                            ),
                            "confirmed",
                        ),
                    ),
                    "percentunit",
                ),
                Panel(
                    "Advisories",
                    "What buyers were warned of and sellers told, an hour.",
                    (("sum by (audience) (increase(ringfence_advisories_total[1h]))", "to {{audience}}s"),),
                ),
            ),
        ),
    ),
)

SERVICE = Board(
    "service",
    "Ringfence: service",
    "Whether it runs well, for the engineer on call.",
    "now-3h",
    (
        Row(
            "At a glance",
            (
                Panel(
                    "Workers ready",
                    "Workers through which events may flow.",
                    (("sum(ringfence_ready)", ""),),
                    span=THIRD,
                    is_figure=True,
                ),
                Panel(
                    "Furthest behind",
                    "Age of the record read last, of the worst partition.",
                    (("max(ringfence_lag_seconds)", ""),),
                    "s",
                    THIRD,
                    is_figure=True,
                ),
                Panel(
                    "Alerts within a second",
                    "Over a day; the objective is 99 %.",
                    (
                        (
                            (
                                'sum(increase(ringfence_alert_latency_seconds_bucket{le="1.0"}[1d]))'
                                " / sum(increase(ringfence_alert_latency_seconds_count[1d]))"
                            ),
                            "",
                        ),
                    ),
                    "percentunit",
                    THIRD,
                    is_figure=True,
                ),
            ),
        ),
        Row(
            "Traffic",
            (
                Panel(
                    "Records read",
                    "A second, by topic.",
                    (("sum by (topic) (rate(ringfence_records_total[$__rate_interval]))", "{{topic}}"),),
                ),
                Panel(
                    "Lag in seconds",
                    "Worst partition of each topic. LagGrows pages at 60.",
                    (("max by (topic) (ringfence_lag_seconds)", "{{topic}}"),),
                    "s",
                ),
                Panel(
                    "Lag in records",
                    "Sum over partitions.",
                    (("sum by (topic) (ringfence_lag_records)", "{{topic}}"),),
                ),
                Panel(
                    "Dead letters",
                    "A minute, by reason.",
                    (("60 * sum by (reason) (rate(ringfence_dead_letters_total[$__rate_interval]))", "{{reason}}"),),
                ),
                Panel(
                    "Messages of interest",
                    "Share of messages that leave a signal. A jump after an upgrade is a pack that is too eager.",
                    (
                        (
                            (
                                "sum(rate(ringfence_messages_of_interest_total[$__rate_interval]))"
                                " / sum(rate(ringfence_messages_scanned_total[$__rate_interval]))"
                            ),
                            "of interest",
                        ),
                    ),
                    "percentunit",
                ),
                Panel(
                    "Watermark",
                    "Wall clock minus event time judged last, worst partition.",
                    (("max(ringfence_watermark_lag_seconds)", "behind"),),
                    "s",
                ),
            ),
        ),
        Row(
            "Time",
            (
                Panel(
                    "Latency of alerts",
                    "From the event's arrival at the broker to the alert's acknowledgement.",
                    tuple(
                        (
                            (
                                f"histogram_quantile({q}, sum by (le) "
                                "(rate(ringfence_alert_latency_seconds_bucket[$__rate_interval])))"
                            ),
                            f"p{q * 100:g}",
                        )
                        for q in (0.5, 0.99)
                    ),
                    "s",
                ),
                Panel(
                    "Time of a batch",
                    "p99 by step.",
                    (
                        (
                            (
                                "histogram_quantile(0.99, sum by (le, step) "
                                "(rate(ringfence_batch_seconds_bucket[$__rate_interval])))"
                            ),
                            "{{step}}",
                        ),
                    ),
                    "s",
                ),
                Panel(
                    "Time of a transaction",
                    "Half and p99. High: the brokers' disks or replication.",
                    tuple(
                        (
                            (
                                f"histogram_quantile({q}, sum by (le) "
                                "(rate(ringfence_transaction_seconds_bucket[$__rate_interval])))"
                            ),
                            f"p{q * 100:g}",
                        )
                        for q in (0.5, 0.99)
                    ),
                    "s",
                ),
                Panel(
                    "Records a batch",
                    "Mean by step: grows under load, which is what keeps the cost down.",
                    (
                        (
                            (
                                "sum by (step) (rate(ringfence_batch_records_sum[$__rate_interval]))"
                                " / sum by (step) (rate(ringfence_batch_records_count[$__rate_interval]))"
                            ),
                            "{{step}}",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            "Health",
            (
                Panel(
                    "Held batches and event loop",
                    "The watchdog ends a worker at 30 s, and at half the session timeout.",
                    (
                        ("max by (instance) (ringfence_oldest_unacked_seconds)", "held, {{instance}}"),
                        ("max by (instance) (ringfence_loop_lag_seconds)", "loop, {{instance}}"),
                    ),
                    "s",
                ),
                Panel(
                    "Exits on doubt",
                    "An hour, by reason.",
                    (("sum by (reason) (increase(ringfence_exits_total[1h]))", "{{reason}}"),),
                ),
                Panel(
                    "Recovery",
                    "Mean time to a full table since each worker's start, and changelog records yet to be read.",
                    (
                        (
                            "ringfence_recovery_seconds_sum / (ringfence_recovery_seconds_count > 0)",
                            "seconds, {{instance}}",
                        ),
                        ("sum(ringfence_recovery_remaining_records)", "records left"),
                    ),
                ),
                Panel(
                    "Repeated signals",
                    "Skipped, a minute: rises after restarts, and nowhere else.",
                    (("60 * sum(rate(ringfence_repeated_signals_total[$__rate_interval]))", "skipped"),),
                ),
                Panel(
                    "Memory",
                    "Resident, by worker.",
                    (('process_resident_memory_bytes{job="ringfence"}', "{{instance}}"),),
                    "bytes",
                ),
                Panel(
                    "Processor",
                    "Cores, by worker. A worker uses one at most, and its store a little of another.",
                    (('rate(process_cpu_seconds_total{job="ringfence"}[$__rate_interval])', "{{instance}}"),),
                ),
                Panel(
                    "Rows",
                    "Of the local stores.",
                    (("sum by (instance) (ringfence_table_rows)", "{{instance}}"),),
                ),
                Panel(
                    "Disk",
                    "Of the local stores.",
                    (("sum by (instance) (ringfence_store_bytes)", "{{instance}}"),),
                    "bytes",
                ),
                Panel(
                    "Policies in force",
                    "More than one outside an upgrade: PoliciesDiffer.",
                    (("count by (fingerprint) (ringfence_policy_info)", "{{fingerprint}}"),),
                ),
                Panel(
                    "Transactions",
                    "A second, by step.",
                    (("sum by (step) (rate(ringfence_transactions_total[$__rate_interval]))", "{{step}}"),),
                ),
            ),
        ),
    ),
)

DRILL_DOWN = Board(
    "drill-down",
    "Ringfence: rules and markets",
    "From the whole to one rule and one market. Sellers are no labels: `ringfence sellers show` has one of them.",
    "now-7d",
    (
        Row(
            "Markets",
            (
                Panel(
                    "Verdicts, by market",
                    "Findings an hour in the markets chosen.",
                    (
                        (
                            (
                                "sum by (marketplace, verdict) "
                                '(increase(ringfence_market_verdicts_total{marketplace=~"$marketplace"}[1h]))'
                            ),
                            "{{marketplace}} {{verdict}}",
                        ),
                    ),
                ),
                Panel(
                    "Share not permitted, by market",
                    "Over a day.",
                    (
                        (
                            (
                                "sum by (marketplace) (increase(ringfence_market_verdicts_total"
                                f'{{marketplace=~"$marketplace",{ACCUSED}}}[1d]))'
                                " / sum by (marketplace) "
                                '(increase(ringfence_market_verdicts_total{marketplace=~"$marketplace"}[1d]))'
                            ),
                            "{{marketplace}}",
                        ),
                    ),
                    "percentunit",
                ),
                Panel(
                    "Rules, by market",
                    "How often a rule weighed against a seller over a day, the ten most frequent.",
                    (
                        (
                            (
                                "topk(10, sum by (marketplace, rule) (increase(ringfence_market_rules_total"
                                '{marketplace=~"$marketplace",rule=~"$rule"}[1d])))'
                            ),
                            "{{rule}} in {{marketplace}}",
                        ),
                    ),
                    span=FULL,
                ),
            ),
        ),
        Row(
            "Rules",
            (
                Panel(
                    "Rules, by verdict",
                    "How often the rules chosen weighed, an hour.",
                    (
                        (
                            (
                                "topk(10, sum by (rule, verdict) "
                                '(increase(ringfence_verdict_rules_total{rule=~"$rule"}[1h])))'
                            ),
                            "{{rule}}: {{verdict}}",
                        ),
                    ),
                ),
                Panel(
                    "Precision, by rule",
                    "Share that analysts confirmed over seven days. PrecisionFalls asks at 50 % of twenty decisions.",
                    (
                        (
                            (
                                "sum by (rule) (increase(ringfence_rule_outcomes_total"
                                '{rule=~"$rule",verdict="confirmed"}[7d]))'
                                ' / sum by (rule) (increase(ringfence_rule_outcomes_total{rule=~"$rule"}[7d]))'
                            ),
                            "{{rule}}",
                        ),
                    ),
                    "percentunit",
                ),
                Panel(
                    "Rules that deserve doubt",
                    "Upper end of the 95 % interval of the precision, since a worker's start: the five lowest.",
                    (
                        (
                            'bottomk(5, min by (rule) (ringfence_rule_precision_ratio{rule=~"$rule",bound="high"}))',
                            "{{rule}}",
                        ),
                    ),
                    "percentunit",
                ),
                Panel(
                    "Channels",
                    "Acts detected an hour, by channel.",
                    (("sum by (channel, act) (increase(ringfence_detections_total[1h]))", "{{act}} {{channel}}"),),
                ),
                Panel(
                    "Alerts, by severity",
                    "An hour.",
                    (("sum by (severity) (increase(ringfence_alerts_total[1h]))", "{{severity}}"),),
                ),
                Panel(
                    "Advisories, by code",
                    "An hour.",
                    (("sum by (code) (increase(ringfence_advisories_total[1h]))", "{{code}}"),),
                ),
            ),
        ),
    ),
    (
        ("marketplace", "label_values(ringfence_market_verdicts_total, marketplace)"),
        ("rule", "label_values(ringfence_verdict_rules_total, rule)"),
    ),
)

BOARDS = (PLATFORM_SAFETY, SERVICE, DRILL_DOWN)


def pages() -> dict[str, str]:
    """Every dashboard: file name -> JSON."""
    return {f"{board.uid}.json": JSONEncoder(sort_keys=True, indent=2).encode(built(board)) + "\n" for board in BOARDS}


def built(board: Board) -> object:
    """A dashboard as Grafana reads it."""
    made = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.about)
        .tags(["ringfence"])
        .readonly()
        .time(board.since, "now")
        .refresh("30s")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .timezone("browser")
    )
    for name, query in board.variables:
        made = made.with_variable(
            dashboard.QueryVariable(name)
            .query(query)
            .datasource(SOURCE)
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
            .multi(multi=True)
            .include_all(include_all=True)
            .all_value(".*")
        )
    for row in board.rows:
        made = made.with_row(dashboard.Row(row.title))
        for each in row.panels:
            made = made.with_panel(figure(each) if each.is_figure else curve(each))
    return made.build()


def curve(panel: Panel) -> timeseries.Panel:
    """A panel over time."""
    made = (
        timeseries.Panel()
        .title(panel.title)
        .description(panel.why)
        .datasource(SOURCE)
        .unit(panel.unit)
        .min(0)
        .span(panel.span)
        .height(HEIGHT)
        .line_width(1)
        .fill_opacity(10)
        .legend(common.VizLegendOptions().show_legend(show_legend=True))
    )
    for query, legend in panel.queries:
        made = made.with_target(prometheus.Dataquery().expr(query).legend_format(legend))
    return made


def figure(panel: Panel) -> stat.Panel:
    """A panel with one number."""
    made = (
        stat.Panel()
        .title(panel.title)
        .description(panel.why)
        .datasource(SOURCE)
        .unit(panel.unit)
        .span(panel.span)
        .height(HEIGHT // 2)
    )
    for query, _ in panel.queries:
        made = made.with_target(prometheus.Dataquery().expr(query).instant())
    return made


def write() -> None:
    """Writes every dashboard."""
    DASHBOARDS.mkdir(exist_ok=True)
    for name, text in pages().items():
        (DASHBOARDS / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
