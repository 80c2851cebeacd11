"""A directory of sample scripts with their data, made once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.migrate.sample_data import make_data

SCRIPTS = Path(__file__).parent / "scripts"


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples") / "scripts"
    shutil.copytree(SCRIPTS, folder)
    make_data(folder)
    return folder
