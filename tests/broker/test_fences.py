"""What one transaction promises, on a real broker."""

import asyncio

import pytest
from aiokafka.errors import ProducerFenced
from aiokafka.structs import TopicPartition
from kafka.admin import KafkaAdminClient

from pipeline.kafka.fenced import FencedProducer, Outgoing
from pipeline.kafka.topics import Input, Output


def a_producer(stage, name="judge-0"):
    return FencedProducer(f"{stage.name}-fx-{name}", 30_000, bootstrap_servers=stage.address)


def values(stage, topic, isolation="read_committed"):
    return [each.value for each in stage.read(stage.names.of(topic), isolation=isolation)]


def outgoing(stage, topic, *bodies, partition=0):
    return [Outgoing(stage.names.of(topic), partition, b"k", body) for body in bodies]


def test_a_predecessor_is_refused_and_its_open_transaction_never_seen(stage):
    async def succession():
        old, new = a_producer(stage), a_producer(stage)
        await old.open()
        await old.commit(outgoing(stage, Output.ALERTS, b"before"), place="judge")
        await old._producer.begin_transaction()
        await old._producer.send_and_wait(stage.names.of(Output.ALERTS), b"torn", partition=0)
        await new.open()
        await new.commit(outgoing(stage, Output.ALERTS, b"after"), place="judge")
        with pytest.raises(ProducerFenced):
            await old._producer.commit_transaction()
        await old.close()
        await new.close()

    asyncio.run(succession())
    assert values(stage, Output.ALERTS) == [b"before", b"after"]
    assert values(stage, Output.ALERTS, "read_uncommitted") == [b"before", b"torn", b"after"]


def test_records_keep_their_order_and_the_last_offsets_come_back(stage):
    bodies = [b"%06d" % number + b"." * 2_000 for number in range(2_000)]  # several batches of 768 KiB

    async def commit():
        producer = a_producer(stage)
        await producer.open()
        records = outgoing(stage, Output.FINDINGS, *bodies) + outgoing(stage, Output.ALERTS, b"one", partition=3)
        ends = await producer.commit(records, place="judge")
        await producer.close()
        return ends

    ends = asyncio.run(commit())
    assert values(stage, Output.FINDINGS) == bodies
    assert ends == {(stage.names.of(Output.FINDINGS), 0): 1_999, (stage.names.of(Output.ALERTS), 3): 0}


def test_ten_megabytes_and_headers_pass(stage):
    body, headers = b"z" * 10_000_000, [("reason", b"too_long"), ("origin", b"marketplace.messages.v1:3@18204")]

    async def commit():
        producer = a_producer(stage)
        await producer.open()
        letter = Outgoing(stage.names.of(Output.DEAD_LETTERS), 1, None, body, headers)
        await producer.commit([letter, letter], place="scan")
        await producer.close()

    asyncio.run(commit())
    read = stage.output(Output.DEAD_LETTERS)
    assert [(len(each.value), list(each.headers)) for each in read] == [(len(body), headers)] * 2


def test_a_groups_offsets_move_with_the_transaction(stage):
    source = TopicPartition(stage.names.of(Input.ORDERS), 2)

    async def commit():
        producer = a_producer(stage, "scan-2")
        await producer.open()
        letter = outgoing(stage, Output.DEAD_LETTERS, b"x")
        await producer.commit(letter, place="scan", group_id=stage.name, offsets={source: 18_204})
        await producer.close()

    asyncio.run(commit())
    admin = KafkaAdminClient(bootstrap_servers=stage.address)
    offsets = admin.list_group_offsets(stage.name)[stage.name]
    admin.close()
    assert {(tp.topic, tp.partition): place.offset for tp, place in offsets.items()} == {
        (source.topic, source.partition): 18_204
    }
