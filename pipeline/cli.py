"""Arguments -> settings -> runner -> exit status.

Exit status: 0 fine, 1 a problem was found, 2 called wrongly. Heavy rooms are imported inside the commands that need
them: `ringfence --help` answers at once.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
import yaml
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from pipeline.errors import PipelineError, RecordError, SettingsError
from pipeline.settings import DEVELOPMENT_PSEUDONYM_KEY, LogFormat, Settings, describe_settings, load_settings

if TYPE_CHECKING:
    from pipeline.kafka.batched import RawRecord
    from pipeline.kafka.client import Connection
    from pipeline.kafka.recordings import Recording
    from pipeline.kafka.topics import TopicNames
    from pipeline.runners.backtest import Example

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
MOST_NAMES = 12
KAFKA_CLIENTS = frozenset({"kafka", "aiokafka"})
SAMPLE_START_MS = 1_780_272_000_000
"""2026-06-01T00:00:00Z: where a sample recording begins, so that a seed gives the same bytes on any day."""
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Go on over damaged lines, and count them.")]
PolicyFile = Annotated[Path | None, typer.Option("--policy", help="The policy book; the shipped one when left out.")]


def main() -> None:
    """Runs the command line; a user's mistake ends in one clear text, not in a traceback."""
    from pipeline.logs import configure_logs

    configure_logs(LogFormat.CONSOLE, "warning")  # to standard error: what a command prints is for a program to read
    try:
        app()
    except PipelineError as error:
        sys.stderr.write(f"ringfence: {error}\n")
        sys.exit(EXIT_CALLED_WRONGLY if isinstance(error, SettingsError) else EXIT_FOUND_A_PROBLEM)
    except BrokenPipeError:  # the reader of our output left: `ringfence detect | head`
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:  # by name: the clients are not loaded for commands that need no broker
        if type(error).__module__.partition(".")[0] not in KAFKA_CLIENTS:
            raise
        sys.stderr.write(
            f"ringfence: Kafka refused: {type(error).__name__}: {error}; `ringfence doctor` looks closer\n"
        )
        sys.exit(EXIT_FOUND_A_PROBLEM)


@app.command(epilog="Example: RINGFENCE_BROKERS=kafka-1:9092 ringfence run")
def run(
    policy: PolicyFile = None,
    http_port: Annotated[int | None, typer.Option(help="Port of /metrics, /health and /ready.")] = None,
) -> None:
    """The worker: reads the marketplace's topics until it is told to stop. Exit status 70: in doubt, start it again."""
    from pipeline import metrics
    from pipeline.logs import configure_logs
    from pipeline.runners.service import service_steps
    from pipeline.runners.worker import run_worker

    settings = load_settings(policy_file=policy, http_port=http_port)
    configure_logs(settings.log_format, settings.log_level)
    steps, book = service_steps(settings)
    metrics.POLICY_INFO.info({"versions": book.versions, "fingerprint": book.fingerprint})
    run_worker(settings, steps)


@app.command(epilog='Example: echo \'{"body": "whats ur number?", "sender": "seller"}\' | ringfence detect')
def detect() -> None:
    """Messages as JSON lines on standard input, one detection a line on standard output, in order."""
    from pipeline.runners.detect import detected_lines

    problems = 0
    for line, is_message in detected_lines(sys.stdin.buffer):
        problems += not is_message
        sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()
    if problems:
        raise typer.Exit(EXIT_FOUND_A_PROBLEM)


@app.command(epilog="Example: ringfence replay tests/replay/marketplace --out build/replay")
def replay(  # noqa: PLR0913, PLR0917 - options of a command line
    recording: Annotated[Path, typer.Argument(help="Folder of the recording.")],
    out: Annotated[Path, typer.Option(help="Folder for findings, alerts, advisories, dead letters and the digest.")],
    policy: PolicyFile = None,
    shadow_policy: Annotated[Path | None, typer.Option(help="A candidate beside it: shadow.jsonl, no alerts.")] = None,
    release_ratio: Annotated[
        float, typer.Option(min=0, max=1, help="Share of sellers for whom the candidate speaks.")
    ] = 0.0,
    processes: Annotated[int, typer.Option(min=1, max=256, help="That scan and judge; the bytes are the same.")] = 1,
    skip_bad: SkipBad = False,
    as_json: AsJson = False,
) -> None:
    """A recording through the same scan and fold as the service, without a broker; the same bytes on any machine."""
    from pipeline.detection.collector import spare_the_collector
    from pipeline.kafka.recordings import Faults, Recording
    from pipeline.policy.book import load_book
    from pipeline.runners.replay import replay as replayed
    from pipeline.runners.scanning import ScanPool
    from pipeline.runners.service import scan_step
    from pipeline.runners.shadow import Shadow
    from pipeline.runners.signal_log import work_of

    settings = load_settings(policy_file=policy, shadow_policy=shadow_policy, release_ratio=release_ratio or None)
    book = load_book(settings.policy_file)
    candidate = settings.shadow_policy
    shadow = Shadow(load_book(candidate), settings.release_ratio) if candidate else None
    source = Recording(recording, Faults(is_skipping=skip_bad))
    with progress_bar("replay", work_of(source)) as advance:
        new_scan = partial(scan_step, book, replay_key(settings))
        scan = new_scan() if processes == 1 else ScanPool(new_scan, processes)
        spare_the_collector()
        summary = replayed(source, out, book, scan, advance, follows_log=policy is None, shadow=shadow)
    rows = [{"file": str(out / name), "lines": lines} for name, lines in sorted(summary.lines.items())]
    if as_json:
        sys.stdout.buffer.write(
            orjson.dumps({"outputs": rows, "skipped": summary.skipped, "digest": summary.digest}) + b"\n"
        )
    else:
        print_rows(rows, as_json=False)
        sys.stdout.write(f"{summary.records.total():,} records, digest {summary.digest}\n")
    tell_faults(source)


@app.command(
    epilog="Example: ringfence backtest tests/replay/marketplace --policy a.yaml --policy b.yaml --html change.html"
)
def backtest(  # noqa: PLR0913, PLR0917 - each is an option
    recording: Annotated[Path, typer.Argument(help="Folder of the recording.")],
    policy: Annotated[list[Path], typer.Option(help="Twice: the book in force, then the candidate.")],
    html: Annotated[Path | None, typer.Option(help="Also as one page that opens without a network.")] = None,
    minutes_per_alert: Annotated[float, typer.Option(min=0, help="An analyst's time for one alert.")] = 20.0,
    skip_bad: SkipBad = False,
    as_json: AsJson = False,
) -> None:
    """What a changed policy would have done: one recording judged under two books, compared."""
    from pipeline.detection.collector import spare_the_collector
    from pipeline.kafka.recordings import Faults, Recording
    from pipeline.policy.book import load_book
    from pipeline.runners.backtest import backtest as backtested
    from pipeline.runners.backtest import change_rows, summary_rows
    from pipeline.runners.backtest_page import page
    from pipeline.runners.service import scan_step
    from pipeline.runners.signal_log import work_of

    if len(policy) != len(("old", "new")):
        raise SettingsError("backtest wants --policy twice: the book in force, then the candidate")
    settings = load_settings()
    old, new = (load_book(each) for each in policy)
    source = Recording(recording, Faults(is_skipping=skip_bad))
    scan = scan_step(old, replay_key(settings))
    spare_the_collector()
    with progress_bar("backtest", work_of(source)) as advance:
        comparison = backtested(
            source,
            (old, new),
            scan,
            names=(policy[0].name, policy[1].name),
            minutes_per_alert=minutes_per_alert,
            progress=advance,
        )
    if html is not None:
        html.write_text(page(comparison), encoding="utf-8")
    if as_json:
        sys.stdout.buffer.write(comparison.as_json() + b"\n")
        tell_faults(source)
        return
    heads = ("what", f"{policy[0].name} (in force)", f"{policy[1].name} (candidate)")
    rows = [dict(zip(heads, row, strict=True)) for row in summary_rows(comparison)]
    print_rows(rows, as_json=False)
    sys.stdout.write(f"\n{comparison.changes:,} messages judged differently\n")
    print_rows([dict(zip(("what", "of", "old", "new"), row, strict=True)) for row in change_rows(comparison)])
    for title, names in (("appear", comparison.sellers_gained), ("vanish", comparison.sellers_lost)):
        sys.stdout.write(f"\nSellers whose alerts {title}: {named(names)}\n")
    for title, examples in (("stricter", comparison.stricter), ("milder", comparison.milder)):
        sys.stdout.write(f"\nThe most telling messages judged {title}:\n" if examples else "")
        print_rows([example_row(each) for each in examples])
    tell_faults(source)


@app.command(
    epilog="Example: ringfence record --out today --topic marketplace.messages.v1 --begin 2026-06-01T00:00:00Z"
)
def record(  # noqa: PLR0913, PLR0917 - options of a command line
    out: Annotated[Path, typer.Option(help="Folder; one of a killed run is gone on with.")],
    topic: Annotated[list[str] | None, typer.Option(help="Repeatable; all input topics when left out.")] = None,
    begin: Annotated[
        datetime | None, typer.Option(help="Arrival time of the first records; all when left out.")
    ] = None,
    begin_offset: Annotated[
        list[str] | None, typer.Option(help="topic[partition]@offset, repeatable; goes before --begin.")
    ] = None,
    end: Annotated[
        datetime | None, typer.Option(help="Arrival time at which it ends; what is there now when left out.")
    ] = None,
    end_offset: Annotated[
        list[str] | None, typer.Option(help="topic[partition]@offset, repeatable: the first that is left out.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(min=0.01, help="From now on, for so long.")] = None,
    pseudonymise: Annotated[
        bool, typer.Option("--pseudonymise", help="Other ids, no number, no text in which nothing is found.")
    ] = False,
) -> None:
    """Topics to a recording folder, resumable after a kill without a gap or a repeat."""
    import asyncio

    from pipeline.kafka.recordings import encoded_line
    from pipeline.runners.record import Span, place_of
    from pipeline.runners.record import record as recorded

    if minutes and (begin or end):
        raise SettingsError("--minutes begins now: it goes with neither --begin nor --end")
    if end_offset and (end or minutes):
        raise SettingsError("--end-offset and a time to end at exclude one another")
    begin_offsets, end_offsets = (dict(map(place_of, each or [])) for each in (begin_offset, end_offset))
    connection, names = reachable()
    now_ms = time.time_ns() // 1_000_000
    span = Span(
        topics=topic or names.inputs,
        begin_ms=now_ms if minutes else epoch_ms(begin) if begin else None,
        begin_offsets=begin_offsets,
        end_ms=now_ms + round(minutes * 60_000) if minutes else epoch_ms(end) if end else None,
        end_offsets=end_offsets,
    )
    encode = disguised_line() if pseudonymise else encoded_line
    with done_and_left_bar("record") as told:
        count = asyncio.run(recorded(connection, out, span, told, encode))
    sys.stdout.write(f"{count:,} records in {out}\n")


def disguised_line() -> "Callable[[RawRecord], bytes]":
    """How a record is written that may be shared."""
    from pipeline.detection.shipped import shipped_detector
    from pipeline.runners.disguise import Disguise
    from pipeline.runners.service import pseudonym_key

    return Disguise(pseudonym_key(load_settings()), shipped_detector()).line


@app.command(epilog="Example: ringfence publish today --speed 10")
def publish(
    recording: Annotated[Path, typer.Argument(help="Folder of the recording.")],
    speed: Annotated[
        float | None, typer.Option(min=0.001, help="1 is the original pace; as fast as it goes when left out.")
    ] = None,
    prefix: Annotated[str, typer.Option(help="Put before each topic's name.")] = "",
    skip_bad: SkipBad = False,
) -> None:
    """A recording into a cluster: keys, values, headers, timestamps and partitions as they were."""
    import asyncio

    from pipeline.kafka.recordings import Faults, Recording
    from pipeline.runners.record import publish as published

    source = Recording(recording, Faults(is_skipping=skip_bad))
    source.files()  # what is no recording is refused before any waiting for a broker
    connection, _ = reachable()
    with done_and_left_bar("publish") as told:
        count = asyncio.run(published(source, connection, speed=speed, prefix=prefix, progress=told))
    sys.stdout.write(f"{count:,} records published\n")
    tell_faults(source)


def epoch_ms(moment: datetime) -> int:
    """An instant of the command line; UTC where it names no zone."""
    return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000)


def replay_key(settings: Settings) -> bytes:
    """The key in force, else the development key that the shipped recordings are judged with."""
    key = settings.pseudonym_key
    return (key.get_secret_value() if key else DEVELOPMENT_PSEUDONYM_KEY).encode()


@contextmanager
def progress_bar(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error while a terminal watches; what it yields is told how much more is done."""
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as progress:
        task = progress.add_task(label, total=total or None)
        yield lambda bytes_read: progress.advance(task, bytes_read)


@contextmanager
def done_and_left_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar as above; what it yields is told how much is done and how much is still to come."""
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, left: progress.update(task, completed=done, total=done + left or None)


def tell_faults(recording: "Recording") -> None:
    """What was wrong with a recording, on standard error; exit status 1 where lines were skipped."""
    notes = recording.faults.notes + ([recording.first_gap] if recording.first_gap else [])
    sys.stderr.write("".join(f"ringfence: {note}\n" for note in notes))
    if recording.faults.skipped:
        sys.stderr.write(f"ringfence: {recording.faults.skipped:,} faults skipped\n")
        raise typer.Exit(EXIT_FOUND_A_PROBLEM)


@app.command(epilog="Example: ringfence sample --publish --rate 100")
def sample(
    publish: Annotated[bool, typer.Option("--publish", help="Into the cluster, until Ctrl-C.")] = False,
    out: Annotated[Path | None, typer.Option(help="As a recording, into this new folder.")] = None,
    rate: Annotated[float, typer.Option(min=0.1, max=100_000, help="Records a second when publishing.")] = 40.0,
    seed: Annotated[int, typer.Option(help="Which marketplace is played.")] = 1,
    seasons: Annotated[int, typer.Option(min=1, max=1_000, help="Seasons of six days in a recording.")] = 1,
) -> None:
    """A believable marketplace, honest and bad sellers and some poison, into a cluster or a recording."""
    from pipeline.kafka.recordings import write_recording
    from pipeline.kafka.topics import TopicNames
    from pipeline.runners import sample as traffic
    from pipeline.runners.worker import connection_of

    settings = load_settings()
    if publish == (out is not None):
        raise SettingsError("sample wants one of --publish and --out DIR; see `ringfence sample --help`")
    if out is not None:
        told = traffic.marketplace(seed, SAMPLE_START_MS, seasons)
        write_recording(out, traffic.recorded(told), note=f"ringfence sample --seed {seed} --seasons {seasons}")
        return
    names = TopicNames(settings.app_id, settings.topic_prefix)
    with suppress(KeyboardInterrupt):
        traffic.publish(connection_of(settings), names, seed, rate, is_over=lambda: False)


@app.command(epilog="Example: ringfence watch --metrics-url http://127.0.0.1:8787/metrics")
def watch(
    metrics_url: Annotated[str | None, typer.Option(help="The worker's metrics; its own port when left out.")] = None,
    duration: Annotated[float, typer.Option(help="Seconds; 0 until Ctrl-C.")] = 0.0,
) -> None:
    """Alerts as they come, in words, and how the worker is doing."""
    from pipeline.kafka.topics import TopicNames
    from pipeline.runners.watch import watch as watched
    from pipeline.runners.worker import connection_of

    settings = load_settings()
    names = TopicNames(settings.app_id, settings.topic_prefix)
    url = metrics_url or f"http://{settings.http_host}:{settings.http_port}/metrics"
    until = time.monotonic() + duration if duration else float("inf")
    with suppress(KeyboardInterrupt):
        watched(connection_of(settings), names, url, Console(), is_over=lambda: time.monotonic() > until)


@app.command(epilog="Example: ringfence topics --json")
def topics(as_json: AsJson = False) -> None:
    """Creates the topics that are missing, checks the others, and lists all with their partitions."""
    from pipeline.kafka.client import connect_admin
    from pipeline.kafka.topics import TopicNames, ensure_topics
    from pipeline.runners.worker import connection_of

    settings = load_settings()
    admin = connect_admin(connection_of(settings), settings.connect_timeout_seconds)
    try:
        names = TopicNames(settings.app_id, settings.topic_prefix)
        counts = ensure_topics(admin, names, settings.partitions, settings.replication_factor)
    finally:
        admin.close()
    print_rows([{"topic": name, "partitions": count} for name, count in sorted(counts.items())], as_json=as_json)


policy_app = typer.Typer(help="Look at, and check, policy books.", no_args_is_help=True)
app.add_typer(policy_app, name="policy")


@policy_app.command("check", epilog="Example: ringfence policy check my-policy.yaml")
def policy_check(file: Annotated[Path, typer.Argument(help="The policy book.")], as_json: AsJson = False) -> None:
    """Every fault of a policy book, by line and field."""
    from pipeline.policy.book import check_book

    faults = check_book(file)
    if as_json:
        rows = [{"file": each.file, "line": each.line, "field": each.field, "text": each.text} for each in faults]
        print_rows(rows, as_json=True)
    else:
        sys.stdout.write("".join(f"{fault}\n" for fault in faults) or f"{file}: fine\n")
    if faults:
        raise typer.Exit(EXIT_FOUND_A_PROBLEM)


@policy_app.command("show", epilog="Example: ringfence policy show --at 2026-06-01T00:00:00Z --marketplace DE")
def policy_show(
    file: Annotated[Path | None, typer.Argument(help="The policy book; the shipped one when left out.")] = None,
    at: Annotated[datetime | None, typer.Option(help="The version in force then; the newest when left out.")] = None,
    marketplace: Annotated[
        str | None, typer.Option(help="As it holds there: overrides and base rates applied.")
    ] = None,
    category: Annotated[str | None, typer.Option(help="As it holds for orders of this category.")] = None,
) -> None:
    """The version in force at an instant, for a marketplace and a category, as YAML with every value filled in."""
    from pipeline.policy.book import load_book
    from pipeline.policy.model import policy_as_held

    book = load_book(file or load_settings().policy_file)
    moment = at.replace(tzinfo=at.tzinfo or UTC) if at else datetime.max.replace(tzinfo=UTC)
    content = policy_as_held(book.in_force(int(moment.timestamp() * 1000)), marketplace, category)
    sys.stdout.write(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120))


@policy_app.command("diff", epilog="Example: ringfence policy diff old.yaml new.yaml")
def policy_diff(
    old: Annotated[Path, typer.Argument(help="The policy book before.")],
    new: Annotated[Path, typer.Argument(help="The policy book after.")],
    as_json: AsJson = False,
) -> None:
    """What changes from one book to another by meaning: order, comments and layout do not count."""
    from pipeline.policy.book import load_book
    from pipeline.policy.changes import changes

    found = changes(load_book(old), load_book(new))
    if as_json:
        names = ("version", "field", "before", "after", "meaning")
        print_rows([{name: getattr(each, name) for name in names} for each in found], as_json=True)
    else:
        sys.stdout.write("".join(f"{change}\n" for change in found) or "no difference in meaning\n")


@policy_app.command("test", epilog="Example: ringfence policy test my-policy.yaml")
def policy_test(
    file: Annotated[Path | None, typer.Argument(help="The policy book; the shipped one when left out.")] = None,
    cases: Annotated[
        Path | None, typer.Option(help="The cases; NAME.cases.yaml beside the book when left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Whether events come to the verdicts and alerts that the policy's cases want. Exit status 1: some do not."""
    from pipeline.policy.book import SHIPPED, load_book
    from pipeline.runners.policy_cases import cases_beside, differences, load_cases
    from pipeline.runners.service import scan_step

    settings = load_settings(policy_file=file)
    book = load_book(settings.policy_file)
    wanted = load_cases(cases or cases_beside(settings.policy_file or SHIPPED))
    found = list(differences(wanted, book, scan_step(book, replay_key(settings))))
    if as_json:
        print_rows([asdict(each) for each in found], as_json=True)
    else:
        failed = len({each.case for each in found})
        sys.stdout.write("".join(f"{each}\n" for each in found))
        sys.stdout.write(f"{len(wanted.cases)} cases, {failed or 'none'} failed\n")
    if found:
        raise typer.Exit(EXIT_FOUND_A_PROBLEM)


packs_app = typer.Typer(help="Language packs.", no_args_is_help=True)
app.add_typer(packs_app, name="packs")


@packs_app.command("check", epilog="Example: ringfence packs check pipeline/detection/languages/de.yaml")
def packs_check(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Packs, each checked beside those shipped; all shipped ones if none.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Whether packs can be used: form, dead phrases, their own examples, and harm to another language."""
    from pipeline.detection.checks import pack_faults

    missing = [str(file) for file in files or () if not file.is_file()]
    if missing:
        raise SettingsError(f"no such file: {', '.join(missing)}; packs are named one by one, say FOLDER/*.yaml")
    faults = pack_faults(files or ())
    for fault in faults:
        if as_json:
            row = {"file": fault.file, "line": fault.line, "reason": fault.text}
            sys.stdout.buffer.write(orjson.dumps(row) + b"\n")
        else:
            sys.stdout.write(f"{fault}\n")
    if faults:
        raise typer.Exit(EXIT_FOUND_A_PROBLEM)


@policy_app.command("publish", epilog="Example: ringfence policy publish my-policy.yaml")
def policy_publish(file: Annotated[Path, typer.Argument(help="The policy book, whole.")]) -> None:
    """Lets a book hold for all workers, from its place in the signal log on; one with faults is not sent."""
    from pipeline.policy.book import load_book
    from pipeline.runners.publish import publish_policy

    book = load_book(file)
    publish_policy(*reachable(), book, file.read_text(encoding="utf-8"))
    sys.stdout.write(f"published {book.versions} (fingerprint {book.fingerprint})\n")


rules_app = typer.Typer(help="How the policy's rules do.", no_args_is_help=True)
app.add_typer(rules_app, name="rules")


@rules_app.command("report", epilog="Example: ringfence rules report tests/replay/marketplace --json")
def rules_report(
    recording: Annotated[Path, typer.Argument(help="Folder of the recording.")],
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """How often each rule weighed in a recording, and how often analysts agreed, with a 95 % interval."""
    from pipeline.kafka.recordings import Recording
    from pipeline.policy.book import load_book
    from pipeline.runners.rules import rules_of_recording
    from pipeline.runners.service import scan_step
    from pipeline.runners.signal_log import work_of

    settings = load_settings(policy_file=policy)
    book = load_book(settings.policy_file)
    source = Recording(recording)
    with progress_bar("rules report", work_of(source)) as advance:
        records = rules_of_recording(source, book, scan_step(book, replay_key(settings)), advance)
    print_rows([record.row() for record in records], as_json=as_json)


letters_app = typer.Typer(help="Records that were set aside.", no_args_is_help=True)
app.add_typer(letters_app, name="dead-letters")
Reason = Annotated[str | None, typer.Option(help="Only those with this reason.")]


@letters_app.command("list", epilog="Example: ringfence dead-letters list --reason not_json")
def letters_list(reason: Reason = None, as_json: AsJson = False) -> None:
    """Where each came from and why it was set aside; never its content."""
    from pipeline.kafka.dead_letters import Wanted, listed

    letters = (each.letter for each in listed(*reachable(), Wanted(reason)))
    fields = {"dead_letter_id", "topic", "partition", "offset", "reason", "error"}
    print_rows([letter.model_dump(include=fields) for letter in letters], as_json=as_json)


@letters_app.command("show", epilog="Example: ringfence dead-letters show 'marketplace.messages.v1[3]@18204'")
def letters_show(place: Annotated[str, typer.Argument(help="Its id, or topic[partition]@offset.")]) -> None:
    """One of them with its content, which may hold personal data."""
    from pipeline.kafka.dead_letters import Wanted, listed

    found = next(listed(*reachable(), Wanted(place=place)), None)
    if found is None:
        raise RecordError("not_found", "no dead letter has that id or place; `ringfence dead-letters list` shows all")
    for name, value in found.letter.model_dump().items():
        sys.stdout.write(f"{name}: {value}\n")
    sys.stdout.write("content:\n")
    sys.stdout.flush()
    sys.stdout.buffer.write((found.value or b"(no value)") + b"\n")


@letters_app.command("redrive", epilog="Example: ringfence dead-letters redrive --reason bad_time --dry-run")
def letters_redrive(  # noqa: PLR0913, PLR0917 - options of a command line
    reason: Reason = None,
    place: Annotated[str | None, typer.Option(help="Only the one with this id or topic[partition]@offset.")] = None,
    topic: Annotated[str | None, typer.Option(help="Only those that came from this topic.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only records not older than this (UTC).")] = None,
    rate: Annotated[float | None, typer.Option(min=0.1, help="Records a second at most.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many.")] = False,
    as_json: AsJson = False,
) -> None:
    """Sends them back to where they came from. Twice does no harm: an event is judged once, by its id."""
    from pipeline.kafka.dead_letters import Wanted, listed, redrive

    connection, names = reachable()
    since_ms = epoch_ms(since) if since else 0
    letters = listed(connection, names, Wanted(reason, place, topic, since_ms))
    sent = sum(1 for _ in letters) if dry_run else redrive(connection, letters, rate=rate)
    if as_json:
        print_rows([{"records": sent, "sent": not dry_run}], as_json=True)
    else:
        sys.stdout.write(f"{sent:,} {'would be ' if dry_run else ''}sent back\n")


sellers_app = typer.Typer(help="What is remembered of sellers.", no_args_is_help=True)
app.add_typer(sellers_app, name="sellers")


@sellers_app.command("show", epilog="Example: ringfence sellers show s-1042 --json")
def sellers_show(
    seller_id: Annotated[str, typer.Argument(help="As the marketplace knows it.")],
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """One seller's state as an analyst reads it, from the changelog; nothing is written. Reads a whole partition."""
    from pipeline.kafka.dead_letters import committed_records
    from pipeline.kafka.topics import partition_of
    from pipeline.policy.book import load_book
    from pipeline.runners.sellers import account, described

    held = load_book(policy or load_settings().policy_file).in_force(time.time_ns() // 1_000_000)
    connection, names = reachable()
    count = partition_count(connection, names.changelog)
    partition = partition_of(seller_id.encode(), count)
    found = account(committed_records(connection, names.changelog, partition), seller_id)
    if found.seller is None:
        raise RecordError("not_found", "nothing is remembered of that seller: it was never heard of, or was erased")
    words = described(found, held)
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(words) + b"\n")
    else:
        sys.stdout.write(yaml.safe_dump(words, sort_keys=False, allow_unicode=True, width=120))


def partition_count(connection: "Connection", topic: str) -> int:
    """How many partitions a topic has.

    Raises:
        SettingsError: there is no such topic.
    """
    from pipeline.kafka.client import connect_admin
    from pipeline.kafka.topics import partition_counts

    admin = connect_admin(connection, load_settings().connect_timeout_seconds)
    try:
        counts = partition_counts(admin, [topic])
    finally:
        admin.close()
    if topic not in counts:
        raise SettingsError(f"there is no topic {topic}; check RINGFENCE_APP_ID, or has no worker run yet?")
    return counts[topic]


@app.command(epilog="Example: ringfence doctor --json")
def doctor(policy: PolicyFile = None, as_json: AsJson = False) -> None:
    """Looks at everything that a worker stands on and says what to do. Exit status 1: something is broken."""
    from pipeline.kafka.topics import TopicNames
    from pipeline.policy.book import load_book
    from pipeline.runners.doctor import Health, Patient, examination
    from pipeline.runners.service import scan_step
    from pipeline.runners.worker import connection_of

    settings = load_settings(policy_file=policy)
    book = load_book(settings.policy_file)
    patient = Patient(
        connection_of(settings),
        TopicNames(settings.app_id, settings.topic_prefix),
        settings.partitions,
        settings.data_dir,
        book,
        scan_step(book, replay_key(settings)),
        settings.connect_timeout_seconds,
    )
    found = list(examination(patient))
    fields = ("check", "health", "found", "advice")
    print_rows([{name: str(getattr(each, name)) for name in fields} for each in found], as_json=as_json)
    if any(each.health is Health.BROKEN for each in found):
        raise typer.Exit(EXIT_FOUND_A_PROBLEM)


@app.command(epilog="Example: ringfence acls ringfence")
def acls(
    user: Annotated[str, typer.Argument(help="The user that the worker signs in as.")], as_json: AsJson = False
) -> None:
    """The least rights that a worker needs, as commands for Kafka's own tool; nothing is reached."""
    from pipeline.kafka.rights import acl_commands, worker_rights
    from pipeline.kafka.topics import TopicNames

    settings = load_settings()
    rights = worker_rights(TopicNames(settings.app_id, settings.topic_prefix))
    if as_json:
        print_rows(
            [{"kind": r.kind, "name": r.name, "operations": r.operations, "is_prefix": r.is_prefix} for r in rights],
            as_json=True,
        )
    else:
        sys.stdout.write("".join(f"{command}\n" for command in acl_commands(rights, user)))


def reachable() -> "tuple[Connection, TopicNames]":
    """The connection and names of the settings, once a broker has answered."""
    from pipeline.kafka.client import connect_admin
    from pipeline.kafka.topics import TopicNames
    from pipeline.runners.worker import connection_of

    settings = load_settings()
    connection = connection_of(settings)
    connect_admin(connection, settings.connect_timeout_seconds).close()
    return connection, TopicNames(settings.app_id, settings.topic_prefix)


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


def named(names: tuple[str, ...]) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more:,} more" if more > 0 else "") or "none"


def example_row(example: "Example") -> dict[str, Any]:
    """One message judged differently, for the terminal."""
    return {
        "verdict": f"{example.old_verdict} → {example.new_verdict}",
        "score": f"{example.old_score:+d} → {example.new_score:+d}",
        "seller": example.seller_id,
        "excerpt": example.excerpt,
        "reasons": "; ".join(example.reasons),
    }


def print_rows(rows: list[dict[str, Any]], *, as_json: bool = False) -> None:
    """Rows of equal keys, as JSON lines or as a table that fits the terminal."""
    if as_json:
        for row in rows:
            sys.stdout.buffer.write(orjson.dumps(row) + b"\n")
        return
    console = Console()
    table = Table(box=None, pad_edge=False)
    cells = [[str(value) for value in row.values()] for row in rows]
    for name in rows[0] if rows else ():
        table.add_column(name, overflow="fold")
    if cells and max(len(first) for first, *_ in cells) <= console.width // 2:
        table.columns[0].no_wrap = True  # what is copied stands whole where there is room: a setting, a seller
    for each in cells:
        table.add_row(*each)
    console.print(table)
