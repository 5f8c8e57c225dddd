"""What the worker refuses before it joins the group, and how it stops."""

import socket
import time
import urllib.error
import urllib.request

import orjson
from kafka.admin import KafkaAdminClient

from pipeline.kafka.topics import Output
from tests.broker.harness import Stage, wait_for


def test_partition_counts_that_disagree_are_refused_before_anything_is_read(stage: Stage):
    admin = KafkaAdminClient(bootstrap_servers=stage.address)
    admin.create_partitions({stage.names.of(Output.SIGNALS): 6})
    wait_for(
        lambda: len(admin.describe_topics([stage.names.of(Output.SIGNALS)])[0]["partitions"]) == 6, "the partitions"
    )
    admin.close()
    worker = stage.start(wait=False)
    wait_for(lambda: not worker.is_running(), "the refusal")
    assert worker.process.returncode == 1
    assert "signals.v1 has 6 partitions" in worker.output.read_text()


def test_no_broker_is_said_with_its_address_after_the_time_that_was_set(stage: Stage):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nowhere = f"127.0.0.1:{unused.getsockname()[1]}"
        started = time.monotonic()
        worker = stage.start(wait=False, RINGFENCE_BROKERS=nowhere, RINGFENCE_CONNECT_TIMEOUT_SECONDS="2")
        wait_for(lambda: not worker.is_running(), "giving up")
    assert worker.process.returncode == 1
    assert time.monotonic() - started < 10
    said = worker.output.read_text()
    assert nowhere in said
    assert "broker_unreachable" in said


def http_port(worker):
    lines = [line for line in worker.output.read_text().splitlines() if "worker_started" in line]
    line = lines[0]
    return orjson.loads(line)["http_port"] if line.startswith("{") else int(line.split("http_port=")[1].split()[0])


def get(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_worker_answers_its_probes_and_stops_within_ten_seconds(stage: Stage):
    worker = stage.start()
    port = http_port(worker)
    wait_for(lambda: get(port, "/ready") == (200, "ok\n"), "readiness")
    assert get(port, "/health") == (200, "ok\n")
    assert get(port, "/elsewhere")[0] == 404
    wait_for(lambda: 'ringfence_transactions_total{step="judge"}' in get(port, "/metrics")[1], "a tick's transaction")
    started = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - started < 10
