"""The learned second opinion: it speaks where no rule does, names itself, and earns its place."""

import pytest

from pipeline.detection.letters import LETTER_BUCKETS, runs_of
from pipeline.detection.model import NOTHING
from pipeline.detection.opinion import LONGEST_DENIED_WORDS, MOST_LETTERS, letters_of
from pipeline.detection.shipped import shipped_detector
from schemas.vocabulary import Act, Manner, Reason, Sender
from tests.corpus.measure import SEEN, UNSEEN, detector_answers, figures_of, rows_of

LEAST_RECALL_ADDED = 0.02
MOST_PRECISION_LOST = 0.01


@pytest.fixture(scope="module")
def both():
    return shipped_detector(has_opinion=False), shipped_detector()


def test_it_earns_its_place_on_the_messages_put_aside():
    rules, whole = (
        figures_of(rows_of(UNSEEN), detector_answers(has_opinion=has_opinion)).scores["contact"]
        for has_opinion in (False, True)
    )
    assert whole.recall - rules.recall >= LEAST_RECALL_ADDED
    assert rules.precision - whole.precision <= MOST_PRECISION_LOST


def test_it_names_all_that_it_adds_and_all_that_it_takes_back(both):
    rules, whole = both
    added = taken_back = 0
    for row in rows_of(SEEN, ["ar", "de", "en", "ja", "pl", "ru", "vi", "zh"]):
        said = (row["text"], row["text"], Sender(row["sender"]), (row["marketplace"],))
        before, after = rules.examine(*said), whole.examine(*said)
        denied = {(match.start, match.end) for match in after.matches if match.rule == "opinion.denied"}
        missing = set(before.acts) - set(after.acts)
        if after != NOTHING:  # where nothing is left, nothing is told
            assert bool(denied) == bool(missing)
            assert all((act.start, act.end) in denied for act in missing)
        assert set(before.mentions) == set(after.mentions)
        assert all(act.rule == f"opinion.{act.act}" for act in set(after.acts) - set(before.acts))
        if missing:
            taken_back += 1
            assert not before.mentions
            assert len(row["text"].split()) <= LONGEST_DENIED_WORDS or not row["text"].isascii()
            assert Reason.PHISHING not in before.reasons
            assert Manner.THREAT not in before.manners
            continue
        assert set(before.reasons) <= set(after.reasons)
        new = {match.rule for match in after.matches} - {match.rule for match in before.matches}
        if before.acts:  # where there are none, what colours an act is not told either
            assert all(rule.startswith("opinion.") for rule in new)
            assert bool(new) or set(after.manners) == set(before.manners)
        added += bool(new)
    assert added > 100
    assert taken_back > 5


@pytest.mark.parametrize(
    "benign",
    [
        "The lamp is packed and in very good condition, I hope that you will like it as much as we did. ",
        "hi hope you are well and that you like the lamp because it is nice and was used only for a short time and ",
    ],
)
def test_no_request_is_drowned_in_friendly_words(both, benign):
    rules, whole = both
    for row in rows_of(SEEN, ["en"]):
        if row["solicits"] or row["shares_contact"]:
            said = (benign + row["text"], Sender(row["sender"]), (row["marketplace"],))
            assert set(rules.detect(*said).acts) <= set(whole.detect(*said).acts)


def test_it_accuses_nobody_of_phishing(both):
    rules, whole = both
    for row in rows_of(SEEN, ["en"]):
        said = (row["text"], Sender(row["sender"]), ())
        assert (Reason.PHISHING in whole.detect(*said).reasons) <= (Reason.PHISHING in rules.detect(*said).reasons)


def test_its_span_is_the_sentence_that_says_most(both):
    asks = "Can we take this somewhere we can chat properly?"
    text = f"The lamp is packed. {asks} It weighs 2 kg."
    found = next((act for act in both[1].examine(text, text, Sender.SELLER).acts if act.act is Act.REQUEST), None)
    assert found is not None
    assert found.rule == "opinion.request"
    assert "somewhere" in text[found.start : found.end]
    assert "2 kg" not in text[found.start : found.end]


def test_runs_of_letters_are_bounded_and_see_all_digits_alike():
    text = " ab12 "
    assert len(runs_of(text)) == len(text) + len(text) - 2
    assert runs_of(" call 123 ") == runs_of(" call 789 ")
    assert all(0 <= bucket < LETTER_BUCKETS for bucket in runs_of("加我微信 ünïcode"))


def test_a_long_message_costs_no_more_than_its_first_letters(both):
    detector = both[1]
    text = "call me " * 2_000
    understood = detector.understand(text, text, Sender.SELLER)
    letters = letters_of(understood.scene)
    assert sum(map(len, letters)) <= 2 * MOST_LETTERS
