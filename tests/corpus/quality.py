"""The report of `make quality`: the detector and its peers on the corpus, in the terminal and as one HTML file.

python -m tests.corpus.quality --out build/quality.html
"""

import argparse
import html
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.corpus.measure import (
    FLAGS,
    SEEN,
    UNSEEN,
    Figures,
    chatter_rows,
    detector_answers,
    measured,
    merged,
    report_lines,
    service_rows,
    taken_for_contact,
)
from tests.corpus.peers import PEERS

NAMES = {
    "contact": "request or share",
    "hidden": "hidden request or share",
    "solicits": "request",
    "shares_contact": "share",
    "numbers_plain": "numbers, plain",
    "numbers_hidden": "numbers, hidden",
    "obfuscated": "said to be hidden",
} | {name: name.replace("_", " ") for name in FLAGS}
BARS = {"contact": (0.97, 0.93), "hidden": (0.95, 0.90), "numbers_plain": (0.97, 0.97), "numbers_hidden": (0.93, 0.90)}
MOST_TALK = 0.01
STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
table{border-collapse:collapse;margin:1rem 0}th,td{padding:.2rem .7rem;text-align:right;border-bottom:1px solid #ddd}
th:first-child,td:first-child{text-align:left}.short{color:#a40000;font-weight:600}svg{max-width:100%;height:auto}
svg text{font:12px system-ui,sans-serif;fill:#222}@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}
svg text{fill:#ddd}th,td{border-color:#444}.short{color:#ff8a80}}
"""
HEAD = f"""<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Quality of detection</title><style>{STYLE}</style><h1>Quality of detection</h1>"""
INTRODUCTION = """<p>{seen:,} messages seen while words were written, {unseen:,} put aside, in {languages} languages.
Blue: precision, the share of what was said that is right. Amber: recall, the share of what is there that was found.
Red figures miss the bar that we set.</p>"""


def percent(value: float | None) -> str:
    """A share as it is printed; a dash where there was nothing to count."""
    return "–" if value is None else f"{100 * value:.1f}"


def bars(rows: list[tuple[str, float | None, float | None]], title: str) -> str:
    """A plot: per name one bar for precision and one for recall."""
    height, width, left = 34 * len(rows) + 40, 760, 150
    out = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{html.escape(title)}">']
    scale = width - left - 60
    for share in (0, 25, 50, 75, 90, 100):
        x = left + scale * share / 100
        out.append(f'<line x1="{x}" x2="{x}" y1="20" y2="{height - 14}" stroke="#8884"/>')
        out.append(f'<text x="{x}" y="14" text-anchor="middle">{share}</text>')
    for number, (name, precision, recall) in enumerate(rows):
        y = 26 + 34 * number
        out.append(f'<text x="{left - 8}" y="{y + 17}" text-anchor="end">{html.escape(name)}</text>')
        for value, offset, colour in ((precision, 0, "#3b6fb6"), (recall, 13, "#d08a2e")):
            if value is not None:
                out.append(
                    f'<rect x="{left}" y="{y + offset}" width="{scale * value}" height="11" fill="{colour}">'
                    f"<title>{percent(value)} %</title></rect>"
                )
                out.append(f'<text x="{left + scale * value + 4}" y="{y + offset + 10}">{percent(value)}</text>')
    return "".join([*out, "</svg>"])


def score_table(columns: dict[str, Figures]) -> str:
    """A table: questions down, figures across as precision and recall; red where a bar is missed."""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    lines = [f"<table><tr><th>precision / recall, %</th>{head}</tr>"]
    for key, name in NAMES.items():
        cells = []
        for figures in columns.values():
            score = figures.scores[key]
            wanted = BARS.get(key, (0, 0))
            is_short = (score.precision or 1) < wanted[0] or (score.recall or 1) < wanted[1]
            mark = ' class="short"' if is_short else ""
            cells.append(f"<td{mark}>{percent(score.precision)} / {percent(score.recall)}</td>")
        lines.append(f"<tr><td>{name}</td>{''.join(cells)}</tr>")
    for key, name in (
        ("negatives", "hard negatives left alone"),
        ("purpose", "right reason"),
        ("channel", "right channel"),
    ):
        cells = [f"<td>{percent(figures.scores[key].recall)}</td>" for figures in columns.values()]
        lines.append(f"<tr><td>{name}</td>{''.join(cells)}</tr>")
    return "".join([*lines, "</table>"])


def talk_table(talk: dict[str, float]) -> str:
    """How much of what is honest was taken for something else; red above one in a hundred."""
    lines = ["<table><tr><th>honest talk taken for a request or share</th><th>%</th></tr>"]
    for name, share in talk.items():
        mark = ' class="short"' if share > MOST_TALK else ""
        lines.append(f"<tr><td>{name}</td><td{mark}>{percent(share)}</td></tr>")
    return "".join([*lines, "</table>"])


def page(
    by_part: dict[str, dict[str, Figures]], rules: Figures, peers: dict[str, Figures], talk: dict[str, float]
) -> str:
    """The report as one HTML document that needs nothing else."""
    totals = {part: merged(figures.values()) for part, figures in by_part.items()}
    unseen = by_part[UNSEEN]
    parts = [
        HEAD,
        INTRODUCTION.format(seen=totals[SEEN].rows, unseen=totals[UNSEEN].rows, languages=len(unseen)),
        score_table({f"{part}, all languages": total for part, total in totals.items()}),
        talk_table(talk),
        "<h2>Request or share by language, messages put aside</h2>",
        bars(
            [(lang, f.scores["contact"].precision, f.scores["contact"].recall) for lang, f in unseen.items()],
            "by language",
        ),
        "<h2>Hidden requests and shares found by trick, messages put aside</h2>",
        bars([(trick, None, s.recall) for trick, s in sorted(totals[UNSEEN].techniques.items())], "by trick"),
        "<h2>Right reason by reason, messages put aside</h2>",
        bars([(reason, None, s.recall) for reason, s in sorted(totals[UNSEEN].purposes.items())], "by reason"),
        "<h2>Without and with the learned second opinion, messages put aside</h2>",
        score_table({"rules alone": rules, "with the second opinion": totals[UNSEEN]}),
        "<h2>Beside its peers, messages put aside</h2>",
        score_table({"Ringfence": totals[UNSEEN], **peers}),
        "<h2>Each language</h2>",
    ]
    for language in unseen:
        columns = {part: figures[language] for part, figures in by_part.items() if language in figures}
        parts += [f"<h3>{language}</h3>", score_table(columns)]
    return "".join(parts)


def peer_lines(peers: dict[str, Figures]) -> Iterable[str]:
    """One line a peer."""
    for name, figures in peers.items():
        contact, plain, hidden = (figures.scores[key] for key in ("contact", "numbers_plain", "numbers_hidden"))
        yield (
            f"{name:14} request or share {percent(contact.precision)} / {percent(contact.recall)}, numbers plain "
            f"{percent(plain.precision)} / {percent(plain.recall)}, "
            f"hidden {percent(hidden.precision)} / {percent(hidden.recall)}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("build/quality.html"))
    out = parser.parse_args().out
    answers = detector_answers()
    by_part = {part: measured(part, (), answers) for part in (SEEN, UNSEEN)}
    rules = merged(measured(UNSEEN, (), detector_answers(has_opinion=False)).values())
    peers = {name: merged(measured(UNSEEN, (), peer).values()) for name, peer in PEERS.items()}
    talk = {
        "everyday, on a marketplace": taken_for_contact(chatter_rows(UNSEEN), answers),
        "public customer service": taken_for_contact(service_rows(UNSEEN), answers),
    }
    for part, figures in by_part.items():
        lines = report_lines(part, figures | {"all": merged(figures.values())}, with_techniques=False)
        sys.stdout.write("\n".join(lines) + "\n")
    lines = report_lines(UNSEEN, {"rules": rules}, with_techniques=False)
    sys.stdout.write("without the learned second opinion, " + "\n".join(lines) + "\n")
    sys.stdout.write("peers on the messages put aside: precision / recall\n" + "\n".join(peer_lines(peers)) + "\n")
    told = ", ".join(f"{name} {percent(share)} %" for name, share in talk.items())
    sys.stdout.write(f"honest talk put aside, taken for a request or share: {told}\n")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page(by_part, rules, peers, talk), encoding="utf-8")
    sys.stdout.write(f"report: {out}\n")


if __name__ == "__main__":
    main()
