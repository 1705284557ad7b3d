"""Progress bars, which pass on everything that they are told."""

from __future__ import annotations

import pytest

from akosha_hook.cli.bars import Bars
from akosha_hook.state.progress_file import SyncResult


class Recorder:
    """A Progress that remembers its calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []

    def phase(self, name: str) -> None:
        self.calls.append(("phase", name))

    def file(self, name: str, total_bytes: int) -> None:
        self.calls.append(("file", name, total_bytes))

    def advance(self, name: str, plain_bytes: int, wire_bytes: int) -> None:
        self.calls.append(("advance", name, plain_bytes, wire_bytes))

    def retry(self, reason: str, attempt: int, delay_seconds: float) -> None:
        self.calls.append(("retry", reason, attempt, delay_seconds))

    def fallback(self, reason: str) -> None:
        self.calls.append(("fallback", reason))

    def finished(self, result: SyncResult) -> None:
        self.calls.append(("finished", result))


def test_everything_is_forwarded_and_retries_are_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    recorder = Recorder()
    result = SyncResult(at=1.0, state="failed", method="cloud")
    with Bars(recorder) as bars:
        bars.phase("upload")
        bars.file("reflection.duckdb", 100)
        bars.advance("reflection.duckdb", 60, 20)
        bars.advance("never announced", 1, 1)
        bars.retry("connection [reset]", 1, 2.0)
        bars.fallback("The cloud is down.")
        bars.finished(result)
    assert recorder.calls == [
        ("phase", "upload"),
        ("file", "reflection.duckdb", 100),
        ("advance", "reflection.duckdb", 60, 20),
        ("advance", "never announced", 1, 1),
        ("retry", "connection [reset]", 1, 2.0),
        ("fallback", "The cloud is down."),
        ("finished", result),
    ]
    shown = capsys.readouterr()
    assert "Retry 1 in 2.0 s: connection [reset]" in shown.err
    assert "The cloud is down. Falling back to Akosha." in shown.err
    assert shown.out == ""
