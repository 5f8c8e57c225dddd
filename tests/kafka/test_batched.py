import asyncio
import importlib.metadata
from types import SimpleNamespace

import pytest
from faust.types import TP

from pipeline.errors import SettingsError
from pipeline.kafka import batched
from pipeline.kafka.batched import (
    FETCH_WAIT_MS,
    BatchScheduler,
    Consumer,
    Deliveries,
    OffsetGate,
    check_versions,
)
from pipeline.runners.worker import connection_of, new_app
from pipeline.settings import DEVELOPMENT_PSEUDONYM_KEY, Settings

MESSAGES = TP("marketplace.messages.v1", 0)
ORDERS = TP("marketplace.orders.v1", 0)
CHANGELOG = TP("ringfence-rows-changelog", 0)


def delivered(*batches, at=0.0):
    deliveries = Deliveries()
    for first, last in batches:
        deliveries.add(MESSAGES, first, last, at)
    return deliveries


def a_record(offset, topic="marketplace.messages.v1"):
    return SimpleNamespace(topic=topic, partition=0, offset=offset, timestamp=0, timestamp_type=0)


def test_a_later_batch_that_is_done_first_commits_nothing():
    deliveries = delivered((100, 199), (200, 299))
    assert deliveries.settle(MESSAGES, {299}, committed=100) is None
    assert deliveries.settle(MESSAGES, {199, 299}, committed=100) == 300


def test_batches_that_are_done_in_order_commit_each_in_turn_and_leave_nothing_behind():
    deliveries, acked = delivered((0, 9), (10, 19), (20, 29)), set()
    committed = []
    for last in (9, 19, 29):
        acked.add(last)
        committed.append(deliveries.settle(MESSAGES, acked, committed=committed[-1] if committed else 0))
    assert committed == [10, 20, 30]
    assert acked == set()
    assert deliveries.count() == 0


def test_a_first_fetch_of_the_one_record_at_offset_zero_commits_and_goes_on_committing():
    deliveries = delivered((0, 0))
    assert deliveries.settle(MESSAGES, {0}, committed=0) == 1
    deliveries.add(MESSAGES, 1, 50, 0.0)
    assert deliveries.settle(MESSAGES, {50}, committed=1) == 51


def test_a_head_in_flight_is_not_committed_past_when_its_successor_is_done():
    deliveries = delivered((100, 100), (101, 101))
    assert deliveries.settle(MESSAGES, {101}, committed=100) is None


def test_offsets_with_gaps_of_markers_and_compaction_are_committed_across():
    deliveries = delivered((0, 7), (12, 40), (977, 977))
    assert deliveries.settle(MESSAGES, {7, 40, 977}, committed=0) == 978


def test_a_batch_that_is_delivered_again_after_a_seek_replaces_what_was_out():
    deliveries = delivered((0, 9), (10, 19), (20, 29))
    deliveries.add(MESSAGES, 10, 24, 1.0)
    assert deliveries.settle(MESSAGES, {9}, committed=0) == 10
    assert deliveries.settle(MESSAGES, {19, 29}, committed=10) is None
    assert deliveries.settle(MESSAGES, {24}, committed=10) == 25


def test_a_batch_that_is_delivered_again_with_the_same_offsets_counts_once():
    deliveries = delivered((0, 9), (0, 9))
    assert deliveries.count() == 1
    assert deliveries.settle(MESSAGES, {9}, committed=0) == 10


def test_batches_below_the_committed_offset_do_not_block_those_above():
    deliveries = delivered((0, 9), (10, 19))
    assert deliveries.settle(MESSAGES, {19}, committed=10) == 20


def test_forgotten_partitions_have_nothing_out():
    deliveries = delivered((0, 9), at=5.0)
    deliveries.add(ORDERS, 0, 3, 7.0)
    assert deliveries.oldest_age_seconds(now=10.0) == 5.0
    deliveries.forget([MESSAGES])
    assert deliveries.oldest_age_seconds(now=10.0) == 3.0
    deliveries.forget()
    assert deliveries.count() == 0
    assert deliveries.oldest_age_seconds(now=10.0) == 0.0


def test_the_scheduler_makes_one_event_of_a_fetch_and_leaves_changelogs_as_they_are():
    scheduler = BatchScheduler(lambda topic: not topic.endswith("changelog"))
    fetched = {
        CHANGELOG: [a_record(3, CHANGELOG.topic), a_record(4, CHANGELOG.topic)],
        MESSAGES: [a_record(7), a_record(9)],
        ORDERS: [],
    }
    events = list(scheduler.iterate(fetched))
    assert [(tp, event.offset) for tp, event in events] == [(MESSAGES, 9), (CHANGELOG, 3), (CHANGELOG, 4)]
    assert [record.offset for record in events[0][1].value] == [7, 9]


def test_a_fetch_without_records_is_answered_before_anybody_waits_for_another(tmp_path):
    async def fetch_wait_ms():
        settings = Settings(pseudonym_key=DEVELOPMENT_PSEUDONYM_KEY, data_dir=tmp_path)
        app = new_app(settings, connection_of(settings))
        thread = app.consumer._thread
        thread.thread_loop.close()
        fetching = thread._create_worker_consumer(app.transport)
        await fetching.stop()
        return fetching._fetch_max_wait_ms  # what aiokafka's fetcher is given

    assert asyncio.run(fetch_wait_ms()) == FETCH_WAIT_MS < 50


def test_the_installed_libraries_are_those_the_transport_was_written_for():
    check_versions()


def test_another_version_of_faust_is_refused_with_what_to_do(monkeypatch):
    real = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: "0.16.0" if name == "faust-streaming" else real(name)
    )
    with pytest.raises(SettingsError, match=r"faust-streaming 0\.16\.0 .* 0\.15\.3 alone: .*make setup"):
        check_versions()


def test_a_library_that_lost_an_overridden_name_is_refused(monkeypatch):
    monkeypatch.setattr(batched, "OVERRIDDEN_NAMES", ((Deliveries, ("settle", "vanished")),))
    with pytest.raises(SettingsError, match="Deliveries has no vanished"):
        check_versions()


def test_a_commit_of_fausts_waits_for_open_transactions_and_holds_up_the_next():
    seen = []

    async def transaction(gate, name, is_over):
        async with gate.transaction():
            seen.append(f"{name} begins")
            await is_over.wait()
            seen.append(f"{name} ends")

    async def commit(gate):
        async with gate.commit():
            seen.append("commit")

    async def play():
        gate, first_over, second_over = OffsetGate(), asyncio.Event(), asyncio.Event()
        second_over.set()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(transaction(gate, "first", first_over))
            await asyncio.sleep(0)
            tasks.create_task(commit(gate))
            await asyncio.sleep(0)
            tasks.create_task(transaction(gate, "second", second_over))
            await asyncio.sleep(0)
            assert seen == ["first begins"]
            first_over.set()

    asyncio.run(play())
    assert seen == ["first begins", "first ends", "commit", "second begins", "second ends"]


def test_a_partition_without_a_commit_is_read_from_its_first_record_whatever_was_prefetched():
    sought = []

    class Thread:
        async def seek_to_committed(self):
            return {MESSAGES: 40, ORDERS: None, CHANGELOG: None}

        async def seek_to_beginning(self, *tps):
            sought.extend(tps)

    consumer = object.__new__(Consumer)
    consumer._thread = Thread()
    consumer._is_changelog_tp = lambda tp: tp is CHANGELOG
    assert asyncio.run(consumer.seek_to_committed()) == {MESSAGES: 40, ORDERS: None, CHANGELOG: None}
    assert sought == [ORDERS]
