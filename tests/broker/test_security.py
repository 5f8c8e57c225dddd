"""A broker that asks for TLS, a SCRAM login and rights: the worker with its least rights works, and less is refused."""

import contextlib
import itertools
import os
import shutil
import subprocess
from pathlib import Path

import orjson
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from kafka.errors import TopicAuthorizationFailedError

from pipeline.kafka.rights import Right, worker_rights
from pipeline.kafka.topics import Input, Output
from tests.broker.conftest import load_broker_module
from tests.broker.harness import ROOT, Load, Stage, faults, shown_on_failure, wait_for, wait_for_end

numbers = itertools.count(1)
USER, PASSWORD = "ringfence-worker", "swordfish-never-shown-7391"
KEY = "pseudonym-key-never-shown-5520"
KINDS = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP, "transactional-id": ResourceType.TRANSACTIONAL_ID}


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run([shutil.which("openssl"), *arguments], cwd=folder, check=True, capture_output=True)


def certificates(folder: Path) -> None:
    """An authority, a broker's certificate by it, and an authority that nobody trusts."""
    days = ("-days", "2")
    for name in ("ca", "stranger"):
        subject = ("-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
        openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", *days, *subject)
    openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=broker", "-keyout", "b.key", "-out", "b.csr")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names")
    openssl(folder, "x509", "-req", "-in", "b.csr", *signing, *days, "-out", "b.pem")
    (folder / "broker.pem").write_text((folder / "b.key").read_text() + (folder / "b.pem").read_text())


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A broker with a guarded way in; the plain one is the test's own, and may do everything."""
    folder = tmp_path_factory.mktemp("guarded")
    certificates(folder)
    module = load_broker_module()
    broker = module.Broker(
        folder / "kafka",
        module.free_port(),
        more_listeners={"SASL_SSL": module.free_port()},
        more_settings={
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(folder / "broker.pem"),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(folder / "ca.pem"),
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": (
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            ),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        },
    )
    broker.start()
    with contextlib.closing(KafkaAdminClient(bootstrap_servers=broker.address)) as admin:
        credentials = UserScramCredentialUpsertion(USER, ScramMechanism.SCRAM_SHA_512, PASSWORD)
        assert not any(admin.alter_user_scram_credentials([credentials]).values())
    yield broker, folder
    broker.stop()


@pytest.fixture
def secured(guarded, tmp_path):
    """A stage whose workers come in by the guarded way."""
    broker, _ = guarded
    made = Stage(broker.address, tmp_path, f"secured-{next(numbers)}")
    made.make_topics()
    with shown_on_failure(made):
        try:
            yield made
        finally:
            made.close()


def login(guarded, **other: str) -> dict[str, str]:
    broker, folder = guarded
    return {
        "RINGFENCE_BROKERS": f"127.0.0.1:{broker.more_listeners['SASL_SSL']}",
        "RINGFENCE_SECURITY_PROTOCOL": "SASL_SSL",
        "RINGFENCE_SASL_MECHANISM": "SCRAM-SHA-512",
        "RINGFENCE_SASL_USERNAME": USER,
        "RINGFENCE_SASL_PASSWORD": PASSWORD,
        "RINGFENCE_TLS_CA_FILE": str(folder / "ca.pem"),
        "RINGFENCE_PSEUDONYM_KEY": KEY,
        "RINGFENCE_CONNECT_TIMEOUT_SECONDS": "5",
    } | other


def client(guarded) -> dict[str, str]:
    """The same login for kafka-python."""
    broker, folder = guarded
    return {
        "bootstrap_servers": f"127.0.0.1:{broker.more_listeners['SASL_SSL']}",
        "security_protocol": "SASL_SSL",
        "ssl_cafile": str(folder / "ca.pem"),
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": USER,
        "sasl_plain_password": PASSWORD,
    }


def acls(right: Right) -> list[ACL]:
    pattern = ACLResourcePatternType.PREFIXED if right.is_prefix else ACLResourcePatternType.LITERAL
    resource = ResourcePattern(KINDS[right.kind], right.name, pattern)
    return [
        ACL(f"User:{USER}", "*", ACLOperation[operation], ACLPermissionType.ALLOW, resource)
        for operation in right.operations
    ]


def grant(stage: Stage) -> None:
    with contextlib.closing(KafkaAdminClient(bootstrap_servers=stage.address)) as admin:
        made = admin.create_acls([acl for right in worker_rights(stage.names) for acl in acls(right)])
        assert not made["failed"]


def ringfence(stage: Stage, environment: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    names = {"RINGFENCE_APP_ID": stage.names.app_id, "RINGFENCE_TOPIC_PREFIX": stage.names.prefix}
    outside = {name: value for name, value in os.environ.items() if not name.startswith("RINGFENCE_")}
    return subprocess.run(
        [str(ROOT / ".venv/bin/ringfence"), *arguments],
        env=outside | names | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_worker_with_its_least_rights_does_its_work_and_tells_no_secret(guarded, secured: Stage):
    grant(secured)
    worker = secured.start(**login(guarded))
    load = Load.seeded(51, 2_000)
    secured.produce(load.records)
    wait_for_end(secured, load)
    assert not faults(secured, load)
    command = Path(f"/proc/{worker.process.pid}/cmdline").read_bytes().decode()
    assert worker.stop() == 0
    said = worker.output.read_text() + command
    said += (
        ringfence(secured, login(guarded), "settings").stdout
        + ringfence(secured, login(guarded), "settings", "--json").stdout
    )
    assert USER in said
    assert PASSWORD not in said
    assert KEY not in said


def test_the_rights_go_no_further_than_the_work(guarded, secured: Stage):
    grant(secured)
    refused = pytest.raises(TopicAuthorizationFailedError)
    with contextlib.closing(KafkaProducer(**client(guarded), max_block_ms=10_000)) as producer, refused:
        producer.send(secured.names.of(Input.MESSAGES), b"forged").get(10)
    with contextlib.closing(KafkaConsumer(**client(guarded), enable_auto_commit=False)) as consumer:
        place = TopicPartition(secured.names.of(Output.DEAD_LETTERS), 0)
        consumer.assign([place])
        consumer.seek(place, 0)
        with pytest.raises(TopicAuthorizationFailedError):
            consumer.poll(timeout_ms=10_000)


def test_the_doctor_names_the_right_that_is_missing(guarded, secured: Stage):
    grant(secured)
    alerts = secured.names.of(Output.ALERTS)
    with contextlib.closing(KafkaAdminClient(bootstrap_servers=secured.address)) as admin:
        resource = ResourcePatternFilter(ResourceType.TOPIC, alerts, ACLResourcePatternType.LITERAL)
        admin.delete_acls([ACLFilter(f"User:{USER}", "*", ACLOperation.WRITE, ACLPermissionType.ANY, resource)])
    done = ringfence(secured, login(guarded), "doctor", "--json")
    found = {each["check"]: each for each in map(orjson.loads, done.stdout.splitlines())}
    assert done.returncode == 1, done.stderr
    assert "broker" in found, done.stderr
    assert found["broker"]["health"] == "fine", done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    # Without any right on a topic, the broker does not even tell that there is one.
    assert alerts in found["topics"]["found"] + found["rights"]["found"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        pytest.param({"RINGFENCE_SASL_PASSWORD": "not-the-password-at-all"}, "no Kafka broker answered", id="password"),
        pytest.param({"RINGFENCE_TLS_CA_FILE": "stranger.pem"}, "no Kafka broker answered", id="authority"),
    ],
)
def test_a_login_that_the_broker_refuses_ends_the_start_with_a_reason(guarded, secured: Stage, wrong, words):
    _, folder = guarded
    wrong = {name: str(folder / value) if value.endswith(".pem") else value for name, value in wrong.items()}
    worker = secured.start(wait=False, **login(guarded, **wrong))
    wait_for(lambda: not worker.is_running(), "the refusal", 40)
    said = worker.output.read_text()
    assert worker.process.returncode == 1
    assert words in said
    assert not {PASSWORD, KEY, "not-the-password-at-all"} & set(said.split())


def test_a_worker_without_rights_ends_with_a_reason_before_it_joins(guarded, secured: Stage):
    worker = secured.start(wait=False, **login(guarded))
    wait_for(lambda: not worker.is_running(), "the refusal", 40)
    assert worker.process.returncode == 1
    assert "which may not create it (TopicAuthorizationFailedError); `ringfence acls USER`" in worker.output.read_text()
