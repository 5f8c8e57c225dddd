"""Draws the panels from data that a test left, to look at them without a Grafana.

DASHBOARD_PICTURES=build/panels.json .venv/bin/pytest -m broker tests/broker/test_dashboards.py
.venv/bin/python deploy/grafana/pictures.py build/panels.json build/panels
chromium --headless --no-sandbox --screenshot=build/service.png --window-size=1200,3000 build/panels/service.html
"""

import argparse
import html
import json
import math
from pathlib import Path
from typing import Any

from build import BOARDS, Panel

WIDTH, HEIGHT, PAD = 560, 200, 34
COLOURS = ("#3274d9", "#e0752d", "#56a64b", "#c4162a", "#8f3bb8", "#c69b06", "#1f8a8a", "#705da0", "#777777", "#b0578d")
Points = list[tuple[float, float]]


def page(board_uid: str, data: dict[str, Any]) -> str:
    """All panels of a dashboard."""
    board = next(each for each in BOARDS if each.uid == board_uid)
    parts = [
        f"<!doctype html><meta charset=utf-8><title>{board.title}</title><style>{STYLE}</style><h1>{board.title}</h1>"
    ]
    for row in board.rows:
        parts += [f"<h2>{html.escape(row.title)}</h2><div class=row>"]
        parts += [drawn(panel, curves(board_uid, panel, data)) for panel in row.panels]
        parts += ["</div>"]
    return "".join(parts)


def curves(board_uid: str, panel: Panel, data: dict[str, Any]) -> list[tuple[str, Points]]:
    """Legend and points of each curve, those without a number left out."""
    found = []
    for query, legend in panel.queries:
        for series in data[f"{board_uid}\n{panel.title}\n{query}"]:
            text = legend
            for label, value in series["metric"].items():
                text = text.replace(f"{{{{{label}}}}}", value)
            points = [(at, float(value)) for at, value in series["values"]]
            found.append((text, [(at, value) for at, value in points if math.isfinite(value)]))
    return [(text, points) for text, points in found if points]


def drawn(panel: Panel, lines: list[tuple[str, Points]]) -> str:
    """One panel: a number, or curves with their legend."""
    head = f"<h3>{html.escape(panel.title)}</h3><p>{html.escape(panel.why)}</p>"
    if panel.is_figure:
        value = lines[0][1][-1][1] if lines else math.nan
        return f"<figure>{head}<b>{readable(value, panel.unit)}</b></figure>"
    low = min((at for _, points in lines for at, _ in points), default=0.0)
    high = max((at for _, points in lines for at, _ in points), default=1.0)
    top = max((value for _, points in lines for _, value in points), default=0.0) or 1.0
    paths, legends = [], []
    for (text, points), colour in zip(lines, COLOURS * (1 + len(lines) // len(COLOURS)), strict=False):
        places = " ".join(
            f"{PAD + (at - low) / ((high - low) or 1) * (WIDTH - PAD):.1f},{HEIGHT - value / top * (HEIGHT - 12):.1f}"
            for at, value in points
        )
        paths.append(f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        legends.append(f'<span style="color:{colour}">{html.escape(text)} {readable(points[-1][1], panel.unit)}</span>')
    axis = f'<text x="0" y="14">{readable(top, panel.unit)}</text><text x="0" y="{HEIGHT}">0</text>'
    picture = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}">{axis}{"".join(paths)}</svg>'
    return f"<figure>{head}{picture}<div>{' '.join(legends)}</div></figure>"


def readable(value: float, unit: str) -> str:
    """A number as Grafana would write it, roughly."""
    match unit:
        case "percentunit":
            return f"{value:.1%}"
        case "s":
            return f"{value:.3g} s"
        case "bytes":
            return f"{value / 2**20:.4g} MiB"
        case _:
            return f"{value:,.3g}"


STYLE = """
body{font:13px sans-serif;margin:16px;width:1160px} .row{display:flex;flex-wrap:wrap;gap:8px}
figure{margin:0;padding:8px;border:1px solid #ccc;width:550px;box-sizing:border-box} h1,h2,h3,p{margin:4px 0}
p{color:#666;font-size:11px} b{font-size:32px} span{margin-right:10px;font-size:11px} text{font-size:11px;fill:#666}
"""


def main() -> None:
    """Writes a page for each dashboard."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="what the test left")
    parser.add_argument("out", type=Path, help="folder for the pages")
    options = parser.parse_args()
    data = json.loads(options.data.read_text(encoding="utf-8"))
    options.out.mkdir(parents=True, exist_ok=True)
    for board in BOARDS:
        (options.out / f"{board.uid}.html").write_text(page(board.uid, data), encoding="utf-8")


if __name__ == "__main__":
    main()
