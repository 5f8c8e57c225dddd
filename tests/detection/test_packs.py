"""Packs are refused with file, line and reason."""

import re
import shutil

import pytest

from pipeline.detection.checks import pack_faults
from pipeline.detection.packs import GRAMMAR_FILE, SHIPPED, load_packs
from pipeline.detection.sources import PackError

PACK = """\
language: xx
name: Test
regions: [GB]
channels:
  whatsapp: [whatsapp]
words:
  contact_noun: [phone number, blue phone]
  your: [your]
  ask: [send me]
  trap: [blue phone case, ring size]
phrases:
  request.sms: [drop me a text]
"""
EXAMPLES = (
    "\nexamples:\n"
    + "".join(f"  - {{text: item {number} is sold, expect: none}}\n" for number in range(59))
    + "  - {text: send me your phone number, expect: {solicits: true}}\n"
)


@pytest.fixture
def faults(tmp_path):
    shutil.copy(SHIPPED / GRAMMAR_FILE, tmp_path)

    def told(text, **others):
        for language, pack in others.items():
            (tmp_path / f"{language}.yaml").write_text(pack, encoding="utf-8")
        path = tmp_path / "xx.yaml"
        path.write_text(text, encoding="utf-8")
        return [str(fault) for fault in pack_faults([path], tmp_path)]

    return told


def test_a_sound_pack_has_no_faults(faults):
    assert faults(PACK + EXAMPLES) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        pytest.param("words:", "wrods:", "6: wrods: no such key", id="unknown key"),
        pytest.param("  ask:", "  aks:", "9: words.aks: no such concept", id="unknown concept"),
        pytest.param("[send me]", "[send me, '—']", "9: words.ask.1: is read as nothing", id="reads as nothing"),
        pytest.param("[send me]", "[send (me]", "9: words.ask.0: a bracket does not close", id="open bracket"),
        pytest.param("[send me]", "[send ((me))]", "9: words.ask.0: brackets must pair", id="nested brackets"),
        pytest.param("[send me]", "[send me, send me]", "9: words.ask.1: listed twice", id="twice"),
        pytest.param("[send me]", "[send me, number?]", "9: words.ask.1: ends in ?", id="unread sign"),
        pytest.param("[your]", "[your, ring size]", "8: words.your.1: can never match", id="always swallowed"),
        pytest.param("a text]\n", "a text]\nbare_no: [no, no]\n", "13: bare_no.1: listed twice", id="no twice"),
        pytest.param("a text]\n", "a text]\nbare_no: [no (way]\n", "13: bare_no.0: a bracket", id="open no"),
        pytest.param("request.sms", "request.fax", "12: phrases.request.fax: no such phrase", id="no such channel"),
        pytest.param("request.sms", "plea", "12: phrases.plea: no such phrase", id="no such act"),
        pytest.param("language: xx", "language: yy", "1: language: `language` must be", id="another language"),
        pytest.param("{solicits: true}", "none", "74: an example fails: solicits is true", id="example"),
        pytest.param("{solicits: true}", "{asks: true}", "74: examples.59.asks: no such expectation", id="expectation"),
        pytest.param("item 58", "item 57", "73: examples.58: `text` must be there", id="example twice"),
        pytest.param("  - {text: item 58 is sold, expect: none}\n", "", "73: examples: 59 of them", id="too few"),
        pytest.param("a text]\n", "a text]\nwords: {ask: [show]}\n", "6: words: is there again", id="key twice"),
        pytest.param("name: Test", "name: [Test", "3: no YAML", id="no yaml"),
    ],
)  # fmt: skip
def test_a_bad_pack_is_refused_with_file_line_and_reason(faults, old, new, fault):
    text = PACK + EXAMPLES
    assert old in text
    told = faults(text.replace(old, new))
    assert any(line.startswith(f"xx.yaml:{fault}") for line in told), told


def test_a_rule_that_catches_another_packs_negative_is_blamed(faults):
    other = PACK.replace("language: xx", "language: zz").replace("phone number, blue phone", "gsm")
    other += EXAMPLES.replace("item 3 is sold", "send me your trumpet").replace("phone number", "gsm")
    told = faults((PACK + EXAMPLES).replace("blue phone]", "trumpet, blue phone]"), zz=other)
    assert len(told) == 1
    assert re.match(r"xx\.yaml:1: breaks the example at zz\.yaml:\d+: solicits is true", told[0])


def test_a_pack_that_cannot_be_used_stops_the_loading(tmp_path):
    shutil.copy(SHIPPED / GRAMMAR_FILE, tmp_path)
    (tmp_path / "xx.yaml").write_text("language: xx\nchanels: {}\n", encoding="utf-8")
    with pytest.raises(PackError, match=r"xx\.yaml:2: chanels"):
        load_packs(tmp_path)


@pytest.mark.parametrize("language", sorted(path.stem for path in SHIPPED.glob("*.yaml") if path.stem[0] != "_"))
def test_a_shipped_pack_holds(language, shipped_faults):
    assert [fault for fault in shipped_faults if fault.startswith(f"{language}.yaml:")] == []


@pytest.fixture(scope="module")
def shipped_faults():
    return [str(fault) for fault in pack_faults()]
