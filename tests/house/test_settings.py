"""Settings refuse what they do not understand, in words that help."""

import pytest

from pipeline.errors import SettingsError
from pipeline.settings import describe_settings, load_settings


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch):
    for name, *_ in [*describe_settings(), ("RINGFENCE_SETTINGS_FILE",)]:
        monkeypatch.delenv(name, raising=False)


def test_an_unknown_variable_is_answered_with_the_nearest_known_one(monkeypatch):
    monkeypatch.setenv("RINGFENCE_BROKER", "kafka:9092")
    with pytest.raises(SettingsError, match="RINGFENCE_BROKER is not a setting; did you mean RINGFENCE_BROKERS"):
        load_settings()


def test_the_environment_wins_over_the_file(monkeypatch, tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text("partitions: 8\nbrokers: from-file:9092\n")
    monkeypatch.setenv("RINGFENCE_SETTINGS_FILE", str(file))
    monkeypatch.setenv("RINGFENCE_PARTITIONS", "12")
    settings = load_settings()
    assert (settings.partitions, settings.brokers) == (12, "from-file:9092")


def test_an_option_wins_over_the_environment(monkeypatch):
    monkeypatch.setenv("RINGFENCE_HTTP_PORT", "9000")
    assert load_settings(http_port=9001).http_port == 9001


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param("partition: 8", "did you mean partitions", id="unknown field"),
        pytest.param("a: [", ":1: is not YAML", id="broken YAML"),
        pytest.param("brokers: a:1\nbrokers: b:2", ":1: brokers is there again on line 2", id="twice"),
        pytest.param("- brokers", "wanted a mapping", id="a list"),
    ],
)
def test_a_wrong_file_is_refused_by_name(monkeypatch, tmp_path, content, text):
    file = tmp_path / "settings.yaml"
    file.write_text(content)
    monkeypatch.setenv("RINGFENCE_SETTINGS_FILE", str(file))
    with pytest.raises(SettingsError, match=text):
        load_settings()


def test_a_missing_file_is_refused_with_its_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("RINGFENCE_SETTINGS_FILE", str(tmp_path / "none.yaml"))
    with pytest.raises(SettingsError, match="check RINGFENCE_SETTINGS_FILE"):
        load_settings()


@pytest.mark.parametrize(
    ("variables", "text"),
    [
        pytest.param({"PARTITIONS": "0"}, "RINGFENCE_PARTITIONS", id="no partitions"),
        pytest.param({"SECURITY_PROTOCOL": "SASL_SSL"}, "needs sasl_mechanism", id="half a login"),
        pytest.param({"TLS_CERT_FILE": "c.pem"}, "go together", id="half a certificate"),
        pytest.param({"HEARTBEAT_INTERVAL_SECONDS": "20"}, "at most a third", id="slow heartbeat"),
    ],
)
def test_values_that_cannot_work_are_refused(monkeypatch, variables, text):
    for name, value in variables.items():
        monkeypatch.setenv(f"RINGFENCE_{name}", value)
    with pytest.raises(SettingsError, match=text):
        load_settings()


def test_a_refused_secret_is_not_quoted(monkeypatch):
    monkeypatch.setenv("RINGFENCE_PSEUDONYM_KEY", "hunter2")
    with pytest.raises(SettingsError) as refusal:
        load_settings()
    assert "hunter2" not in str(refusal.value)
    assert "at least 16 characters" in str(refusal.value)
