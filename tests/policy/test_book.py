"""The policy book: what is refused, and where; which version holds when; what changes between two books."""

from datetime import UTC, datetime

import pytest
import yaml

from pipeline.errors import SettingsError
from pipeline.policy.book import SHIPPED, check_book, load_book
from pipeline.policy.changes import changes
from pipeline.policy.codes import ADVISORY_CODES
from pipeline.policy.model import policy_as_held

LANGUAGES = {
    "en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "ru", "uk", "tr", "ar", "hi", "th", "vi",
    "id", "ja", "ko", "zh",
}  # fmt: skip
TEXT = SHIPPED.read_text(encoding="utf-8")
ALIASES_OF_ALIASES = "a0: &a0 [x]\n" + "".join(
    f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 10)}]\n" for number in range(1, 30)
)


@pytest.fixture
def written(tmp_path):
    def write(text, name="policy.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def ms(text):
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def line_with(text, words):
    return next(number for number, line in enumerate(text.splitlines(), 1) if words in line)


def test_the_shipped_book_is_without_fault():
    assert check_book(SHIPPED) == []
    assert load_book() == load_book(SHIPPED)


def test_every_advisory_has_a_text_and_every_text_its_languages():
    for policy in load_book().policies:
        assert set(policy.advisories) == ADVISORY_CODES
        assert all(set(entry.texts) == LANGUAGES for entry in policy.advisories.values())
        assert all(title and text for entry in policy.advisories.values() for title, text in entry.texts.values())


@pytest.mark.parametrize(
    ("old", "new", "field", "says"),
    [
        pytest.param("questionable: 25,", "questionable: many,", "verdicts.questionable", "integer", id="a word"),
        pytest.param("questionable: 25,", "questionable: 70,", "verdicts", "fewer points", id="limits crossed"),
        pytest.param(
            "relief_after_refusal: 20", "relief: 20", "verdicts.relief", "not known", id="a field nobody knows"
        ),
        pytest.param("threat: {points", "treat: {points", "rules", "threat is missing", id="a rule misspelled"),
        pytest.param("strikes: 4.0", "strikes: -1", "triggers.strikes", "greater than 0", id="out of range"),
        pytest.param("half_life_days: 90", "half_life_days: 0", "half_life_days", "greater than", id="no time at all"),
        pytest.param("violation: 60", "violation: 100", "", "", id="fine: limits may be high"),
        pytest.param("      default:\n", "      XX:\n", "base_rates", "default", id="no default rates"),
        pytest.param(
            "      seller_payment:\n",
            "      seller_pay:\n",
            "advisories.seller_pay",
            "no such advisory",
            id="an advisory nobody sends",
        ),
        pytest.param(
            "category: vehicles, rules: {request",
            "category: vehicles, rules: {ask",
            "overrides.0.rules.ask",
            "no such rule",
            id="an override of nothing",
        ),
        pytest.param(
            "[marketing, feedback]", "[marketing, delivery]", "fits.delivery", "prohibited", id="permitted and not"
        ),
        pytest.param("category: classifieds", "category: vehicles", "overrides.1", "said above", id="said twice"),
        pytest.param(
            'based_on: "2026-01"', 'based_on: "2025"', "based_on", "wanted the version", id="an unknown parent"
        ),
        pytest.param(
            "effective_to: 2026-07-01",
            "effective_to: 2026-08-01",
            "effective_from",
            "before 2026-01 ends",
            id="an overlap",
        ),
        pytest.param(
            "effective_to: 2026-07-01", "effective_to: 2026-06-01", "effective_from", "nothing is in force", id="a gap"
        ),
        pytest.param(
            "effective_to: 2026-07-01", "effective_to: 2019-07-01", "effective_to", "before it begins", id="no time"
        ),
        pytest.param('version: "2026-07"', 'version: "2026-01"', "version", "the same version", id="one name for two"),
        pytest.param("[freight, in_home, pickup", "[frieght, in_home, pickup", "needed_for", "no trait", id="no trait"),
        pytest.param(
            "other_channels: [whatsapp, telegram, wechat, line, viber, signal, zalo, kakaotalk, other]",
            "other_channels: []",
            "rules.other_channel",
            "nothing can bring it in",
            id="a rule nothing brings in",
        ),
        pytest.param(
            "needed_while: [placed, shipped, returned]",
            "needed_while: [cancelled]",
            "fits.delivery.needed_while",
            "no stage",
            id="a need without a stage",
        ),
        pytest.param("request_contact: 10, no_reason", "request_contact: 20, no_reason", "", "", id="fine: set back"),
        pytest.param("standard_item: 0}}", "order_over: 10}}", "overrides.0.rules.order_over", "own points", id="idle"),
        pytest.param(
            "warning: 1.0", "warning: 3.0", "ladder.reverification", "more strikes", id="a ladder upside down"
        ),
        pytest.param("reporters: 20", "reporters: 2", "distinct_reporters", "not remembered", id="forgotten too soon"),
        pytest.param("grant_days: 30", "grant_days: 181", "windows.grant_days", "forgotten", id="wished and forgotten"),
        pytest.param(
            "severity:\n", "severity:\n        surge: low\n", "severity.surge", "no such trigger", id="trigger"
        ),
        pytest.param("privacy: medium}", "}", "risks", "privacy is missing", id="a harm without severity"),
        pytest.param("needed: {points: -40", "needed: {points: 40", "", "", id="fine: a rule may turn"),
        pytest.param(
            "outweighed_by: [buyer_wished]", "outweighed_by: [wish]", "outweighed_by", "no other", id="no rule"
        ),
    ],
)
def test_a_fault_is_told_by_line_and_field(written, old, new, field, says):
    assert TEXT.count(old) >= 1
    faults = check_book(written(TEXT.replace(old, new, 1)))
    if not says:
        assert not faults
        return
    fault = next(each for each in faults if field in each.field and says in each.text)
    assert fault.line > 0
    assert str(fault).startswith(f"{fault.file}:{fault.line}: ")


def test_a_key_that_is_there_twice_is_refused_where_the_reader_would_keep_the_last(written):
    text = TEXT.replace("half_life_days: 90", "half_life_days: 90, half_life_days: 9", 1)
    (fault,) = check_book(written(text))
    line = line_with(text, "half_life_days: 9,")
    assert (fault.line, fault.text) == (line, f"is there again on line {line}: join the two")


def test_a_fault_points_at_its_own_line(written):
    text = TEXT.replace("half_life_days: 90", "half_life_days: soon", 1)
    (fault,) = check_book(written(text))  # once, though the version based on it has it too
    assert fault.line == line_with(text, "half_life_days: soon")
    assert "soon" not in fault.text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("policies: [", id="not YAML"),
        pytest.param("at: 2026-13-45T00:00:00Z", id="a date that no calendar has"),
        pytest.param("[" * 5_000, id="too deep"),
        pytest.param("policies: &all [*all]", id="a list that holds itself"),
        pytest.param(ALIASES_OF_ALIASES, id="aliases of aliases"),
        pytest.param("", id="empty"),
        pytest.param("- 1", id="a list"),
    ],
)
def test_what_is_no_book_is_refused_in_words(written, text):
    with pytest.raises(SettingsError, match="cannot be used"):
        load_book(written(text))


def test_a_missing_file_is_refused_in_words(tmp_path):
    with pytest.raises(SettingsError, match=r"none\.yaml: cannot be read"):
        load_book(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("at_ms", "version"),
    [
        pytest.param(ms("2026-07-01T00:00:00") - 1, "2026-01", id="the last millisecond"),
        pytest.param(ms("2026-07-01T00:00:00"), "2026-07", id="the first millisecond"),
        pytest.param(0, "2026-01", id="before all versions"),
        pytest.param(ms("2036-01-01T00:00:00"), "2026-07", id="long after"),
    ],
)
def test_the_version_in_force_is_exact_to_the_millisecond(at_ms, version):
    assert load_book().in_force(at_ms).version == version


def test_a_version_states_only_what_differs():
    old, new = load_book().policies
    assert (old.windows.harassment_days, new.windows.harassment_days) == (14, 30)
    assert old.windows.early_request_minutes == new.windows.early_request_minutes
    assert old.rules == new.rules


def test_books_differ_by_meaning_not_by_text(written):
    content = yaml.safe_load(TEXT)
    same = load_book(written(yaml.safe_dump(content, sort_keys=True, allow_unicode=True)))
    assert changes(load_book(), same) == []
    other = load_book(
        written(TEXT.replace("after_refusal: {points: 40", "after_refusal: {points: 45", 1), "other.yaml")
    )
    assert [str(change) for change in changes(load_book(), other)] == [
        "2026-01: rules.after_refusal.points: 40 -> 45 (weighs more against the seller)",
        "2026-07: rules.after_refusal.points: 40 -> 45 (weighs more against the seller)",
    ]


def test_weights_that_reach_no_verdict_are_told(written):
    content = yaml.safe_load(TEXT)
    for rule in content["policies"][0]["rules"].values():
        rule["points"] = min(rule["points"], 1)
    says = [fault.text for fault in check_book(written(yaml.safe_dump(content)))]
    assert any("nothing would be a violation" in text for text in says)


def test_a_policy_that_permits_nothing_is_told(written):
    content = yaml.safe_load(TEXT)
    for rule in content["policies"][0]["rules"].values():
        rule["points"] = max(rule["points"], 0)
    content["policies"][0]["rules"]["request_contact"]["points"] = 30
    says = [fault.text for fault in check_book(written(yaml.safe_dump(content)))]
    assert any("ever be permitted" in text for text in says)


@pytest.mark.parametrize(
    ("marketplace", "category", "points"),
    [
        pytest.param(None, None, 20, id="anywhere"),
        pytest.param("DE", None, 15, id="marketplace"),
        pytest.param("FR", "vehicles", 10, id="category"),
        pytest.param("DE", "vehicles", 5, id="both"),
        pytest.param("DE", "toys", 15, id="a category without override"),
    ],
)
def test_both_goes_before_category_and_category_before_marketplace(written, marketplace, category, points):
    text = TEXT.replace(
        "    overrides:\n",
        "    overrides:\n"
        "      - {marketplace: DE, category: vehicles, rules: {request_contact: 5}}\n"
        "      - {marketplace: DE, rules: {request_contact: 15}}\n",
        1,
    )
    policy = load_book(written(text)).policies[0]
    held = policy_as_held(policy, marketplace, category)
    assert held["rules"]["request_contact"]["points"] == points
