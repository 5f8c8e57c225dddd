import importlib.util
import itertools
import os
import sys
from pathlib import Path

import pytest

from tests.broker.harness import ROOT, Stage, shown_on_failure

numbers = itertools.count(1)


def load_broker_module():
    spec = importlib.util.spec_from_file_location("deploy_kafka_broker", ROOT / "deploy/kafka/broker.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def broker(tmp_path_factory):
    """One real Kafka for the whole session; the tests keep out of each other's way by their topics' names."""
    module = load_broker_module()
    running = module.Broker(tmp_path_factory.mktemp("kafka"), module.free_port())
    running.start()
    yield running
    running.stop()


@pytest.fixture
def stage(broker, tmp_path):
    """Topics, group and folders of one test."""
    made = Stage(broker.address, tmp_path, f"t{next(numbers)}-{os.getpid()}")
    made.make_topics()
    with shown_on_failure(made):
        try:
            yield made
        finally:
            made.close()


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.broker)
