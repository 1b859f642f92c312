"""docs/protocol.md is what strangers write clients by: what the code says must stand there."""

from pathlib import Path

import pytest

from server.geo.fixes import Verdict
from server.realtime import commands, ingest, joins, session, topics
from server.settings import Settings
from server.storage.cursor import BadCursor
from server.storage.idempotency import KeyReused
from server.wire.close_codes import CloseCode
from server.wire.frames import BadFrame
from server.wire.messages import MAX_CELLS_IN_VIEW, MAX_FIXES_PER_BATCH, PAYLOADS, BadPayload

PAGE = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text()


@pytest.mark.parametrize(
    "event",
    [
        *PAYLOADS,
        *sorted(commands.EVENTS),
        "reply",
        "error",
        "changed",
        "position",
        "positions",
        "left",
        "stored",
    ],
)
def test_every_event_is_told(event):
    assert f"`{event}`" in PAGE or f'"event": "{event}"' in PAGE


@pytest.mark.parametrize("code", [code for code in CloseCode if code is not CloseCode.NORMAL])
def test_every_close_code_is_told(code):
    assert str(int(code)) in PAGE


@pytest.mark.parametrize(
    "error",
    [
        BadFrame,
        BadPayload,
        BadCursor,
        commands.InternalError,
        commands.TooManyCommands,
        ingest.StillAdopting,
        joins.JoinOvertaken,
        KeyReused,
        session.UnknownEvent,
        topics.RefNeeded,
        topics.TooManyTopics,
        topics.UnknownTopic,
    ],
)
def test_every_refusal_is_told(error):
    assert f"`{error.code}`" in PAGE


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict.is_refusal])
def test_every_reason_to_refuse_a_fix_is_told(verdict):
    assert f"`{verdict}`" in PAGE


def test_the_limits_told_are_those_that_hold():
    settings = Settings()
    for told in (
        f"within {settings.authenticate_within_s:g} seconds",
        f"after {settings.heartbeat_s:g} quiet seconds",
        f"At most {settings.max_topics_per_socket} topics",
        f"at most {MAX_CELLS_IN_VIEW}",
        f"1 to {MAX_FIXES_PER_BATCH}",
        f"more than {settings.max_frame_bytes // 1024} KiB",
        f"more than {settings.max_status_backlog_bytes // 1024} KiB of status",
        f"nothing was taken for {settings.slow_viewer_s:g} s",
        f"more than {settings.max_frames_per_s:g} frames a second",
    ):
        assert told in PAGE, told
