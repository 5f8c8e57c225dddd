"""What an operator and an analyst do beside a running worker: doctor, sellers show, dead-letters redrive."""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import orjson
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from pipeline.kafka.topics import Input, Output
from pipeline.policy.book import load_book
from pipeline.runners.sample import marketplace, now_ms
from tests.broker.harness import Stage, wait_for

SEASON_MS = 6 * 86_400_000
RINGFENCE = str(Path(sys.executable).with_name("ringfence"))


def command(stage: Stage, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {
        "RINGFENCE_BROKERS": stage.address,
        "RINGFENCE_APP_ID": stage.names.app_id,
        "RINGFENCE_TOPIC_PREFIX": stage.names.prefix,
        "RINGFENCE_DATA_DIR": str(stage.folder / "data-a"),
    }
    return subprocess.run(
        [RINGFENCE, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def health(stage: Stage) -> dict[str, dict[str, str]]:
    done = command(stage, "doctor", "--json")
    found = {each["check"]: each for each in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == any(each["health"] == "broken" for each in found.values()), done.stderr
    return found


def test_the_doctor_is_content_with_a_worker_that_works_and_names_what_is_broken(stage: Stage):
    stage.program = (RINGFENCE, "run")
    stage.start()
    stage.produce([(each.topic, each.key, each.value) for each in marketplace(3, now_ms() - 2 * SEASON_MS, 1)])
    wait_for(lambda: stage.input_lag() == 0, "the end of the inputs")
    wait_for(stage.is_judged, "the end of the signals")
    found = health(stage)
    assert {name: each["health"] for name, each in found.items()} == dict.fromkeys(found, "fine")
    assert "4 partitions, none ahead" in found["store"]["found"]
    assert "judged violation" in found["round trip"]["found"]

    admin = KafkaAdminClient(bootstrap_servers=stage.address)
    try:
        assert not [name for name in admin.list_topics() if "doctor" in name], "a probe left its topic"
        delete = {"cleanup.policy": "delete"}
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, stage.names.changelog, delete)])
        wait_for(lambda: health(stage)["retention"]["health"] == "broken", "the changelog's new configuration", 20)
        admin.delete_topics([stage.names.of(Output.ADVISORIES)])
        missing = health(stage)["topics"]
        assert missing["found"] == f"missing: {stage.names.of(Output.ADVISORIES)}"
        assert "ringfence topics" in missing["advice"]
    finally:
        admin.close()


def test_a_seller_is_shown_as_its_alert_tells_and_an_unknown_one_is_not(stage: Stage):
    stage.program = (RINGFENCE, "run")
    stage.start()
    stage.produce([(each.topic, each.key, each.value) for each in marketplace(3, now_ms() - 2 * SEASON_MS, 1)])
    wait_for(lambda: stage.input_lag() == 0, "the end of the inputs")
    wait_for(stage.is_judged, "the end of the signals")
    newest = {alert["alert_id"]: alert for alert in (orjson.loads(each.value) for each in stage.output(Output.ALERTS))}
    alert = next(each for each in newest.values() if not each["is_closed"])
    done = command(stage, "sellers", "show", alert["seller_id"], "--json")
    shown = json.loads(done.stdout)
    assert shown["open_alert"]["alert_id"] == alert["alert_id"]
    assert shown["open_alert"]["triggers"] == sorted(each["code"] for each in alert["triggers"])
    assert shown["open_alert"]["recommended_action"] == alert["recommended_action"]
    assert {each["finding_id"] for each in shown["findings"]} >= set(alert["finding_ids"])
    assert shown["rows"]["conversations"] > 0
    unknown = command(stage, "sellers", "show", "nobody")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "never heard of, or was erased" in unknown.stderr


def test_a_dead_letter_sent_back_twice_is_judged_once(stage: Stage):
    stage.program = (RINGFENCE, "run")
    stage.start()
    lead_seconds = load_book().max_lead_ms / 1000 + 4
    early = {
        "message_id": "m-early",
        "conversation_id": "c-early",
        "seller_id": "s-early",
        "buyer_id": "b-early",
        "sender": "seller",
        "sent_at": datetime.fromtimestamp(time.time() + lead_seconds, UTC).isoformat(),
        "body": "What is your phone number? Let us talk on WhatsApp instead.",
    }
    stage.produce([(Input.MESSAGES, b"s-early", orjson.dumps(early)), (Input.MESSAGES, b"s-x", b"no JSON")])
    wait_for(lambda: len(stage.output(Output.DEAD_LETTERS)) == 2, "the dead letters")
    assert not stage.output(Output.FINDINGS)
    chosen = ("--reason", "bad_time", "--topic", stage.names.of(Input.MESSAGES))
    assert command(stage, "dead-letters", "redrive", *chosen, "--dry-run").stdout == "1 would be sent back\n"
    wait_for(
        lambda: time.time() + lead_seconds - 4 > datetime.fromisoformat(early["sent_at"]).timestamp(), "its time", 10
    )
    for _ in range(2):
        done = command(stage, "dead-letters", "redrive", *chosen, "--rate", "100", "--json")
        assert json.loads(done.stdout) == {"records": 1, "sent": True}
    wait_for(lambda: stage.input_lag() == 0, "the end of the inputs")
    wait_for(stage.is_judged, "the end of the signals")
    assert [orjson.loads(each.value)["message_id"] for each in stage.output(Output.FINDINGS)] == ["m-early"]
    assert len(stage.output(Output.DEAD_LETTERS)) == 2
