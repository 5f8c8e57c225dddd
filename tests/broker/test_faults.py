"""A short form of `make faults`: what happens between worker and broker, and a judge that hangs."""

import pytest

from tests.broker.conftest import load_broker_module
from tests.broker.harness import Stage, shown_on_failure
from tests.faults.ground import ground
from tests.faults.scenarios import SCENARIOS


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    with ground(load_broker_module(), tmp_path_factory.mktemp("faults"), seed=5, is_short=True) as made:
        yield made


@pytest.mark.parametrize("name", ["resets", "end-txn", "half-open", "compacted", "hot-seller", "stall"])
def test_nothing_is_lost_or_repeated_whatever_breaks(made, tmp_path, name):
    stage = Stage(f"127.0.0.1:{made.broker.port}", tmp_path, f"short-{name}")
    stage.make_topics()
    with shown_on_failure(stage):
        try:
            outcome = SCENARIOS[name](made, stage)
        finally:
            stage.close()
    assert outcome.is_as_expected, outcome
