import pytest

from pipeline.errors import SettingsError
from pipeline.kafka.topics import Input, Output, TopicNames, check_co_partitioning, partition_of, topic_specs

NAMES = TopicNames("ringfence")


def counts(**changed):
    return {spec.name: 4 for spec in topic_specs(NAMES, 4)} | changed


@pytest.mark.parametrize(
    ("key", "hash_in_java"),
    # Apache Kafka, UtilsTest.testMurmur2
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_a_key_goes_where_every_java_client_would_send_it(key, hash_in_java):
    assert partition_of(key, 7) == (hash_in_java & 0x7FFFFFFF) % 7


def test_all_fourteen_topics_and_the_changelog_are_declared():
    names = [spec.name for spec in topic_specs(TopicNames("app", "test."), 6)]
    assert names == [*(f"test.{each}" for each in (*Input, *Output)), "app-rows-changelog"]
    assert {spec.partitions for spec in topic_specs(NAMES, 6)} == {6}


def test_the_changelog_is_compacted_and_dead_letters_are_short_lived():
    configs = {spec.name: spec.configs for spec in topic_specs(NAMES, 4)}
    assert configs[NAMES.changelog]["cleanup.policy"] == "compact"
    assert int(configs[Output.DEAD_LETTERS]["retention.ms"]) < int(configs[Output.SIGNALS]["retention.ms"])


def test_inputs_may_have_any_number_of_partitions():
    check_co_partitioning(counts(**{Input.MESSAGES: 48}), NAMES)


@pytest.mark.parametrize("name", [NAMES.changelog, Output.ALERTS, Output.FINDINGS])
def test_topics_that_must_agree_with_the_signals_are_refused_with_both_numbers(name):
    with pytest.raises(SettingsError, match=rf"signals\.v1 has 4 partitions, but {name} has 8; .*new app_id"):
        check_co_partitioning(counts(**{name: 8}), NAMES)
