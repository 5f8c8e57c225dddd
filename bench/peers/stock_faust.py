"""Stock Faust: an agent that does nothing but receive raw bytes."""

import sys
import tempfile

import faust
from measure import Measure

broker, topic_name, wanted = sys.argv[1], sys.argv[2], int(sys.argv[3])
measure = Measure(wanted)
app = faust.App(
    f"bench-faust-{topic_name}",
    broker=f"kafka://{broker}",
    store="memory://",
    web_enabled=False,
    topic_disable_leader=True,
    consumer_auto_offset_reset="earliest",
    datadir=tempfile.mkdtemp(),
)
topic = app.topic(topic_name, value_serializer="raw", key_serializer="raw")


@app.agent(topic)
async def consume(stream: faust.StreamT[bytes]) -> None:
    """Counts, and nothing else."""
    async for _ in stream:
        measure.count(1)


if __name__ == "__main__":
    sys.argv = ["faust", "worker", "--loglevel=error", "--without-web"]
    app.main()
