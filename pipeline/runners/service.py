"""From settings to the steps that worker and replay share: policy, packs, key."""

from collections.abc import Mapping
from types import MappingProxyType

from pipeline.detection.shipped import shipped_detector
from pipeline.errors import SettingsError
from pipeline.judgement.privacy import Pseudonymiser
from pipeline.kafka.codec import DecodeLimits
from pipeline.policy.book import PolicyBook, load_book
from pipeline.runners.judge import Judge
from pipeline.runners.scan import Scan
from pipeline.runners.shadow import Shadowed, Unshadowed
from pipeline.runners.steps import JudgeStep
from pipeline.runners.ticks import tick_signal
from pipeline.runners.worker import Steps
from pipeline.settings import Settings


def pseudonym_key(settings: Settings) -> bytes:
    """The key of the pseudonyms.

    Raises:
        SettingsError: none is set: a key that everybody knows would be no protection.
    """
    if settings.pseudonym_key is None:
        raise SettingsError(
            "RINGFENCE_PSEUDONYM_KEY is not set: buyers and contacts leave only as keyed pseudonyms. Make one with "
            "`openssl rand -hex 32`, and keep it: another key is another set of pseudonyms"
        )
    return settings.pseudonym_key.get_secret_value().encode()


def scan_step(
    book: PolicyBook, key: bytes, previous_key: bytes | None = None, logs: Mapping[str, str] = MappingProxyType({})
) -> Scan:
    """The stateless step under a policy book."""
    return Scan(shipped_detector(), Pseudonymiser(key, previous_key), DecodeLimits(book.max_lead_ms), book, logs)


def service_steps(settings: Settings) -> tuple[Steps, PolicyBook]:
    """The steps of the worker, and the policy book that they go by.

    Raises:
        SettingsError: the policy or a pack is wrong, or there is no key; by file, line and field.
    """
    book = load_book(settings.policy_file)
    previous = settings.pseudonym_key_previous
    previous_key = previous.get_secret_value().encode() if previous else None
    logs: dict[str, str] = {}
    scan = scan_step(book, pseudonym_key(settings), previous_key, logs)
    return Steps(scan, judge_step(book, settings), tick_signal, logs), book


def judge_step(book: PolicyBook, settings: Settings) -> JudgeStep:
    """The fold under a policy book, with a candidate beside it where the settings name one."""
    if settings.shadow_policy is None:
        return Unshadowed(Judge(book))
    return Shadowed(Judge(book), load_book(settings.shadow_policy), settings.release_ratio)
