"""The toy fold as Faust offers it, at_least_once, without a line of ours on its way: the tests expect it to fail.

`UNFENCED_TRANSPORT=kafka` is stock Faust; `naive` gives it batches but leaves it its own bookkeeping.
"""

import os
import sys

import faust
import orjson
from faust.transport import drivers
from faust.transport.drivers import aiokafka as driver

from pipeline.kafka.batched import BatchScheduler, BatchSchema
from pipeline.kafka.topics import TABLE_NAME, Output, TopicNames
from tests.broker.toy_worker import ALERT_EVERY

NAMES = TopicNames(os.environ["RINGFENCE_APP_ID"], os.environ["RINGFENCE_TOPIC_PREFIX"])
IS_NAIVE = os.environ["UNFENCED_TRANSPORT"] == "naive"


class NaiveConsumer(driver.Consumer):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.scheduler = BatchScheduler(lambda topic: topic in NAMES.inputs)


class NaiveTransport(driver.Transport):
    Consumer = NaiveConsumer


drivers.TRANSPORTS.aliases["naive"] = "__main__:NaiveTransport"
app = faust.App(
    NAMES.app_id,
    broker=f"{os.environ['UNFENCED_TRANSPORT']}://{os.environ['RINGFENCE_BROKERS']}",
    store="rocksdb://",
    datadir=os.environ["RINGFENCE_DATA_DIR"],
    topic_partitions=4,
    topic_disable_leader=True,
    topic_allow_declare=False,
    table_standby_replicas=0,
    web_enabled=False,
    broker_commit_interval=1.0,
    broker_max_poll_records=200,
    broker_session_timeout=float(os.environ["RINGFENCE_SESSION_TIMEOUT_SECONDS"]),
    broker_heartbeat_interval=float(os.environ["RINGFENCE_HEARTBEAT_INTERVAL_SECONDS"]),
    broker_rebalance_timeout=8.0,
    stream_recovery_delay=0.0,
)
source = app.topic(
    *NAMES.inputs, key_type=bytes, value_type=bytes, value_serializer="raw", schema=BatchSchema() if IS_NAIVE else None
)
findings = app.topic(NAMES.of(Output.FINDINGS), value_serializer="raw", key_serializer="raw")
alerts = app.topic(NAMES.of(Output.ALERTS), value_serializer="raw", key_serializer="raw")
letters = app.topic(NAMES.of(Output.DEAD_LETTERS), value_serializer="raw", key_serializer="raw")
rows = app.Table(TABLE_NAME, partitions=4, key_type=bytes, value_type=bytes)


async def count(topic, partition, offset, value):
    try:
        event = orjson.loads(value)
    except orjson.JSONDecodeError:
        await letters.send(key=b"k", value=value, headers={"origin": f"{topic}:{partition}@{offset}".encode()})
        return
    key = b"seller/" + event["seller_id"].encode()
    row = orjson.loads(rows[key]) if key in rows else {"count": 0}
    row["count"] += 1
    rows[key] = orjson.dumps(row)
    await findings.send(key=key, value=event["event_id"].encode())
    if row["count"] % ALERT_EVERY == 0:
        await alerts.send(key=key, value=f"{event['seller_id']}:{row['count']}".encode())


@app.agent(source)
async def count_all(stream):
    async for event in stream.events():
        message = event.message
        if IS_NAIVE:
            for record in event.value:
                await count(record.topic, record.partition, record.offset, record.value)
        else:
            await count(message.topic, message.partition, message.offset, event.value)


@app.on_partitions_assigned.connect
async def tell(*_args, **_kwargs):
    sys.stdout.write("partitions_assigned\n")
    sys.stdout.flush()


if __name__ == "__main__":
    faust.Worker(app, loglevel="WARN").execute_from_commandline()
