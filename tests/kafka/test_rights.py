"""What a worker may do: every topic, by name, and nothing that it does not."""

import shlex

from pipeline.kafka.rights import acl_commands, worker_rights
from pipeline.kafka.topics import Input, Output, TopicNames

RIGHTS = worker_rights(TopicNames("fence", "test."))


def test_the_rights_name_every_topic_once_and_write_to_none_of_the_marketplace_s():
    topics = {right.name: right.operations for right in RIGHTS if right.kind == "topic"}
    assert set(topics) == {*(f"test.{each}" for each in (*Input, *Output)), "fence-rows-changelog"}
    assert all("WRITE" not in topics[f"test.{each}"] for each in Input)
    assert all("READ" not in topics[f"test.{each}"] for each in Output if each is not Output.SIGNALS)


def test_a_right_is_a_command_that_a_shell_reads_whatever_the_user_is_called():
    first, *_, last = acl_commands(RIGHTS, "joe o'hara")
    assert shlex.split(first)[2:] == [
        *("--allow-principal", "User:joe o'hara", "--operation", "Read", "--topic", "test.marketplace.messages.v1"),
    ]
    assert last.endswith("--operation Write --transactional-id fence-fx- --resource-pattern-type prefixed")
