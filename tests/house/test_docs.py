"""The generated references say what the code says."""

import importlib.util
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs/generate.py")
generate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(generate)
PAGES = generate.pages()


@pytest.mark.parametrize("path", sorted(PAGES))
def test_a_generated_page_is_current(path):
    assert (ROOT / "docs" / path).read_text(encoding="utf-8") == PAGES[path], "run `make docs`"


def test_every_topic_of_the_asyncapi_document_names_a_schema_that_exists():
    document = yaml.safe_load(PAGES["asyncapi.yaml"])
    for channel in document["channels"].values():
        for message in channel["messages"].values():
            assert (ROOT / "docs" / message["payload"]["$ref"]).is_file()


def test_every_operation_of_the_asyncapi_document_names_its_channel():
    document = yaml.safe_load(PAGES["asyncapi.yaml"])
    for operation in document["operations"].values():
        assert operation["channel"]["$ref"].removeprefix("#/channels/") in document["channels"]


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))], ids=lambda page: page.name)
def test_every_link_between_pages_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_topic_has_its_channel():
    assert set(generate.CHANNELS) == {*generate.Input, *generate.Output}
