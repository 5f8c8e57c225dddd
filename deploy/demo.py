"""What `make run` does: a Kafka, the worker and sample traffic on this machine, and each alert as it comes.

With RINGFENCE_BROKERS set it uses that cluster and starts none. Everything that it starts ends with it.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOME = HERE.parent / ".ringfence" / "run"
RINGFENCE = Path(sys.executable).with_name("ringfence")
READY_LIMIT_SECONDS = 90.0
STOP_LIMIT_SECONDS = 15.0


class DemoError(Exception):
    """It cannot go on; the text says why and what to do."""


def main() -> int:
    """Starts broker, worker and traffic, watches, and ends all of it; 0 when all went well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--duration", type=float, default=0.0, help="seconds to run; 0 until Ctrl-C")
    parser.add_argument("--rate", type=float, default=100.0, help="records a second of sample traffic")
    parser.add_argument("--seed", type=int, default=1, help="which marketplace the traffic plays")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    try:
        with ExitStack() as started:
            run(started, options)
    except DemoError as error:
        sys.stderr.write(f"make run: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stdout.write("\nall of it has ended\n")
    return 0


def run(started: ExitStack, options: argparse.Namespace) -> None:
    """The demonstration itself; `started` ends what it begins, in reverse."""
    metrics_port = free_port()
    environment = {
        **os.environ,
        "RINGFENCE_BROKERS": os.environ.get("RINGFENCE_BROKERS") or start_broker(started),
        "RINGFENCE_DATA_DIR": str(HOME / "data"),
        "RINGFENCE_HTTP_PORT": str(metrics_port),
        "RINGFENCE_TICK_INTERVAL_SECONDS": os.environ.get("RINGFENCE_TICK_INTERVAL_SECONDS", "5"),
        "RINGFENCE_PSEUDONYM_KEY": os.environ.get("RINGFENCE_PSEUDONYM_KEY", "ringfence-development-key-not-secret"),
    }
    say(f"starting the worker; its log is {shown(HOME / 'worker.log')}")
    worker = start(started, "worker", [str(RINGFENCE), "run"], environment)
    await_readiness(worker, metrics_port)
    say(f"metrics on http://127.0.0.1:{metrics_port}/metrics, health on /health and /ready")
    traffic = [str(RINGFENCE), "sample", "--publish", "--rate", str(options.rate), "--seed", str(options.seed)]
    start(started, "traffic", traffic, environment)
    say(f"sample traffic at {options.rate:g} records/s; alerts follow. Ctrl-C ends all of it")
    watching = [str(RINGFENCE), "watch", "--metrics-url", f"http://127.0.0.1:{metrics_port}/metrics"]
    if options.duration:
        watching += ["--duration", str(options.duration)]
    status = subprocess.run(watching, env=environment, check=False).returncode  # noqa: S603 - our own command
    if worker.poll() is not None:
        raise DemoError(f"the worker ended with status {worker.returncode}:\n{tail(HOME / 'worker.log')}")
    if status not in {0, -signal.SIGINT, 130}:
        raise DemoError(f"watching the alerts ended with status {status}")
    say(f"{options.duration:g} s are over; all of it ends")


def start_broker(started: ExitStack) -> str:
    """Starts a single-node Kafka and returns its address."""
    folder, port = HOME / "kafka", free_port()
    say("starting a single-node Kafka (the first time its jars are fetched)")
    command = [sys.executable, str(HERE / "kafka" / "broker.py")]
    result = subprocess.run(  # noqa: S603 - our own command
        [*command, "start", "--dir", str(folder), "--port", str(port)],
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    if result.returncode:
        raise DemoError(f"{result.stderr.strip()}\n'make replay' works without a broker")
    started.callback(subprocess.run, [*command, "stop", "--dir", str(folder)], check=False, stdout=subprocess.DEVNULL)
    return f"127.0.0.1:{port}"


def start(
    started: ExitStack, name: str, command: list[str], environment: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    """Starts one part with a log of its own, in a session of its own so that Ctrl-C reaches only us."""
    with (HOME / f"{name}.log").open("wb") as log:
        part = subprocess.Popen(  # noqa: S603 - our own command
            command, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    started.callback(end, part)
    return part


def end(part: "subprocess.Popen[bytes]") -> None:
    """Asks a part to end, and insists after a while."""
    if part.poll() is None:
        part.terminate()
        try:
            part.wait(STOP_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            part.kill()
            part.wait()


def await_readiness(worker: "subprocess.Popen[bytes]", port: int) -> None:
    """Returns when the worker says that it is ready."""
    deadline = time.monotonic() + READY_LIMIT_SECONDS
    while time.monotonic() < deadline:
        if worker.poll() is not None:
            raise DemoError(f"the worker ended with status {worker.returncode}:\n{tail(HOME / 'worker.log')}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=1.0):
                return
        except OSError:
            time.sleep(0.1)
    raise DemoError(f"the worker was not ready within {READY_LIMIT_SECONDS:g} s:\n{tail(HOME / 'worker.log')}")


def tail(file: Path, lines: int = 12) -> str:
    """The last lines of a log."""
    return "\n".join(file.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def free_port() -> int:
    """A port of the loopback that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def shown(path: Path) -> str:
    """A path as the reader would type it."""
    return str(path.relative_to(HERE.parent))


def say(text: str) -> None:
    """One line to the person at the terminal."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
