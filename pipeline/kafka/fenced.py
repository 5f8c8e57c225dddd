"""One transaction per partition and batch, by a producer that fences its predecessor.

The transactional id belongs to the partition, never to the worker: whoever opens it ends the open transaction of the
worker that had it before, and the broker refuses whatever that one still sends.

Producing costs 1 to 2 µs a record instead of aiokafka's 10 to 15 for `send`, for records go into whole batches
(`create_batch`, `send_batch`), one per topic and partition, and one future stands for all records of a batch.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import aiokafka
from aiokafka.client import CoordinationType
from aiokafka.errors import (
    ConcurrentTransactions,
    CoordinatorLoadInProgressError,
    IncompatibleBrokerVersion,
    KafkaError,
    NoError,
    NotCoordinatorError,
    ProducerFenced,
    for_code,
)
from aiokafka.producer import sender as aiokafka_sender
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.producer.sender import EndTxnHandler, Sender
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from pipeline.errors import StateError
from pipeline.kafka.crash_points import crash_point

LARGEST_RECORD_BYTES = 12 * 1024 * 1024
"""Above the 10 MB that a dead letter may carry, below the 16 MiB that the broker takes."""
BATCH_BYTES = 768 * 1024
"""Of one produced batch; below Kafka's default `message.max.bytes` of 1 MiB. A larger record has a batch to itself."""

# A transaction begun while the broker still writes the markers of the one before is told to wait. aiokafka waits
# 20 ms, which makes a small transaction take 24 ms; with 3 ms it takes 7 (one broker, 2 cores).
aiokafka_sender.BACKOFF_OVERRIDE = 0.003


class Outgoing(NamedTuple):
    """A record on its way out."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


class UnknownCommitError(StateError):
    """Nobody knows whether the transaction was committed: the log must be asked, by a new start."""


class EndOnce(EndTxnHandler):  # type: ignore[misc]  # aiokafka is untyped here
    """Ends a transaction with one request.

    aiokafka repeats an EndTxn whose answer was lost. Under the transaction protocol that it speaks, a delayed first
    request may then end a *later* transaction (KAFKA-17754; Jepsen, Bufstream 2024). So only an answer that says
    "not done" is followed by another try.
    """

    async def do(self, node_id: int) -> bool:
        """Whether the transaction has ended; `False` asks for another try."""
        try:
            response = await self._sender.client.send(node_id, self.create_request(), group=self.group)
        except IncompatibleBrokerVersion:
            raise
        except KafkaError as error:
            raise UnknownCommitError("the answer to EndTxn was lost") from error
        code = for_code(response.error_code)
        if code in {NotCoordinatorError, CoordinatorLoadInProgressError, ConcurrentTransactions, NoError}:
            pause = self.handle_response(response)
            if pause is None:
                return True
            await asyncio.sleep(pause)
            return False
        self.handle_response(response)  # raises for a fenced producer and a broken transaction
        raise UnknownCommitError(f"EndTxn was answered by {code.__name__}")


class EndOnceSender(Sender):  # type: ignore[misc]  # aiokafka is untyped here
    """aiokafka's sender with `EndOnce`."""

    async def _do_txn_commit(self, commit_result: Any) -> None:
        await self._message_accumulator.flush_for_commit()
        if self._txn_manager.is_empty_transaction():
            self._txn_manager.complete_transaction()
            return
        node_id = await self._find_coordinator(CoordinationType.TRANSACTION, self._txn_manager.transactional_id)
        await EndOnce(self, commit_result).do(node_id)


class FencedProducer:
    """The one producer of a partition, from assignment to revocation."""

    def __init__(self, transactional_id: str, transaction_timeout_ms: int, **connection: Any) -> None:
        self.transactional_id = transactional_id
        self._producer = aiokafka.AIOKafkaProducer(
            transactional_id=transactional_id,
            acks="all",
            linger_ms=0,
            max_batch_size=BATCH_BYTES,
            max_request_size=LARGEST_RECORD_BYTES,
            transaction_timeout_ms=transaction_timeout_ms,
            **connection,
        )
        plain = self._producer._sender  # noqa: SLF001 - the versions are pinned and checked at start
        self._producer._sender = EndOnceSender(  # noqa: SLF001 - the same
            plain.client,
            acks=plain._acks,  # noqa: SLF001 - the same
            txn_manager=plain._txn_manager,  # noqa: SLF001 - the same
            message_accumulator=plain._message_accumulator,  # noqa: SLF001 - the same
            retry_backoff_ms=100,
            request_timeout_ms=plain._request_timeout_ms,  # noqa: SLF001 - the same
        )

    async def open(self) -> None:
        """Fences the previous owner: its open transaction is aborted, its later writes are refused."""
        await self._producer.start()

    async def close(self, limit_seconds: float = 5.0) -> None:
        """Closes the connections; gives up waiting after the limit, for the next owner fences us anyway."""
        try:
            await asyncio.wait_for(self._producer.stop(), limit_seconds)
        except (TimeoutError, KafkaError, ProducerFenced):
            self._producer._closed = True  # noqa: SLF001 - it would complain at collection

    async def commit(
        self,
        records: Sequence[Outgoing],
        *,
        place: str,
        group_id: str | None = None,
        offsets: Mapping[TopicPartition, int] | None = None,
    ) -> dict[tuple[str, int], int]:
        """Produces all records, and the group's offsets if given, in one transaction.

        The last offset of each (topic, partition) comes back. Records keep their order within a partition. Any
        exception means: the result is unknown or we are fenced; the process must end.
        """
        crash_point(place, "before_begin")
        await self._producer.begin_transaction()
        sent = [
            (target, batch.record_count(), await self._producer.send_batch(batch, target[0], partition=target[1]))
            for target, batches in self._batches(records).items()
            for batch in batches
        ]
        crash_point(place, "after_send")
        # aiokafka's commit does not look at delivery errors: every batch is awaited by itself.
        acknowledged = await asyncio.gather(*(future for _, _, future in sent))
        if offsets:
            places = {tp: OffsetAndMetadata(offset, "") for tp, offset in offsets.items()}
            await self._producer.send_offsets_to_transaction(places, group_id)
        crash_point(place, "after_gather")
        await self._producer.commit_transaction()
        crash_point(place, "after_commit")
        return last_offsets(sent, acknowledged)

    def _batches(self, records: Sequence[Outgoing]) -> dict[tuple[str, int], list[BatchBuilder]]:
        by_target: dict[tuple[str, int], list[BatchBuilder]] = defaultdict(list)
        target: tuple[str, int] | None = None
        batches: list[BatchBuilder] = []
        for topic, partition, key, value, headers in records:
            if target is None or target[1] != partition or target[0] != topic:
                target = topic, partition
                batches = by_target[target]
            header_list = list(headers) if headers else []  # the compiled builder takes nothing but lists
            if batches and batches[-1].append(timestamp=None, key=key, value=value, headers=header_list):
                continue
            batches.append(self._producer.create_batch())
            batches[-1].append(timestamp=None, key=key, value=value, headers=header_list)  # a first one always fits
        return by_target


def last_offsets(
    sent: Sequence[tuple[tuple[str, int], int, Any]], acknowledged: Sequence[Any]
) -> dict[tuple[str, int], int]:
    """The offset of the last record of each (topic, partition).

    Raises:
        UnknownCommitError: the broker took a batch for a repeated one and no longer knows its offset.
    """
    ends: dict[tuple[str, int], int] = {}
    for (target, count, _), metadata in zip(sent, acknowledged, strict=True):
        if metadata.offset < 0:
            raise UnknownCommitError(f"{target[0]}[{target[1]}]: a batch was acknowledged without its offset")
        ends[target] = metadata.offset + count - 1
    return ends
