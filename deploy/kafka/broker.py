"""One real Kafka on this machine, from Maven's jars: for `make run` and the tests, not for production.

KRaft, a single node, loopback only, every replication factor 1. Everything that it writes lies in the folder it is
given; the jars (43 MB) are fetched once into `libs/` beside this file.

    python deploy/kafka/broker.py start --port 39092 --dir .ringfence/kafka
    python deploy/kafka/broker.py stop --dir .ringfence/kafka
"""

import argparse
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIBS = HERE / "libs"
CLUSTER_ID = "UmluZ2ZlbmNlLWxvY2FsMQ"
OLDEST_JAVA = 17
START_LIMIT_SECONDS = 60.0
STOP_LIMIT_SECONDS = 30.0
MAVEN_LIMIT_SECONDS = 600.0
HEAP = "512m"

LOG4J = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
"""


class BrokerError(Exception):
    """The broker cannot run here; the text says what is missing and what to do."""


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker that listens on `port` of the loopback and keeps its log, settings and pid in `folder`."""

    folder: Path
    port: int
    heap: str = HEAP
    more_listeners: Mapping[str, int] = field(default_factory=dict)
    """Security protocol -> port of a second way in, beside the plain one; for tests of TLS and SASL."""
    more_settings: Mapping[str, str] = field(default_factory=dict)
    """What that way in wants to know: certificates, mechanisms, an authoriser."""

    @property
    def address(self) -> str:
        """What clients connect to."""
        return f"127.0.0.1:{self.port}"

    @property
    def log_file(self) -> Path:
        """What the broker printed."""
        return self.folder / "broker.log"

    def start(self) -> None:
        """Starts it and returns when it answers; one that runs already is left alone.

        Raises:
            BrokerError: Java or Maven is missing, the port is taken, or it ended while starting.
        """
        if pid_of(self.folder) is not None and is_listening(self.port):
            return
        if is_listening(self.port):
            raise BrokerError(f"port {self.port} is taken by another program; choose another with --port")
        java = checked_java()
        fetch_jars()
        self._format(java)
        with self.log_file.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own command line
                [java, *self._java_options(), "kafka.Kafka", str(self._properties_file)],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in the terminal is the worker's, the broker is stopped after it
            )
        (self.folder / "pid").write_text(str(process.pid))
        self._await_readiness(process)

    def stop(self) -> None:
        """Ends it cleanly, and by force after half a minute."""
        pid = pid_of(self.folder)
        if pid is None:
            return
        os.kill(pid, signal.SIGTERM)
        if not wait_until(lambda: not is_alive(pid), STOP_LIMIT_SECONDS):
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not is_alive(pid), STOP_LIMIT_SECONDS)
        (self.folder / "pid").unlink(missing_ok=True)

    def kill(self) -> None:
        """Ends it as a power cut of the process would: SIGKILL, nothing flushed."""
        pid = pid_of(self.folder)
        if pid is None:
            return
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(pid), STOP_LIMIT_SECONDS)
        (self.folder / "pid").unlink(missing_ok=True)

    @property
    def _properties_file(self) -> Path:
        return self.folder / "server.properties"

    def _java_options(self) -> list[str]:
        return [
            f"-Xmx{self.heap}",
            f"-Xms{self.heap}",
            "-XX:+UseSerialGC",  # two cores are shared with the worker
            f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}",
            "-cp",
            f"{LIBS}/*",
        ]

    def _format(self, java: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._properties_file.write_text(self._properties())
        (self.folder / "log4j2.properties").write_text(LOG4J)
        if (self.folder / "data" / "meta.properties").exists():
            return
        done = subprocess.run(  # noqa: S603 - our own command line
            [
                *(java, *self._java_options(), "kafka.tools.StorageTool", "format"),
                *("-t", CLUSTER_ID, "-c", str(self._properties_file), "--ignore-formatted"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise BrokerError(f"Kafka could not prepare {self.folder}:\n{done.stdout}{done.stderr}")

    def _properties(self) -> str:
        controller_port = free_port()
        more = "".join(f",{protocol}://127.0.0.1:{port}" for protocol, port in self.more_listeners.items())
        protocols = "".join(f",{protocol}:{protocol}" for protocol in self.more_listeners)
        settings = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller_port}{more}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}{more}",
            "listener.security.protocol.map": f"PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT{protocols}",
            "log.dirs": self.folder / "data",
            "num.partitions": 4,
            "default.replication.factor": 1,
            "min.insync.replicas": 1,
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,
            "auto.create.topics.enable": "false",
            "message.max.bytes": 16 * 1024 * 1024,
            "replica.fetch.max.bytes": 16 * 1024 * 1024,
            "transaction.max.timeout.ms": 900_000,
            "log.retention.check.interval.ms": 300_000,
            **self.more_settings,
        }
        return "".join(f"{name}={value}\n" for name, value in settings.items())

    def _await_readiness(self, process: "subprocess.Popen[bytes]") -> None:
        ready = wait_until(lambda: process.poll() is not None or is_listening(self.port), START_LIMIT_SECONDS)
        if ready and process.poll() is None:
            process.returncode = 0  # it outlives us; without this, the object would warn of it when it is collected
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait()
        (self.folder / "pid").unlink(missing_ok=True)
        tail = "\n".join(self.log_file.read_text(errors="replace").splitlines()[-20:])
        raise BrokerError(f"Kafka did not start on {self.address}; its last lines, from {self.log_file}:\n{tail}")


def checked_java() -> str:
    """Path of a Java that is new enough."""
    java = shutil.which("java")
    if java is None:
        raise BrokerError(
            f"Java {OLDEST_JAVA} or newer is missing (Debian: `apt install openjdk-17-jre-headless maven`). "
            "A broker elsewhere serves as well: set RINGFENCE_BROKERS. `make replay` needs no broker at all."
        )
    shown = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S603 - found above
    version = re.search(r'version "(\d+)', shown)
    if version is None or int(version[1]) < OLDEST_JAVA:
        first_line = shown.splitlines()[0] if shown else "nothing"
        raise BrokerError(f"Kafka wants Java {OLDEST_JAVA} or newer; `java -version` says {first_line}")
    return java


def fetch_jars() -> None:
    """Fills `libs/` with Kafka's jars by Maven; does nothing when they lie there."""
    if (LIBS / "complete").exists():
        return
    maven = shutil.which("mvn")
    if maven is None:
        raise BrokerError(
            "Maven is missing, and Kafka's jars are not there yet (Debian: `apt install maven`). "
            "A broker elsewhere serves as well: set RINGFENCE_BROKERS. `make replay` needs no broker at all."
        )
    print("fetching Kafka 4.1.1 from Maven, 43 MB, once ...", file=sys.stderr, flush=True)  # noqa: T201 - a command talks
    done = subprocess.run(  # noqa: S603 - found above
        [maven, "-q", "-B", "-f", str(HERE / "pom.xml"), "dependency:copy-dependencies", f"-DoutputDirectory={LIBS}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=MAVEN_LIMIT_SECONDS,
    )
    if done.returncode != 0 or not any(LIBS.glob("kafka_2.13-*.jar")):
        raise BrokerError(
            f"Maven could not fetch Kafka's jars; check the network or its mirror:\n{done.stdout[-2000:]}"
        )
    (LIBS / "complete").touch()


def pid_of(folder: Path) -> int | None:
    """Process id of the broker of that folder; `None` when it does not run."""
    try:
        pid = int((folder / "pid").read_text())
        command = Path(f"/proc/{pid}/cmdline")
        # A pid that the system gave to another program is not ours to signal.
        is_ours = not command.parent.parent.joinpath("self").exists() or str(folder) in command.read_text()
    except (OSError, ValueError):
        return None
    return pid if is_ours and is_alive(pid) else None


def is_alive(pid: int) -> bool:
    """Whether the process runs; one of our own children that has ended is reaped on the way."""
    with contextlib.suppress(ChildProcessError):
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def is_listening(port: int) -> bool:
    """Whether something accepts connections on that port of the loopback."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
        return True
    return False


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], bool], limit_seconds: float) -> bool:
    """Whether the condition came true within the limit; looks every 50 ms."""
    deadline = time.monotonic() + limit_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def main() -> int:
    """Starts, stops or kills the broker of a folder; prints its address when it runs."""
    parser = argparse.ArgumentParser(description="One real Kafka broker on this machine.")
    parser.add_argument("action", choices=["start", "stop", "kill", "status"])
    parser.add_argument("--dir", type=Path, required=True, help="folder for its log, settings and pid")
    parser.add_argument("--port", type=int, default=39092)
    options = parser.parse_args()
    broker = Broker(options.dir.resolve(), options.port)
    try:
        match options.action:
            case "start":
                broker.start()
                print(broker.address)  # noqa: T201 - a command talks
            case "stop":
                broker.stop()
            case "kill":
                broker.kill()
            case "status":
                print("running" if pid_of(broker.folder) else "stopped")  # noqa: T201 - a command talks
    except BrokerError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command talks
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
