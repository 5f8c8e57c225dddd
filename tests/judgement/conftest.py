import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from judging import Desk  # the tests are no package


@pytest.fixture
def desk():
    return Desk()
