"""What the API's document says is so: a short run of `tools.fuzz.api`, always the same."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

# It needs a Schemathesis that the webui's pins have no room for.
pytestmark = [pytest.mark.slow(10), pytest.mark.once]

HOW = "--seed 1 --max-examples 2 --phases examples,fuzzing,stateful --generation-deterministic"


def test_every_answer_is_one_that_the_document_tells_of(
    tmp_path: Path, small_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("schemathesis")
    from tools.fuzz import api
    from tools.fuzz.service import service

    logging.disable(logging.WARNING)
    try:
        with service(tmp_path / "data", small_folder) as services, api.served(services) as address:
            failed = api.run(tmp_path, address, HOW.split())
    finally:
        logging.disable(logging.NOTSET)
    assert failed == 0, capfd.readouterr().out
