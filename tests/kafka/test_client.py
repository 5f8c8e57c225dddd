import socket

import pytest
from faust import SASLCredentials, SSLCredentials

from pipeline.errors import SettingsError, UnreachableError
from pipeline.kafka.client import Connection, connect_admin, parsed_address

SPOKEN = "not for logs"


def with_sasl(protocol):
    return Connection("k1:9093", protocol, "SCRAM-SHA-512", "ringfence", SPOKEN)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("kafka-1:9093", ("kafka-1", 9093)),
        (" kafka-1 ", ("kafka-1", 9092)),
        ("[::1]:9093", ("::1", 9093)),
        ("[::1]", ("::1", 9092)),
    ],
)
def test_an_address_is_read_as_people_write_it(written, meant):
    assert parsed_address(written) == meant


def test_a_port_that_is_no_number_is_refused_with_the_form_wanted():
    with pytest.raises(SettingsError, match="host:port"):
        parsed_address("kafka-1:http")


def test_every_library_gets_every_broker_in_the_form_it_wants():
    connection = Connection("k1:9092,k2:9093")
    assert connection.for_kafka_python()["bootstrap_servers"] == ["k1:9092", "k2:9093"]
    assert connection.for_aiokafka()["bootstrap_servers"] == "k1:9092,k2:9093"
    assert connection.for_faust() == (["batched://k1:9092", "batched://k2:9093"], None)


def test_sasl_over_tls_never_falls_back_to_plain_text():
    credentials = with_sasl("SASL_SSL").for_faust()[1]
    assert isinstance(credentials, SASLCredentials)
    assert credentials.ssl_context is not None
    assert str(credentials.protocol.value) == "SASL_SSL"
    assert with_sasl("SASL_SSL").for_aiokafka()["ssl_context"] is not None


def test_tls_alone_hands_faust_a_context():
    assert isinstance(Connection("k1", "SSL").for_faust()[1], SSLCredentials)


def test_the_password_reaches_the_libraries_and_no_printed_form():
    connection = with_sasl("SASL_PLAINTEXT")
    assert connection.for_kafka_python()["sasl_plain_password"] == SPOKEN
    assert connection.for_aiokafka()["sasl_plain_password"] == SPOKEN
    assert SPOKEN not in repr(connection)


def test_a_missing_certificate_is_named():
    with pytest.raises(SettingsError, match=r"nowhere\.pem"):
        Connection("k1", "SSL", ca_file="nowhere.pem").ssl_context()


def test_a_broker_that_does_not_answer_is_named_with_the_time_waited():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(UnreachableError, match=rf"{address} within 0\.6 s .*RINGFENCE_BROKERS"):
            connect_admin(Connection(address), limit_seconds=0.6)
