"""One place that turns the connection settings into what each Kafka library wants to hear."""

import socket
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from faust import SASLCredentials, SSLCredentials
from faust.types.auth import CredentialsT
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from pipeline.errors import SettingsError, UnreachableError

log = structlog.get_logger()

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach the brokers and prove who we are."""

    brokers: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    sasl_username: str | None = None
    sasl_password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    @property
    def uses_tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.security_protocol in {"SSL", "SASL_SSL"}

    @property
    def uses_sasl(self) -> bool:
        """Whether a user name and password are sent."""
        return self.security_protocol.startswith("SASL")

    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of each broker named."""
        return [parsed_address(text) for text in self.brokers.split(",") if text.strip()]

    def ssl_context(self) -> ssl.SSLContext | None:
        """Certificates to trust and to show; `None` without TLS.

        Raises:
            SettingsError: a certificate or key cannot be read.
        """
        if not self.uses_tls:
            return None
        try:
            context = ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
            if self.cert_file:
                context.load_cert_chain(str(self.cert_file), str(self.key_file) if self.key_file else None)
        except (OSError, ssl.SSLError) as error:
            files = ", ".join(str(file) for file in (self.ca_file, self.cert_file, self.key_file) if file)
            raise SettingsError(f"the TLS files cannot be used ({files}): {error}") from error
        return context

    def for_kafka_python(self) -> dict[str, Any]:
        """Keyword arguments of kafka-python's clients."""
        return self._common() | {"bootstrap_servers": [f"{host}:{port}" for host, port in self.addresses()]}

    def for_aiokafka(self) -> dict[str, Any]:
        """Keyword arguments of aiokafka's clients."""
        return self._common() | {"bootstrap_servers": ",".join(f"{host}:{port}" for host, port in self.addresses())}

    def for_faust(self) -> tuple[list[str], CredentialsT | None]:
        """Broker URLs and credentials. Without a TLS context Faust silently falls back to plain text."""
        urls = [f"batched://{host}:{port}" for host, port in self.addresses()]
        if self.uses_sasl:
            return urls, SASLCredentials(
                username=self.sasl_username,
                password=self.sasl_password,
                mechanism=self.sasl_mechanism,
                ssl_context=self.ssl_context(),
            )
        return urls, SSLCredentials(self.ssl_context()) if self.uses_tls else None

    def _common(self) -> dict[str, Any]:
        chosen: dict[str, Any] = {"security_protocol": self.security_protocol}
        if self.uses_tls:
            chosen["ssl_context"] = self.ssl_context()
        if self.uses_sasl:
            chosen |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.sasl_username,
                "sasl_plain_password": self.sasl_password,
            }
        return chosen

    def answers(self, limit_seconds: float = 2.0) -> bool:
        """Whether at least one broker accepts a connection."""
        for address in self.addresses():
            try:
                with socket.create_connection(address, timeout=limit_seconds):
                    return True
            except OSError:
                continue
        return False


def connect_admin(connection: Connection, limit_seconds: float) -> KafkaAdminClient:
    """An administration client; tries again with growing pauses while no broker answers.

    Raises:
        UnreachableError: no broker answered within the limit; names the addresses tried.
    """
    deadline = time.monotonic() + limit_seconds
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            if connection.answers():
                return KafkaAdminClient(
                    client_id="ringfence-admin",
                    bootstrap_timeout_ms=max(int((deadline - time.monotonic()) * 1000), 1_000),
                    **connection.for_kafka_python(),
                )
            fault = "nothing listens there"
        except KafkaError as error:
            fault = f"{type(error).__name__}: {error}"
        if time.monotonic() + pause > deadline:
            raise UnreachableError(
                f"no Kafka broker answered at {connection.brokers} within {limit_seconds:g} s ({fault}); "
                "check RINGFENCE_BROKERS, the security protocol and the network"
            )
        log.warning("broker_unreachable", brokers=connection.brokers, fault=fault, next_try_seconds=pause)
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def parsed_address(text: str) -> tuple[str, int]:
    """Host and port of `host:port`, `[::1]:port` or `host` (9092).

    Raises:
        SettingsError: the port is no number.
    """
    host, colon, port = text.strip().rpartition(":")
    if not colon or port.endswith("]"):
        return text.strip().strip("[]"), 9092
    if not port.isdecimal():
        raise SettingsError(f"brokers: {text.strip()!r} wants the form host:port, like kafka-1.example:9092")
    return host.strip("[]"), int(port)
