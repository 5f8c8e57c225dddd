"""One contact pushed by several sellers, a number sent in pieces, a template for many buyers, a tone that sharpens."""

import pytest
from judging import BUYER, DAY_MS, MINUTE_MS, NOW_MS, WARDROBE, Desk

from pipeline.runners.judge import Judge, keyed_signal
from pipeline.runners.memory_rows import MemoryRows
from schemas.signals import ContactSeen

NUMBER = ContactSeen(contact="c_" + "7" * 24, channel="whatsapp")
OTHER = ContactSeen(contact="c_" + "8" * 24, channel="whatsapp")


def codes(finding):
    return {reason.code for reason in finding.reasons}


def push(desk, seller, at_ms=NOW_MS, contact=NUMBER, **more):
    return desk.message("share:whatsapp", seller=seller, at_ms=at_ms, contacts=(contact,), **more)


def rings(desk):
    found = [alert for alert in desk.alerts if "contact_ring" in {trigger.code for trigger in alert.triggers}]
    return sorted({alert.seller_id for alert in found})


def test_a_contact_pushed_by_two_sellers_alerts_on_both(desk):
    push(desk, "s1")
    assert rings(desk) == []
    push(desk, "s2", NOW_MS + DAY_MS)
    assert rings(desk) == ["s1", "s2"]
    told = len(desk.alerts)
    push(desk, "s2", NOW_MS + 2 * DAY_MS, conversation="c9")
    assert rings(desk) == ["s1", "s2"]
    assert len(desk.alerts) == told
    push(desk, "s3", NOW_MS + 3 * DAY_MS)
    assert rings(desk) == ["s1", "s2", "s3"]


@pytest.mark.parametrize(
    "second",
    [
        pytest.param({"contact": OTHER}, id="another contact"),
        pytest.param({"at_ms": NOW_MS + 90 * DAY_MS}, id="at the limit of the days"),
    ],
)
def test_no_ring_without_the_same_contact_in_time(desk, second):
    push(desk, "s1")
    push(desk, "s2", **second)
    assert rings(desk) == []


def test_a_driver_whom_several_furniture_sellers_name_makes_no_ring(desk):
    for seller in ("s1", "s2", "s3"):
        desk.order(WARDROBE, seller=seller, at_ms=NOW_MS - DAY_MS)
        push(desk, seller, reasons=["delivery"])
    assert rings(desk) == []


def test_a_seller_who_repeats_the_buyers_own_number_pushes_nothing(desk):
    for seller in ("s1", "s2"):
        desk.message("disclose", "refuse", sender="buyer", seller=seller, contacts=(NUMBER,), at_ms=NOW_MS - DAY_MS)
        push(desk, seller)
    assert rings(desk) == []


def test_a_ring_forgets_an_erased_seller_and_in_time_everybody(desk):
    push(desk, "s1")
    desk.erasure(seller="s1")
    push(desk, "s2", NOW_MS + 1)
    assert rings(desk) == []
    desk.tick(NOW_MS + 91 * DAY_MS)
    assert not [key for key, _ in desk.rows.items() if key.startswith(b"k:")]


class Log:
    """Several signals partitions, each with rows of its own, as the service has them."""

    def __init__(self, partitions, batch):
        self.judges = [Judge(Desk().book) for _ in range(partitions)]
        self.rows = [MemoryRows() for _ in range(partitions)]
        self.marks = [{} for _ in range(partitions)]
        self.log = [[] for _ in range(partitions)]
        self.judged = [0] * partitions
        self.batch = batch
        self.alerts = set()

    def write(self, key, value):
        partition = sum(key) % len(self.log)
        self.log[partition].append(value)

    def run(self):
        """Judges all, partition by partition, until nothing is left; every batch twice, as after a crash."""
        while any(done < len(log) for done, log in zip(self.judged, self.log, strict=True)):
            for partition, log in enumerate(self.log):
                start = self.judged[partition]
                values = log[start : start + self.batch]
                records = [Stored(partition, start + index, value) for index, value in enumerate(values)]
                self.judges[partition](self.rows[partition], self.marks[partition], records)
                result = self.judges[partition](self.rows[partition], self.marks[partition], records)
                self.rows[partition].apply(result.changed)
                self.marks[partition] |= result.watermarks
                self.judged[partition] += len(values)
                self.alerts |= {value for _, value in result.alerts if b"contact_ring" in value}
                for key, value in result.signals:
                    self.write(key, value)


class Stored:
    """A record of the signal log."""

    topic, timestamp, key, headers = "ringfence.signals.v1", NOW_MS, None, ()

    def __init__(self, partition, offset, value):
        self.partition, self.offset, self.value = partition, offset, value


def pushes():
    """The signals of twelve sellers who push one contact."""
    signals = []

    class Recorder(Desk):
        def take(self, signal):
            signals.append(signal)
            return super().take(signal)

    desk = Recorder()
    for number in range(12):
        push(desk, f"s{number:02}", NOW_MS + number, conversation=f"c{number}")
    return [each for each in signals if each.kind == "message"]


@pytest.mark.parametrize("partitions", [1, 3, 4])
@pytest.mark.parametrize("batch", [1, 5, 100])
def test_a_ring_is_found_however_sellers_are_spread_and_batched(partitions, batch):
    log = Log(partitions, batch)
    for signal in pushes():
        log.write(*keyed_signal(signal))
    log.run()
    sellers = {value.split(b'"seller_id":"')[1][:3] for value in log.alerts}
    assert len(sellers) == 12


def test_every_signal_that_the_judge_writes_has_an_origin_of_its_own():
    log = Log(3, 5)
    for signal in pushes():
        log.write(*keyed_signal(signal))
    log.run()
    origins = [value.split(b'"origin":')[1].split(b"}")[0] for values in log.log for value in values]
    assert len(origins) == len(set(origins))
    assert sum(b"ringfence.rings" in origin for origin in origins) == 12


def piece(desk, digits, minutes, *, has_prefix=False, says=(), **more):
    fields = {"fragment_digits": digits, "fragment_has_prefix": has_prefix}
    return desk.message(*says, at_ms=NOW_MS + minutes * MINUTE_MS, **fields, **more)


def test_a_number_in_pieces_is_one_finding(desk):
    assert piece(desk, 4, 0, has_prefix=True) is None
    finding = piece(desk, 7, 1)
    assert {"push_contact", "hidden"} <= codes(finding)
    assert str(finding.verdict) == "violation"
    assert piece(desk, 4, 2) is None


@pytest.mark.parametrize(
    ("pieces", "is_found"),
    [
        pytest.param([(4, 0, True), (5, 30, False)], True, id="at the limits"),
        pytest.param([(4, 0, True), (4, 30, False)], False, id="a digit too few"),
        pytest.param([(4, 0, True), (7, 31, False)], False, id="too long apart"),
        pytest.param([(4, 0, False), (4, 1, False), (4, 2, False)], False, id="prices that are haggled over"),
        pytest.param([(9, 0, True)], False, id="one message"),
    ],
)
def test_pieces_must_be_near_and_look_like_a_number(desk, pieces, is_found):
    found = [piece(desk, digits, minutes, has_prefix=has_prefix) for digits, minutes, has_prefix in pieces]
    assert any(found) is is_found


def test_pieces_after_a_request_need_no_prefix(desk):
    desk.message("request:whatsapp")
    assert piece(desk, 3, 1) is None
    assert piece(desk, 3, 2) is None
    assert piece(desk, 4, 3) is not None


def test_a_number_in_pieces_for_a_buyer_who_asked_is_the_buyers_wish(desk):
    desk.message("request", sender="buyer", at_ms=NOW_MS - 1)
    piece(desk, 4, 0, has_prefix=True)
    finding = piece(desk, 7, 1)
    assert "buyer_wished" in codes(finding)
    assert str(finding.verdict) != "violation"


def test_a_tone_that_sharpens_weighs(desk):
    assert "escalating" not in codes(desk.message("request", manners=["urgency"], conversation="c0"))
    desk.message("request")
    assert "escalating" in codes(desk.message("request", manners=["urgency"], at_ms=NOW_MS + 1))
    assert "escalating" not in codes(desk.message("request", manners=["urgency"], at_ms=NOW_MS + 2))
    assert "escalating" in codes(desk.message(manners=["threat"], at_ms=NOW_MS + 3))


def test_a_template_is_known_by_a_sketch_that_nearly_fits(desk):
    for number in range(5):
        sketch = f"112233445566{number:04x}"
        desk.message("request", conversation=f"c{number}", buyer=f"b_{number:024d}", fingerprint=sketch)
    last = desk.message("request", conversation="last", buyer=BUYER, fingerprint="1122334455669999")
    assert "mass_wording" in codes(last)
    other = desk.message("request", conversation="other", buyer=BUYER, fingerprint="1122334499998888")
    assert "mass_wording" not in codes(other)
