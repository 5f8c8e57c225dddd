"""The command line as a person meets it: answers, exit statuses, and no traceback for their own mistakes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from pipeline.cli import app, print_rows
from pipeline.policy.book import SHIPPED
from pipeline.settings import Settings

RINGFENCE = Path(sys.executable).with_name("ringfence")


def ringfence(*arguments, stdin=b"", **environment):
    outside = {name: value for name, value in os.environ.items() if not name.startswith("RINGFENCE_")}
    return subprocess.run(
        [str(RINGFENCE), *map(str, arguments)],
        input=stdin,
        capture_output=True,
        env=outside | {"COLUMNS": "200"} | environment,
        timeout=60,
        check=False,
    )


def commands(group, path=()):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield pytest.param((*path, name), command, id=" ".join((*path, name)))


@pytest.mark.parametrize(("path", "command"), list(commands(typer.main.get_command(app))))
def test_every_command_has_a_text_and_an_example(path, command):
    assert command.help
    assert f"ringfence {' '.join(path)}" in (command.epilog or "")


def test_detect_answers_line_for_line_and_in_order():
    lines = [
        {"message_id": "1", "sender": "seller", "body": "can i have your phone number please?"},
        {"message_id": "2", "sender": "buyer", "body": "is the blue one still available?"},
    ]
    result = ringfence("detect", stdin="\n".join(map(json.dumps, lines)).encode())
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.returncode == 0
    assert [(answer["message_id"], answer["solicits"]) for answer in answers] == [("1", True), ("2", False)]
    assert set(answers[0]) == {
        "message_id", "solicits", "shares_contact", "discloses", "refuses", "channel", "numbers", "obfuscated",
        "purpose", "consent_sought", "alternative_offered", "pressure", "harassment", "language", "matches",
    }  # fmt: skip


def test_a_line_that_is_no_message_is_answered_in_its_place_without_being_quoted():
    result = ringfence("detect", stdin=b'{"sender": "seller"}\nsecret 4155550132\n{"body": "hi", "sender": "seller"}\n')
    first, second, third = (json.loads(line) for line in result.stdout.splitlines())
    assert result.returncode == 1
    assert first == {"line": 1, "error": "body: Field required"}
    assert second["line"] == 2
    assert b"4155550132" not in result.stdout + result.stderr
    assert third["solicits"] is False


def test_an_unknown_variable_is_a_wrong_call():
    result = ringfence("settings", RINGFENCE_BROKER="x")
    assert (result.returncode, result.stdout) == (2, b"")
    assert b"did you mean RINGFENCE_BROKERS" in result.stderr
    assert b"Traceback" not in result.stderr


def test_settings_are_named_whole_on_a_narrow_terminal():
    names = {f"RINGFENCE_{name.upper()}" for name in Settings.model_fields}
    assert names <= set(ringfence("settings", COLUMNS="80").stdout.decode().split())


def test_a_table_loses_nothing_of_a_name_as_long_as_the_terminal(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "40")
    print_rows([{"seller": "s" * 60, "why": "w" * 60}])
    printed = capsys.readouterr().out
    assert (printed.count("s") - 1, printed.count("w") - 1) == (60, 60)  # but for the titles


def test_publish_refuses_what_is_no_recording_without_a_broker(tmp_path):
    result = ringfence("publish", tmp_path, RINGFENCE_BROKERS="127.0.0.1:1")
    assert result.returncode == 1
    assert b"is no recording" in result.stderr
    assert b"broker_unreachable" not in result.stderr


def test_packs_check_tells_how_to_name_the_packs_of_a_folder(tmp_path):
    result = ringfence("packs", "check", tmp_path)
    assert result.returncode == 2
    assert b"one by one" in result.stderr


def test_settings_do_not_show_a_secret():
    result = ringfence("settings", RINGFENCE_PSEUDONYM_KEY="a very secret key of 33 letters!!")
    assert result.returncode == 0
    assert b"very secret" not in result.stdout


def test_the_worker_does_not_start_without_a_key():
    result = ringfence("run")
    assert result.returncode == 2
    assert b"RINGFENCE_PSEUDONYM_KEY is not set" in result.stderr


def test_a_wrong_policy_is_refused_by_line_and_field_before_anything_is_reached(tmp_path):
    file = tmp_path / "policy.yaml"
    text = SHIPPED.read_text(encoding="utf-8")
    file.write_text(re.sub(r"questionable: \d+", "questionable: many", text, count=1), encoding="utf-8")
    line = next(number for number, each in enumerate(text.splitlines(), 1) if "verdicts:" in each)
    result = ringfence(
        "run", "--policy", file, RINGFENCE_BROKERS="127.0.0.1:1", RINGFENCE_PSEUDONYM_KEY="a key for tests, not secret"
    )
    assert result.returncode == 2
    assert f"{file}:{line}: policies.0.verdicts.questionable".encode() in result.stderr
    assert b"Traceback" not in result.stderr


def test_policy_check_tells_every_fault_and_fails(tmp_path):
    file = tmp_path / "policy.yaml"
    text = SHIPPED.read_text(encoding="utf-8").replace("no_reason:", "no_reasn:", 1)
    file.write_text(text, encoding="utf-8")
    result = ringfence("policy", "check", file, "--json")
    faults = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.returncode == 1
    assert {fault["field"] for fault in faults} >= {"policies.0.rules", "policies.0.rules.no_reasn"}


def test_the_shipped_policy_is_fine():
    result = ringfence("policy", "check", SHIPPED)
    assert (result.returncode, result.stdout.decode().strip()) == (0, f"{SHIPPED}: fine")


def test_a_broker_that_does_not_answer_is_named():
    result = ringfence(
        "run",
        RINGFENCE_BROKERS="127.0.0.1:1",
        RINGFENCE_CONNECT_TIMEOUT_SECONDS="1",
        RINGFENCE_PSEUDONYM_KEY="a key for tests, not secret",
    )
    assert result.returncode == 1
    assert b"no Kafka broker answered at 127.0.0.1:1" in result.stderr
    assert b"Traceback" not in result.stderr


def test_policy_diff_tells_what_changes_by_meaning(tmp_path):
    changed = tmp_path / "changed.yaml"
    changed.write_text(SHIPPED.read_text(encoding="utf-8").replace("violation: 60", "violation: 70", 1), "utf-8")
    result = ringfence("policy", "diff", SHIPPED, changed, "--json")
    assert result.returncode == 0
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert {(row["field"], row["meaning"]) for row in rows} == {
        ("verdicts.violation", "fewer messages are called violation")
    }
    assert ringfence("policy", "diff", SHIPPED, SHIPPED).stdout == b"no difference in meaning\n"


def test_policy_show_applies_what_holds_for_a_category():
    result = ringfence("policy", "show", "--marketplace", "DE", "--category", "vehicles")
    assert result.returncode == 0
    assert b"request_contact:\n    points: 10" in result.stdout
    assert b"overrides" not in result.stdout


def test_the_doctor_says_what_it_can_without_a_broker(tmp_path):
    result = ringfence(
        "doctor",
        "--json",
        RINGFENCE_BROKERS="127.0.0.1:1",
        RINGFENCE_CONNECT_TIMEOUT_SECONDS="1",
        RINGFENCE_DATA_DIR=str(tmp_path / "none"),
    )
    found = {each["check"]: each for each in map(json.loads, result.stdout.splitlines())}
    assert result.returncode == 1
    assert list(found) == ["versions", "policy", "disk", "broker"]
    assert {name for name, each in found.items() if each["health"] == "broken"} == {"broker"}
    assert "127.0.0.1:1" in found["broker"]["found"]
    assert not (tmp_path / "none").exists()


def test_the_least_rights_are_printed_without_a_broker():
    result = ringfence("acls", "fence-user", RINGFENCE_TOPIC_PREFIX="eu.", RINGFENCE_APP_ID="fence")
    lines = result.stdout.decode().splitlines()
    assert result.returncode == 0
    assert all(line.startswith("kafka-acls.sh --add --allow-principal User:fence-user --operation ") for line in lines)
    assert any("--topic eu.marketplace.messages.v1" in line for line in lines)
