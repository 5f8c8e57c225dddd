"""Arguments -> settings -> runner -> exit status.

Exit status: 0 fine, 1 a problem was found, 2 called wrongly. Heavy rooms are imported inside the commands that need them:
`ringfence --help` answers at once.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from pipeline.errors import PipelineError, SettingsError
from pipeline.settings import Settings, describe_settings, load_settings

app = typer.Typer(
    name="ringfence",
    help="Detects sellers who ask buyers for phone numbers or pull them off a marketplace.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
EXIT_FOUND_A_PROBLEM = 1
EXIT_CALLED_WRONGLY = 2
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
PolicyFile = Annotated[Path | None, typer.Option("--policy", help="The policy book; the shipped one when left out.")]


def main() -> None:
    """Runs the command line; a user's mistake ends in one clear text, not in a traceback."""
    try:
        app()
    except PipelineError as error:
        sys.stderr.write(f"ringfence: {error}\n")
        sys.exit(EXIT_CALLED_WRONGLY if isinstance(error, SettingsError) else EXIT_FOUND_A_PROBLEM)
    except BrokenPipeError:  # the reader of our output left: `ringfence detect | head`
        sys.stderr.close()
        sys.exit(0)


@app.command(epilog="Example: echo '{\"body\": \"can i have your number?\", \"sender\": \"seller\"}' | ringfence detect")
def detect() -> None:
    """Messages as JSON lines on standard input, one detection a line on standard output."""
    from pipeline.runners.detect import detect_lines

    problems = 0
    for line in detect_lines(sys.stdin.buffer):
        problems += b'"error"' in line[:12]
        sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()
    if problems:
        raise typer.Exit(EXIT_FOUND_A_PROBLEM)


@app.command("settings", epilog="Example: RINGFENCE_PARTITIONS=8 ringfence settings")
def show_settings(as_json: AsJson = False) -> None:
    """Every setting with its value in force, its default and its text. Secrets are not shown."""
    settings = load_settings()
    rows = [
        {"name": name, "value": shown(settings, name), "default": default, "text": text}
        for name, _, default, text in describe_settings()
    ]
    print_rows(rows, as_json=as_json)


def shown(settings: Settings, variable: str) -> str:
    """The value of a setting as it may be printed."""
    value = getattr(settings, variable.removeprefix("RINGFENCE_").lower())
    return "" if value is None else str(value)


def print_rows(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    """Rows of equal keys, as JSON lines or as a table that fits the terminal."""
    if as_json:
        for row in rows:
            sys.stdout.buffer.write(orjson.dumps(row) + b"\n")
        return
    table = Table(box=None, pad_edge=False)
    for name in rows[0] if rows else ():
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    Console().print(table)
