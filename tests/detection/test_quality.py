"""How well the corpus is read does not fall: floors below what was measured, on the messages put aside."""

import pytest

from tests.corpus.measure import UNSEEN, detector_answers, measured, merged

LEAST_PRECISION, LEAST_RECALL = 0.94, 0.86
LEAST_PRECISION_OF_A_LANGUAGE, LEAST_RECALL_OF_A_LANGUAGE = 0.84, 0.70
"""Of some seventy messages: two of them are three points."""
LEAST_OF_NUMBERS = {"numbers_plain": (0.96, 0.94), "numbers_hidden": (0.90, 0.78)}


@pytest.fixture(scope="module")
def by_language():
    return measured(UNSEEN, (), detector_answers())


def test_requests_and_shares_are_found_in_every_language(by_language):
    assert len(by_language) == 28
    poor = {
        language: (figures.scores["contact"].precision, figures.scores["contact"].recall)
        for language, figures in by_language.items()
        if figures.scores["contact"].precision < LEAST_PRECISION_OF_A_LANGUAGE
        or figures.scores["contact"].recall < LEAST_RECALL_OF_A_LANGUAGE
    }
    assert not poor


def test_requests_and_shares_are_found_in_all_languages_together(by_language):
    contact = merged(by_language.values()).scores["contact"]
    assert contact.precision >= LEAST_PRECISION
    assert contact.recall >= LEAST_RECALL


@pytest.mark.parametrize("kind", LEAST_OF_NUMBERS)
def test_numbers_are_found(by_language, kind):
    numbers = merged(by_language.values()).scores[kind]
    precision, recall = LEAST_OF_NUMBERS[kind]
    assert numbers.precision >= precision
    assert numbers.recall >= recall
