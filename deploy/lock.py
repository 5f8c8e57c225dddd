"""What the lock file says: the part that runs in production, and a bill of materials.

    python deploy/lock.py runtime     the locked packages without the development tools, for the image
    python deploy/lock.py sbom        CycloneDX 1.6, JSON, of the same

Needs nothing but Python: the image's first stage runs it before anything is installed.
"""

import argparse
import json
import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PROJECT = "ringfence"
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)(?P<marker> ; [^\\]*)?")


@dataclass(frozen=True, slots=True)
class Locked:
    """One package of the lock file."""

    name: str
    version: str
    lines: tuple[str, ...]
    """As they stand in the file: pin, marker and hashes."""
    hashes: tuple[str, ...]
    wanted_by: frozenset[str]
    """Names of packages, and `ringfence` where the project asks for it."""


def locked(text: str) -> dict[str, Locked]:
    """Every package of a lock file by name, in its order."""
    found: dict[str, Locked] = {}
    for block in re.split(r"\n(?=[A-Za-z0-9])", text):
        pin = PIN.match(block)
        if pin:
            lines = block.splitlines()
            via = " ".join(line.strip(" #") for line in lines if line.lstrip().startswith("#"))
            wanted_by = frozenset(via.replace("(pyproject.toml)", "").split()) - {"via"}
            kept = tuple(line for line in lines if not line.lstrip().startswith("#"))
            hashes = tuple(re.findall(r"--hash=sha256:([0-9a-f]{64})", block))
            found[pin["name"]] = Locked(pin["name"], pin["version"], kept, hashes, wanted_by)
    return found


def runtime(packages: dict[str, Locked], asked_for: set[str]) -> list[Locked]:
    """The packages that the named ones need, themselves included, in the order of the lock file."""
    needed = {name for name in packages if name in asked_for}
    while more := {name for name, each in packages.items() if name not in needed and each.wanted_by & needed}:
        needed |= more
    return [each for name, each in packages.items() if name in needed]


def dependencies(project: dict[str, Any]) -> set[str]:
    """Names of what the project needs at run time, as the lock file writes them."""
    named = (re.match(r"[A-Za-z0-9._-]+", text) for text in project["project"]["dependencies"])
    return {re.sub(r"[-_.]+", "-", each[0]).lower() for each in named if each}


def bill_of_materials(packages: list[Locked], version: str) -> dict[str, Any]:
    """CycloneDX 1.6 of the packages; the same bytes for the same lock file."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": PROJECT, "version": version, "bom-ref": PROJECT}},
        "components": [
            {
                "type": "library",
                "name": each.name,
                "version": each.version,
                "purl": purl(each),
                "bom-ref": purl(each),
                # One package has a file for each platform: any of these may be installed.
                "properties": [{"name": "sha256", "value": each_hash} for each_hash in each.hashes],
            }
            for each in packages
        ],
        "dependencies": [
            {
                "ref": PROJECT if name == PROJECT else purl(next(each for each in packages if each.name == name)),
                "dependsOn": [purl(each) for each in packages if name in each.wanted_by],
            }
            for name in (PROJECT, *(each.name for each in packages))
        ],
    }


def purl(package: Locked) -> str:
    """The package URL."""
    return f"pkg:pypi/{package.name}@{package.version}"


def main() -> int:
    """Prints what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["runtime", "sbom"])
    what = parser.parse_args().what
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    packages = runtime(locked(text), dependencies(project))
    if what == "runtime":
        sys.stdout.write("".join(f"{line.rstrip()}\n" for each in packages for line in each.lines))
    else:
        sys.stdout.write(json.dumps(bill_of_materials(packages, project["project"]["version"]), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
