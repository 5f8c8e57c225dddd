"""The tutorial's commands do what it says; every command that a guide names exists."""

import re

import pytest
import typer

from pipeline.cli import app
from tests.house.doc_commands import ROOT, run_page

GUIDES = ["tutorial.md", "operators-guide.md", "analysts-guide.md", "policy-owners-guide.md", "security.md"]


def test_the_tutorial_ends_with_the_reader_s_rule_catching_the_reader_s_message(tmp_path):
    done = run_page("tutorial.md", tmp_path)
    assert done.returncode == 0, done.stderr
    assert '"solicits":true' in done.stdout
    assert done.stdout.index('"verdict":"permitted"') < done.stdout.index('"verdict":"violation"')


@pytest.mark.parametrize("page", [*(f"docs/{name}" for name in GUIDES), "deploy/runbook.md", "README.md"])
def test_every_command_that_a_page_names_exists(page):
    known = typer.main.get_command(app).commands
    text = (ROOT / page).read_text(encoding="utf-8")
    for name, second in re.findall(r"(?:^|`|\| |= )ringfence ([a-z-]+)(?:\s+([a-z]+))?", text, re.MULTILINE):
        assert name in known
        inner = getattr(known[name], "commands", None)
        assert inner is None or second in inner, f"ringfence {name} {second}"
