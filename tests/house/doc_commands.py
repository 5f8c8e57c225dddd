"""The commands of the guides, as a reader types them: every block marked `sh`, in the order of the page."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 120


def commands(page: str) -> str:
    """All `sh` blocks of a page of docs/, one after the other."""
    return "\n".join(
        re.findall(r"^```sh\n(.*?)^```$", (ROOT / "docs" / page).read_text("utf-8"), re.MULTILINE | re.DOTALL)
    )


def run_page(page: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Runs them from a folder that looks like the repository's root, where nothing of the reader's is overwritten."""
    for name in ("pipeline", "schemas", "tests", "docs", "deploy"):
        (folder / name).symlink_to(ROOT / name)
    outside = {name: value for name, value in os.environ.items() if not name.startswith("RINGFENCE_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [shutil.which("bash") or "bash", "-euo", "pipefail", "-c", commands(page)],
        cwd=folder,
        env=outside | {"PATH": path, "COLUMNS": "120"} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_SECONDS,
    )
