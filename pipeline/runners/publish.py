"""Sends a policy book to all workers."""

from datetime import UTC, datetime

from kafka import KafkaProducer

from pipeline.kafka.client import Connection
from pipeline.kafka.topics import Input, TopicNames
from pipeline.policy.book import PolicyBook
from schemas.events import PolicyPublished

KEY = b"book"
"""One key: compaction keeps the last book, and one partition keeps their order."""
SEND_LIMIT_SECONDS = 60.0


def publish_policy(connection: Connection, names: TopicNames, book: PolicyBook, text: str) -> None:
    """Puts the book on its topic; returns when the broker has it."""
    event = PolicyPublished(policy_id=book.fingerprint, at=datetime.now(UTC), book=text)
    producer = KafkaProducer(acks="all", **connection.for_kafka_python())
    try:
        sent = producer.send(names.of(Input.POLICY), key=KEY, value=event.model_dump_json().encode())
        sent.get(SEND_LIMIT_SECONDS)
    finally:
        producer.close()
