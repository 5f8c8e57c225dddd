"""A backtest as one HTML page that needs nothing else: no network, no script, pictures as inline SVG."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from operator import attrgetter

from pipeline.runners.backtest import Comparison, Estimate, Example, Pair, summary_rows

WIDTH = 560
LABEL_WIDTH = 170
BAR_HEIGHT = 11
ROW_HEIGHT = 34
PLOT_HEIGHT = 190
MOST_BARS = 16
MOST_DAY_LABELS = 8
MOST_NAMES = 12
LAST_LABEL_WIDTH = 14
"""What the last day's name sticks out by."""


def page(comparison: Comparison) -> str:
    """The whole page."""
    style = resources.files("pipeline.runners").joinpath("backtest.css").read_text(encoding="utf-8")
    title = f"Backtest: {comparison.old_name} against {comparison.new_name}"
    parts = (
        overview(comparison),
        grid(
            section("Alerts by day", columns(comparison.alerts_by_day)),
            section("What opened alerts", bars(comparison.triggers)),
            section("Rules that weighed, in findings", bars(comparison.rules)),
            section("Against the analysts' outcomes", quality_plot(comparison)),
        ),
        grid(
            section("Verdicts, before and after", transitions_table(comparison.verdicts)),
            section("Violations by marketplace", bars(comparison.marketplaces)),
            section("Sellers alerted", sellers(comparison)),
            section("Advisories", bars(comparison.advisories)),
        ),
        section("Judged more strictly: the most telling messages", examples_table(comparison.stricter)),
        section("Judged more mildly: the most telling messages", examples_table(comparison.milder)),
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{escape(title)}</h1>\n{lead(comparison)}\n{''.join(parts)}</main>\n</body>\n</html>\n"
    )


def lead(comparison: Comparison) -> str:
    """What was compared, in a sentence, and what the colours mean."""
    return (
        f'<p class="lead">{comparison.records:,} records over {comparison.days:g} days, scanned once and judged under '
        f"both policies. {comparison.changes:,} messages are judged differently; "
        f"{len(comparison.sellers_gained)} more sellers would have been alerted, {len(comparison.sellers_lost)} no "
        "longer.</p>\n"
        '<div class="key"><span><i style="background:var(--old)"></i>'
        f"{escape(comparison.old_name)} (in force)</span>"
        f'<span><i style="background:var(--new)"></i>{escape(comparison.new_name)} (candidate)</span></div>'
    )


def section(title: str, content: str) -> str:
    """A panel."""
    return f"<section>\n<h2>{escape(title)}</h2>\n{content}\n</section>\n"


def grid(*sections: str) -> str:
    """Panels beside each other where there is room."""
    return f'<div class="grid">\n{"".join(sections)}</div>\n'


def overview(comparison: Comparison) -> str:
    """The figures at the top."""
    rows = []
    for name, old, new in summary_rows(comparison):
        change = ""
        if not isinstance(old, str) and old != new:
            kind = "up" if new > old else "down"
            change = f'<span class="{kind}">{new - old:+g}</span>'
        rows.append((escape(name), escape(f"{old}"), escape(f"{new}"), change))
    return section("In short", table(("", "in force", "candidate", "change"), rows, numeric_from=1))


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, numeric_from: int = 99) -> str:
    """A table; cells are HTML already."""

    def cells(tag: str, content: Sequence[str]) -> str:
        kinds = [" class='n'" if index >= numeric_from else "" for index in range(len(content))]
        return "".join(f"<{tag}{kind}>{cell}</{tag}>" for kind, cell in zip(kinds, content, strict=True))

    body = "".join(f"<tr>{cells('td', row)}</tr>\n" for row in rows)
    head = cells("th", [escape(each) for each in heads])
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>'


def bars(figures: Mapping[str, Pair]) -> str:
    """Paired bars, the longest first; those that change are never left out for those that do not."""
    if not figures:
        return '<p class="none">none</p>'
    ranked = sorted(figures.items(), key=lambda item: (-max(item[1].old, item[1].new), item[0]))
    changed_first = sorted(ranked, key=lambda item: item[1].old == item[1].new)[:MOST_BARS]
    shown = [item for item in ranked if item in changed_first]
    most = max(max(pair.old, pair.new) for _, pair in shown) or 1
    scale = (WIDTH - LABEL_WIDTH - 60) / most
    rows = "".join(bar_row(index, name, pair, scale) for index, (name, pair) in enumerate(shown))
    return svg(len(shown) * ROW_HEIGHT + 4, rows, "Paired bars: " + "; ".join(spoken(*item) for item in shown))


def bar_row(index: int, name: str, pair: Pair, scale: float) -> str:
    """One name with its two bars."""
    top = index * ROW_HEIGHT + 4
    parts = [f'<text x="{LABEL_WIDTH - 10}" y="{top + 15}" text-anchor="end">{escape(name.replace("_", " "))}</text>']
    for turn, (kind, value) in enumerate((("o", pair.old), ("w", pair.new))):
        y = top + turn * (BAR_HEIGHT + 2)
        width = value * scale
        parts.append(
            f'<rect class="{kind}" x="{LABEL_WIDTH}" y="{y}" width="{width:.1f}" height="{BAR_HEIGHT}" rx="2"/>'
            f'<text class="soft" x="{LABEL_WIDTH + width + 6:.1f}" y="{y + BAR_HEIGHT - 1}">{value:g}</text>'
        )
    return "".join(parts)


def columns(figures: Mapping[str, Pair]) -> str:
    """Paired columns over days."""
    if not figures:
        return '<p class="none">no alerts under either policy</p>'
    most = max(max(pair.old, pair.new) for pair in figures.values()) or 1
    step = (WIDTH - 40 - LAST_LABEL_WIDTH) / len(figures)
    width = min(step * 0.38, 26)
    base = PLOT_HEIGHT - 26
    every = -(-len(figures) // MOST_DAY_LABELS)
    parts = [
        f'<line class="axis" x1="34" x2="{WIDTH}" y1="{base}" y2="{base}"/>',
        f'<text class="soft" x="28" y="18" text-anchor="end">{most:g}</text>',
        f'<text class="soft" x="28" y="{base}" text-anchor="end">0</text>',
    ]
    for index, (day, pair) in enumerate(figures.items()):
        middle = 40 + step * (index + 0.5)
        for kind, value, x in (("o", pair.old, middle - width - 1), ("w", pair.new, middle + 1)):
            height = value / most * (base - 12)
            parts.append(
                f'<rect class="{kind}" x="{x:.1f}" y="{base - height:.1f}" width="{width:.1f}" '
                f'height="{height:.1f}" rx="2"/>'
            )
        if index % every == 0:
            parts.append(f'<text class="soft" x="{middle:.1f}" y="{base + 18}" text-anchor="middle">{day[5:]}</text>')
    return svg(PLOT_HEIGHT, "".join(parts), "Columns: " + "; ".join(spoken(*item) for item in figures.items()))


def quality_plot(comparison: Comparison) -> str:
    """Precision and recall as points with their 95 % intervals."""
    old, new = comparison.old_quality, comparison.new_quality
    if old is None or new is None:
        return '<p class="none">the recording has no outcomes</p>'
    left, right = LABEL_WIDTH - 60, WIDTH - 90
    parts = []
    for tick in (0.0, 0.5, 1.0):
        x = left + tick * (right - left)
        parts.append(f'<line class="axis" x1="{x}" x2="{x}" y1="4" y2="128"/>')
        parts.append(f'<text class="soft" x="{x}" y="146" text-anchor="middle">{tick:g}</text>')
    for index, (name, pick) in enumerate((("precision", attrgetter("precision")), ("recall", attrgetter("recall")))):
        parts.append(f'<text x="{left - 14}" y="{index * 62 + 38}" text-anchor="end">{name}</text>')
        for turn, (kind, each) in enumerate((("o", pick(old)), ("w", pick(new)))):
            parts.append(interval(kind, each, index * 62 + 24 + turn * 20, left, right))
    words = (
        f"precision {old.precision.share}, then {new.precision.share}; "
        f"recall {old.recall.share}, then {new.recall.share}"
    )
    note = (
        "<p><small>Precision: alerted sellers with an outcome that was “confirmed”. Recall: confirmed sellers that "
        "were alerted. Lines are 95 % intervals (Wilson). Outcomes exist mostly where the policy in force "
        "raised an alert, which flatters its recall.</small></p>"
    )
    return svg(152, "".join(parts), words) + note


def interval(kind: str, each: Estimate, y: int, left: float, right: float) -> str:
    """A point with its interval."""
    if each.share is None:
        return f'<text class="soft" x="{left + 6}" y="{y + 4}">no cases</text>'
    low, high, at = (left + value * (right - left) for value in (each.low, each.high, each.share))
    return (
        f'<line class="l{kind}" x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}"/>'
        f'<circle class="{kind}" cx="{at:.1f}" cy="{y}" r="5"/>'
        f'<text class="soft" x="{right + 10}" y="{y + 4}">{each.share:.2f} ({each.hits}/{each.cases})</text>'
    )


def svg(height: float, content: str, words: str) -> str:
    """A picture, with its figures in words for who cannot see it."""
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{escape(words)}" '
        f'xmlns="http://www.w3.org/2000/svg">{content}</svg>'
    )


def spoken(name: str, pair: Pair) -> str:
    """One pair of figures in words."""
    return f"{name} {pair.old:g} before, {pair.new:g} after"


def transitions_table(verdicts: Mapping[str, Mapping[str, int]]) -> str:
    """From which verdict to which; darker is more, and the diagonal did not change."""
    moved = [n for old, row in verdicts.items() for new, n in row.items() if old != new]
    most = max([*moved, 1])
    rows = []
    for old, row in verdicts.items():
        cells = []
        for new, n in row.items():
            share = 0.0 if old == new else 0.55 * n / most
            text = f"<small>{n}</small>" if old == new else f"{n}"
            cells.append(f'<td class="heat" style="background:rgba(var(--heat),{share:.2f})">{text if n else ""}</td>')
        rows.append(f"<tr><th>{escape(old)}</th>{''.join(cells)}</tr>\n")
    heads = "".join(f'<th style="text-align:center">{escape(new)}</th>' for new in verdicts)
    return (
        '<div class="scroll"><table><thead><tr><th><small>in force ↓ candidate →</small></th>'
        f"{heads}</tr></thead><tbody>\n{''.join(rows)}</tbody></table></div>"
    )


def sellers(comparison: Comparison) -> str:
    """Whom the change concerns."""
    lists = (
        ("under the candidate alone", comparison.sellers_gained),
        ("under the policy in force alone", comparison.sellers_lost),
    )
    rows = [(escape(name), f"{len(ids)}", escape(", ".join(ids[:MOST_NAMES]))) for name, ids in lists]
    return table(("", "how many", "sellers"), [*rows, ("under both", f"{comparison.sellers_kept}", "")])


def examples_table(examples: Sequence[Example]) -> str:
    """Messages with what they changed from, to, and why; excerpts are redacted."""
    if not examples:
        return '<p class="none">none</p>'
    rows = [
        (
            f"{escape(each.seller_id)}<br><small>{escape(each.at[:16].replace('T', ' '))}</small>",
            f"“{escape(each.excerpt)}”",
            f"{each.old_verdict} → {each.new_verdict}<br><small>{each.old_score} → {each.new_score}</small>",
            "<br>".join(escape(reason) for reason in each.reasons) or "<small>none: the limits differ</small>",
        )
        for each in examples
    ]
    return table(("seller", "message", "verdict", "reasons that weigh differently"), rows)
