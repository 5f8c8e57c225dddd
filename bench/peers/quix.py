"""Quix Streams: a streaming data frame that decodes JSON and does nothing else."""

import sys
import tempfile

from measure import Measure
from quixstreams import Application

broker, topic_name, wanted = sys.argv[1], sys.argv[2], int(sys.argv[3])
measure = Measure(wanted)
app = Application(
    broker_address=broker,
    consumer_group=f"bench-quix-{topic_name}",
    auto_offset_reset="earliest",
    loglevel="ERROR",
    state_dir=tempfile.mkdtemp(),
)
frame = app.dataframe(app.topic(topic_name, value_deserializer="json"))
frame.update(lambda _: measure.count(1))
app.run()
