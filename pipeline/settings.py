"""Everything that can be set from outside: read once at start, frozen, passed down as values."""

import difflib
import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_args

import yaml
from pydantic import Field, PositiveFloat, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipeline.errors import SettingsError
from pipeline.yaml_tree import line_of, parsed, repeated_keys

ENV_PREFIX = "RINGFENCE_"
SETTINGS_FILE_VARIABLE = "RINGFENCE_SETTINGS_FILE"
DEVELOPMENT_PSEUDONYM_KEY = "ringfence-development-key-not-secret"
"""Used by `make run`, replays of shipped recordings and tests. Anyone can turn ids into its pseudonyms."""

Port = Annotated[int, Field(ge=0, le=65_535)]


class SecurityProtocol(StrEnum):
    """How the connection to the broker is protected."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"


class SaslMechanism(StrEnum):
    """How the worker proves who it is."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


class LogFormat(StrEnum):
    """How log lines are written."""

    JSON = "json"
    CONSOLE = "console"


class Settings(BaseSettings):
    """Everything that can be set from outside, read once at start from `RINGFENCE_<NAME>` or a YAML file."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, frozen=True, use_attribute_docstrings=True, extra="forbid", hide_input_in_errors=True
    )

    brokers: str = "127.0.0.1:9092"
    """Kafka's addresses: `host:port`, separated by commas."""

    security_protocol: SecurityProtocol = SecurityProtocol.PLAINTEXT
    """How the connection to Kafka is protected."""

    sasl_mechanism: SaslMechanism | None = None
    """How the worker proves who it is; needed with a SASL protocol."""

    sasl_username: str | None = None
    """User name for SASL."""

    sasl_password: SecretStr | None = None
    """Password for SASL."""

    tls_ca_file: Path | None = None
    """Certificates (PEM) that the brokers' certificate must descend from; the system's when unset."""

    tls_cert_file: Path | None = None
    """Client certificate (PEM), where the brokers ask for one."""

    tls_key_file: Path | None = None
    """Key (PEM) of the client certificate."""

    app_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")] = "ringfence"
    """Consumer group, prefix of the transactional ids and of the changelog. Another one starts from nothing."""

    member_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")] | None = None
    """Fixed name of this worker in the group, say its pod's: back in time, it gets its partitions unasked."""

    topic_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,100}$")] = ""
    """Put before every topic's name: several Ringfences on one cluster, or a test's own topics."""

    partitions: Annotated[int, Field(ge=1, le=1_000)] = 4
    """Partitions of the topics that Ringfence creates. It cannot change later without a new `app_id`."""

    replication_factor: Annotated[int, Field(ge=1, le=7)] | None = None
    """Copies of each topic that Ringfence creates; the broker's own default when unset."""

    policy_file: Path | None = None
    """The policy book (YAML); the shipped one when unset."""

    shadow_policy: Path | None = None
    """A candidate policy book (YAML), judged beside the one in force: `ringfence.shadow.v1` and metrics, no alerts."""

    release_ratio: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of sellers, 0 to 1, for whom the candidate speaks already; the same sellers on every worker."""

    pseudonym_key: SecretStr | None = None
    """Key of the pseudonyms of buyers and contacts, at least 16 characters. The worker does not start without one."""

    pseudonym_key_previous: SecretStr | None = None
    """The key before, while it is being replaced: leave it set for as long as the policy keeps dealings (180 days)."""

    data_dir: Path = Path(".ringfence/data")
    """Folder of the local store. One per worker; it may be lost, the changelog brings it back."""

    http_host: str = "127.0.0.1"
    """Address on which /metrics, /health and /ready listen."""

    http_port: Port = 8787
    """Port of /metrics, /health and /ready; 0 lets the system choose."""

    tick_interval_seconds: PositiveFloat = 30.0
    """How often the owner of a signals partition writes a tick into the log: how late a lapse may be noticed."""

    connect_timeout_seconds: PositiveFloat = 60.0
    """How long the worker tries to reach a broker at start before it gives up with exit status 1."""

    session_timeout_seconds: PositiveFloat = 30.0
    """After how long without a heartbeat the group gives a worker's partitions to another."""

    rebalance_timeout_seconds: PositiveFloat = 60.0
    """How long a rebalance waits for a worker."""

    heartbeat_interval_seconds: PositiveFloat = 3.0
    """How often a worker tells the group that it lives; at most a third of the session timeout."""

    max_poll_records: Annotated[int, Field(ge=1, le=10_000)] = 2_000
    """Records of one fetch and partition, so of one transaction. More is faster and later."""

    unacked_limit_seconds: PositiveFloat = 30.0
    """Watchdog: exit when a delivered batch stays unacknowledged for longer."""

    rebalance_limit_seconds: PositiveFloat = 120.0
    """Watchdog: exit when a rebalance or recovery takes longer."""

    commit_limit_seconds: PositiveFloat = 60.0
    """Watchdog: exit when commits stand still for longer while batches are delivered."""

    transaction_timeout_seconds: PositiveFloat = 30.0
    """After how long the broker aborts a transaction of a worker that died. Longer than the longest batch."""

    log_format: LogFormat = LogFormat.JSON
    """`json` for machines, `console` for people."""

    log_level: Annotated[str, Field(pattern=r"^(debug|info|warning|error)$")] = "info"
    """Least level of log lines that are written."""

    @model_validator(mode="after")
    def sasl_and_tls_are_complete(self) -> "Settings":
        """Refuses half a login, half a client certificate, a short key and a heartbeat that is too slow."""
        if self.security_protocol.startswith("SASL") and not (
            self.sasl_mechanism and self.sasl_username and self.sasl_password
        ):
            raise ValueError("a SASL protocol needs sasl_mechanism, sasl_username and sasl_password")
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise ValueError("tls_cert_file and tls_key_file go together: set both or neither")
        if self.pseudonym_key is not None and len(self.pseudonym_key.get_secret_value()) < 16:  # noqa: PLR2004 - stated in the field's text
            raise ValueError("pseudonym_key wants at least 16 characters: make one with `openssl rand -hex 32`")
        if self.release_ratio and self.shadow_policy is None:
            raise ValueError("release_ratio wants a candidate to release: set shadow_policy")
        if self.heartbeat_interval_seconds * 3 > self.session_timeout_seconds:
            raise ValueError("heartbeat_interval_seconds wants at most a third of session_timeout_seconds")
        return self


def load_settings(**overrides: Any) -> Settings:
    """The settings in force: environment over file over defaults; `overrides` (command-line options) above all.

    Raises:
        SettingsError: a variable or field is unknown, missing or out of range; names it and what would be right.
    """
    refuse_unknown_variables(os.environ)
    file = os.environ.get(SETTINGS_FILE_VARIABLE)
    in_file = settings_from_file(Path(file)) if file else {}
    below = {name: value for name, value in in_file.items() if f"{ENV_PREFIX}{name.upper()}" not in os.environ}
    above = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**below | above)
    except ValidationError as error:
        raise SettingsError(settings_fault_text(error)) from None  # the chained error could show a secret


def refuse_unknown_variables(environment: Mapping[str, str]) -> None:
    """Stops at a `RINGFENCE_` variable that nobody knows, and names the nearest known one."""
    known = {f"{ENV_PREFIX}{name.upper()}" for name in Settings.model_fields} | {
        SETTINGS_FILE_VARIABLE,
        "RINGFENCE_CRASH_AT",  # fault tests: see runners/worker.py
    }
    for name in sorted(environment):
        if name.upper().startswith(ENV_PREFIX) and name.upper() not in known:
            raise SettingsError(unknown_name_text(name, known, "`ringfence settings` lists them all"))


def settings_from_file(path: Path) -> dict[str, Any]:
    """The fields of a YAML settings file.

    Raises:
        SettingsError: the file cannot be read, is no mapping, or names an unknown field.
    """
    try:
        tree, content = parsed(path.read_text(encoding="utf-8"), yaml.SafeLoader)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); check {SETTINGS_FILE_VARIABLE}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise SettingsError(f"{path}{line}: is not YAML; wanted lines like `brokers: kafka-1:9092`") from None
    for place, says in repeated_keys(tree):
        raise SettingsError(f"{path}:{line_of(tree, place)}: {place[-1]} {says}")
    content = content or {}
    if not isinstance(content, dict):
        raise SettingsError(f"{path}: wanted a mapping of setting names to values, one `name: value` a line")
    known = set(Settings.model_fields)
    for name in content:
        if name not in known:
            raise SettingsError(f"{path}: {unknown_name_text(str(name), known, '`ringfence settings` lists them all')}")
    return content


def unknown_name_text(name: str, known: set[str], advice: str) -> str:
    """The refusal of a name, with the nearest known one."""
    nearest = difflib.get_close_matches(name.upper() if name.isupper() else name, sorted(known), n=1, cutoff=0.5)
    suggestion = f"did you mean {nearest[0]}? " if nearest else ""
    return f"{name} is not a setting; {suggestion}{advice}"


def settings_fault_text(error: ValidationError) -> str:
    """Each fault of a set of settings on a line of its own, without the values."""
    lines = []
    for fault in error.errors(include_input=False, include_url=False, include_context=False):
        name = ".".join(str(part) for part in fault["loc"])
        label = f"{ENV_PREFIX}{name.upper()}: " if name else ""
        lines.append(label + fault["msg"].removeprefix("Value error, "))
    return "\n".join(lines)


def describe_settings() -> list[tuple[str, str, str, str]]:
    """Every setting as (variable, kind, default, text), in the order of `Settings`: the reference is made from it."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else str(getattr(field.default, "value", field.default))
        rows.append((f"{ENV_PREFIX}{name.upper()}", kind_text(field.annotation), default, field.description or ""))
    return rows


def kind_text(annotation: object) -> str:
    """The type of a setting in words that a YAML file's author knows."""
    members = [part for part in get_args(annotation) if part is not type(None)] or [annotation]
    kind = members[0]
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return " or ".join(kind)
    names = {int: "whole number", float: "number", str: "text", Path: "path", SecretStr: "secret"}
    while get_args(kind):
        kind = get_args(kind)[0]
    return names.get(kind, "text") if isinstance(kind, type) else "text"
