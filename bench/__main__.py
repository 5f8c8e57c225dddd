"""The bars of the design's section 3, measured in one run beside peers; medians of several rounds.

    python -m bench [--rounds 5] [--messages 400000] [--rate N] [--only scan,judge,latency,restart,replay,scaling,soak]

The broker gets one core and each contender the other. Absolute figures drift with the machine: read the ratios.
"""

import argparse
import json
import logging
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from rich.console import Console
from rich.table import Table

from bench.load import publish
from bench.traffic import messages, signals
from pipeline.kafka.topics import Input, Output, TopicNames, ensure_topics, partition_of

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".ringfence" / "bench"
PEERS = ROOT / "bench" / "peers"
PEER_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
PARTITIONS = 4
MILLION = 1_000_000
SOAK_MESSAGES, SOAK_STEPS = 1_440_000, 24
WARM_UP_PROBES = 20
COUNTED_SHARE = 0.95
FLAT_FROM = "judge, 10,000 sellers"
LIMIT_SECONDS = 600.0
BROKER_CORE, CONTENDER_CORE = 0, max((os.cpu_count() or 1) - 1, 0)
Figures = dict[str, Any]
console = Console()
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))


@contextmanager
def broker() -> Iterator[str]:
    """A single-node Kafka on a core of its own."""
    port = free_port()
    shutil.rmtree(FOLDER, ignore_errors=True)
    command = [sys.executable, str(ROOT / "deploy/kafka/broker.py")]
    folder = ["--dir", str(FOLDER / "kafka")]
    subprocess.run(  # noqa: S603 - our own command
        on_core(BROKER_CORE, [*command, "start", *folder, "--port", str(port)]),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield f"127.0.0.1:{port}"
    finally:
        subprocess.run([*command, "stop", *folder], check=False, stdout=subprocess.DEVNULL)  # noqa: S603 - the same


def on_core(cores: int | str, command: list[str]) -> list[str]:
    """The command, kept on one core, or a list of them, where the system can do that."""
    return ["taskset", "--cpu-list", str(cores), *command] if shutil.which("taskset") else command


def contend(command: list[str], cores: str = str(CONTENDER_CORE)) -> Figures:
    """Runs one contender on its core until it prints its figures."""
    result = subprocess.run(  # noqa: S603 - our own commands
        on_core(cores, command),
        check=False,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        cwd=ROOT,
    )
    lines = [line for line in result.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise RuntimeError(f"{' '.join(command[:4])} ended without figures:\n{result.stderr[-2000:]}")
    return dict(json.loads(lines[-1]))


def new_names(address: str, label: str) -> TopicNames:
    """Topics of their own for one contender."""
    names = TopicNames(f"bench-{label}", f"bench-{label}.")
    admin = KafkaAdminClient(bootstrap_servers=address)
    try:
        ensure_topics(admin, names, PARTITIONS, 1)
    finally:
        admin.close()
    return names


def ringfence(mode: str, address: str, names: TopicNames, app_id: str, wanted: int) -> list[str]:
    """The command of our own contender."""
    return [sys.executable, "-m", "bench.service", mode, address, app_id, names.prefix, str(wanted)]


def bench_scan(address: str, rounds: int, count: int) -> dict[str, list[Figures]]:
    """Scan beside consumers that only consume, in turn, so that a drift of the machine meets all alike."""
    names = new_names(address, "scan")
    topic = names.of(Input.MESSAGES)
    publish(address, topic, ((number % PARTITIONS, None, value) for number, value in enumerate(messages(count))))

    def peer(python: Path | str, script: str, wanted: int) -> Callable[[int], list[str]]:
        return lambda number: [str(python), str(PEERS / script), address, topic, str(wanted), str(number)]

    contenders: dict[str, Callable[[int], list[str]]] = {
        "ringfence scan": lambda number: ringfence("scan", address, names, f"bench-scan-{number}", count),
        "stock faust, consume": peer(sys.executable, "stock_faust.py", count // 8),
        "aiokafka, consume and decode": peer(sys.executable, "plain_aiokafka.py", count),
        "confluent-kafka, consume and decode": peer(PEER_PYTHON, "confluent.py", count),
        "quix streams, consume and decode": peer(PEER_PYTHON, "quix.py", count // 8),
    }
    figures: dict[str, list[Figures]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name, command in contenders.items():
            figures[name].append(contend(command(number)))
            console.print(f"scan round {number + 1}: {name}: {figures[name][-1]['per_second']:,}/s", style="dim")
    return figures


def bench_judge(address: str, rounds: int, count: int) -> dict[str, list[Figures]]:
    """Judge in catch-up, signals of 1 thousand to 1 million sellers; from 10 thousand on a signal costs the same."""
    figures: dict[str, list[Figures]] = {}
    for sellers in (1_000, 10_000, 100_000, MILLION):
        name = f"judge, {sellers:,} sellers"
        names = new_names(address, f"judge-{sellers}")
        topic = names.of(Output.SIGNALS)
        load = ((partition_of(key, PARTITIONS), key, value) for key, value in signals(max(count, sellers), sellers))
        # The last batch of a partition is not followed by one that would count it.
        wanted = int(publish(address, topic, load) * COUNTED_SHARE)
        figures[name] = []
        for number in range(rounds if sellers < MILLION else 1):
            command = ringfence("judge", address, names, f"bench-judge-{sellers}-{number}", wanted)
            figures[name].append(contend(command))
            console.print(f"judge round {number + 1}: {name}: {figures[name][-1]['per_second']:,}/s", style="dim")
    return figures


def bench_latency(address: str, rate: int, seconds: int = 20) -> Figures:
    """From a message's Kafka timestamp to its alert read, read committed, while `rate` messages a second flow."""
    names = new_names(address, "latency")
    port = free_port()
    worker = subprocess.Popen(  # noqa: S603 - our own command
        on_core(CONTENDER_CORE, [*ringfence("serve", address, names, "bench-latency", 0), str(port)]),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    try:
        await_ready(port, worker)
        loader = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "bench.flow", address, names.of(Input.MESSAGES), str(rate), str(seconds)], cwd=ROOT
        )
        latencies = read_latencies(address, names, loader)
        peak_bytes = peak_memory_bytes(worker.pid)
    finally:
        worker.terminate()
        worker.wait(30)
    latencies.sort()
    return {
        "rate": rate,
        "alerts": len(latencies),
        "p50_ms": latencies[len(latencies) // 2],
        "p99_ms": latencies[int(len(latencies) * 0.99)],
        "largest_ms": latencies[-1],
        "peak_bytes": peak_bytes,
    }


def read_latencies(address: str, names: TopicNames, loader: "subprocess.Popen[bytes]") -> list[int]:
    """Milliseconds from each probe's Kafka timestamp to the moment its alert was read; the first second is warm-up."""
    consumer = KafkaConsumer(
        names.of(Output.ALERTS),
        bootstrap_servers=address,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        fetch_max_wait_ms=10,
    )
    latencies: list[int] = []
    quiet_until = time.monotonic() + 30
    while loader.poll() is None or time.monotonic() < quiet_until:
        for records in consumer.poll(timeout_ms=10).values():
            now_ms = time.time_ns() // 1_000_000
            for record in records:
                number, sent_ms = probe_of(record.value)
                if number >= WARM_UP_PROBES:
                    latencies.append(now_ms - sent_ms)
        if loader.poll() is None:
            quiet_until = time.monotonic() + 5
    consumer.close()
    return latencies


def probe_of(value: bytes) -> tuple[int, int]:
    """The number of a probe, and when it was sent, from its alert; no probe counts as warm-up."""
    alert = orjson.loads(value)
    if not alert["seller_id"].startswith("probe-"):
        return -1, 0
    return int(alert["seller_id"].removeprefix("probe-")), round(datetime.fromisoformat(alert["at"]).timestamp() * 1000)


def bench_restart(address: str) -> Figures:
    """How long a worker takes until ready with a million sellers, with its local store and without it.

    The worker of `bench_judge` left store and changelog behind.
    """
    app_id, names = "bench-judge-1000000-0", TopicNames("bench-judge-1000000", "bench-judge-1000000.")
    figures: Figures = {}
    for label in ("kept", "lost"):
        if label == "lost":
            shutil.rmtree(FOLDER / app_id)
        port = free_port()
        started = time.perf_counter()
        worker = subprocess.Popen(  # noqa: S603 - our own command
            on_core(CONTENDER_CORE, [*ringfence("serve", address, names, app_id, 0), str(port)]),
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        try:
            await_ready(port, worker)
            figures[f"store_{label}_seconds"] = round(time.perf_counter() - started, 2)
            figures[f"store_{label}_peak_bytes"] = peak_memory_bytes(worker.pid)
        finally:
            worker.terminate()
            worker.wait(60)
    return figures


def bench_replay(rounds: int, count: int) -> dict[str, list[Figures]]:
    """Replays of a recording, of one four times and of one sixteen times as long, on one core; then on two processes.

    Memory is not to grow with the length.
    """
    figures: dict[str, list[Figures]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for length in (count, 4 * count, 16 * count):
            recording = f"{folder}/{length}"
            subprocess.run(  # noqa: S603 - our own command
                [sys.executable, "-m", "bench.replay", "write", recording, str(length)], check=True, cwd=ROOT
            )
            name = f"replay, {length:,} messages"
            command = [sys.executable, "-m", "bench.replay", "run", recording]
            figures[name] = [contend([*command, "1"]) for _ in range(rounds if length == count else 1)]
            console.print(f"{name}: {figures[name][-1]['per_second']:,}/s", style="dim")
        both = contend([*command, "2"], cores=f"{BROKER_CORE},{CONTENDER_CORE}")
        figures[f"{name}, two processes on two cores"] = [both]
    return figures


def replay_notes(figures: dict[str, list[Figures]]) -> Figures:
    """What the table does not say: the share of detection, and that all processes agree."""
    first, *_, longest, both = figures.values()
    rest_us = median(first, "cpu_us_per_message") - median(first, "detection_us_per_message")
    return {
        "detection_us_per_message": median(first, "detection_us_per_message"),
        "all_else_us_per_message": round(rest_us, 2),
        "digests_agree": longest[0]["digest"] == both[0]["digest"],
    }


def bench_scaling(address: str, count: int) -> dict[str, list[Figures]]:
    """The whole service on 1, 2 and 4 processes that share the partitions; they have all cores but the broker's."""
    cores = f"1-{CONTENDER_CORE}" if CONTENDER_CORE > 1 else f"0-{CONTENDER_CORE}"
    figures: dict[str, list[Figures]] = {}
    for processes in (1, 2, 4):
        names = new_names(address, f"scaling-{processes}")
        with crew(address, names, processes, cores) as workers:
            rows = ((number % PARTITIONS, None, value) for number, value in enumerate(messages(count)))
            publish(address, names.of(Input.MESSAGES), rows)
            started, spent = time.perf_counter(), cpu_seconds(workers)
            await_end(address, names)
            seconds, spent = time.perf_counter() - started, cpu_seconds(workers) - spent
            figures[f"{processes} processes" if processes > 1 else "1 process"] = [
                {
                    "per_second": round(count / seconds),
                    "cpu_us_per_message": round(spent / count * 1e6, 1),
                    "peak_bytes": max(peak_memory_bytes(each.pid) for each in workers),
                }
            ]
        console.print(f"scaling: {processes}: {round(count / seconds):,}/s", style="dim")
    return figures


def bench_soak(address: str, count: int) -> Figures:
    """Four hours of a hundred messages a second as fast as they go: memory after a quarter and at the end."""
    names = new_names(address, "soak")
    with crew(address, names, 1, str(CONTENDER_CORE)) as workers:
        pid = workers[0].pid
        sizes: list[int] = []
        step = count // SOAK_STEPS
        source = messages(count, seed=3, sellers=50_000)
        for number in range(SOAK_STEPS):
            rows = ((at % PARTITIONS, None, value) for at, value in enumerate(islice(source, step)))
            publish(address, names.of(Input.MESSAGES), rows)
            await_end(address, names)
            sizes.append(resident_bytes(pid))
            console.print(f"soak {number + 1} of {SOAK_STEPS}: {sizes[-1] / 1e6:.0f} MB", style="dim")
    quarter = len(sizes) // 4
    return {
        "messages": step * SOAK_STEPS,
        "after_a_quarter_bytes": sizes[quarter - 1],
        "at_the_end_bytes": sizes[-1],
        "growth": round(sizes[-1] / sizes[quarter - 1], 3),
    }


@contextmanager
def crew(address: str, names: TopicNames, processes: int, cores: str) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Workers of one group that share the partitions, ready; ends them."""
    ports = [free_port() for _ in range(processes)]
    workers = [
        subprocess.Popen(  # noqa: S603 - our own command
            on_core(cores, [*ringfence("serve", address, names, names.app_id, 0), str(port), str(port)]), cwd=ROOT
        )
        for port in ports
    ]
    try:
        for port, worker in zip(ports, workers, strict=True):
            await_ready(port, worker)
        yield workers
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait(60)


def await_end(address: str, names: TopicNames) -> None:
    """Returns when the group has committed all that its inputs hold."""
    consumer = KafkaConsumer(bootstrap_servers=address, enable_auto_commit=False)
    admin = KafkaAdminClient(bootstrap_servers=address)
    try:
        places = [TopicPartition(topic, each) for topic in names.inputs for each in range(PARTITIONS)]
        deadline = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < deadline:
            ends = consumer.end_offsets(places)
            committed = admin.list_group_offsets(names.app_id)[names.app_id]
            if all(place in committed and committed[place].offset >= end for place, end in ends.items() if end):
                return
            time.sleep(0.2)
    finally:
        consumer.close()
        admin.close()
    raise RuntimeError("the workers did not come to the end in time")


def cpu_seconds(workers: list["subprocess.Popen[bytes]"]) -> float:
    """CPU time of all processes so far."""
    ticks = 0
    for worker in workers:
        fields = Path(f"/proc/{worker.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """Resident size of a process now."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def await_ready(port: int, worker: "subprocess.Popen[bytes]") -> None:
    """Returns when the worker says that it is ready."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        if worker.poll() is not None:
            raise RuntimeError(f"the worker ended with status {worker.returncode}")
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=1.0):
            return
        time.sleep(0.05)
    raise RuntimeError("the worker was not ready in time")


def peak_memory_bytes(pid: int) -> int:
    """Peak resident size of a process that runs."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]  # Linux has the line


def free_port() -> int:
    """A port of the loopback that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def median(rows: list[Figures], field: str) -> float:
    """The median of a figure over the rounds."""
    return float(statistics.median(row[field] for row in rows))


def table(title: str, figures: dict[str, list[Figures]]) -> Table:
    """The medians, first row the reference of the last column."""
    view = Table(title=title, title_justify="left")
    for column in ("contender", "per second", "CPU µs each", "peak MB", "relative"):
        view.add_column(column, justify="left" if column == "contender" else "right")
    reference = median(next(iter(figures.values())), "per_second")
    for name, rows in figures.items():
        rate = median(rows, "per_second")
        view.add_row(
            name,
            f"{rate:,.0f}",
            f"{median(rows, 'cpu_us_per_message'):.1f}",
            f"{median(rows, 'peak_bytes') / 1e6:,.0f}",
            f"{rate / reference:.2f}",
        )
    return view


def flatness(figures: dict[str, list[Figures]]) -> Figures:
    """CPU time of a signal at each number of sellers, by that at 10 thousand."""
    costs = {name: median(rows, "cpu_us_per_message") for name, rows in figures.items()}
    return {name: round(cost / costs[FLAT_FROM], 2) for name, cost in costs.items()}


def figure_table(title: str, figures: Figures) -> Table:
    """Figures by name."""
    view = Table(title=title, title_justify="left", show_header=False)
    for name, value in figures.items():
        shown = f"{value / 1e6:,.0f} MB" if name.endswith("_bytes") else f"{value:,}"
        view.add_row(name.removesuffix("_bytes").replace("_", " "), shown)
    return view


def main() -> int:
    """Runs the parts asked for and writes bench/latest.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=400_000)
    parser.add_argument("--rate", type=int, default=0, help="messages a second for the latency, not half of the scan's")
    parser.add_argument("--only", default="scan,judge,latency,restart,replay")
    options = parser.parse_args()
    parts = set(options.only.split(","))
    results: dict[str, Any] = {}
    if parts - {"replay"}:
        on_broker(parts, options, results)
    if "replay" in parts:
        results["replay"] = bench_replay(options.rounds, options.messages // 4)
        console.print(table("Replay: 5 % of messages of interest", results["replay"]))
        console.print(figure_table("Replay, one core", replay_notes(results["replay"])))
    (ROOT / "bench" / "latest.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return 0


def on_broker(parts: set[str], options: argparse.Namespace, results: dict[str, Any]) -> None:
    """The parts that need a broker."""
    with broker() as address:
        if "scan" in parts:
            results["scan"] = bench_scan(address, options.rounds, options.messages)
            console.print(table("Scan: 5 % of messages of interest, one core", results["scan"]))
        if "judge" in parts:
            results["judge"] = bench_judge(address, options.rounds, options.messages // 2)
            console.print(table("Judge: catch-up, transactions included, one core", results["judge"]))
            results["flatness"] = flatness(results["judge"])
            console.print(figure_table("Cost of a signal, against that at 10 thousand sellers", results["flatness"]))
        if "latency" in parts:
            half = int(median(results["scan"]["ringfence scan"], "per_second") / 2) if "scan" in results else 40_000
            results["latency"] = bench_latency(address, options.rate or half)
            console.print(figure_table("Latency at half load: message produced to alert read", results["latency"]))
        if "scaling" in parts:
            results["scaling"] = bench_scaling(address, options.messages)
            console.print(table("The whole service over processes", results["scaling"]))
        if "soak" in parts:
            results["soak"] = bench_soak(address, SOAK_MESSAGES)
            console.print(figure_table("Soak: four hours at a hundred messages a second", results["soak"]))
        if "restart" in parts and "judge" in parts:
            results["restart"] = bench_restart(address)
            console.print(figure_table("Restart with a million sellers, until ready", results["restart"]))


if __name__ == "__main__":
    sys.exit(main())
