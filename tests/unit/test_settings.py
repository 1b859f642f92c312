"""Settings: read from the environment, and refused in one sentence that names the variable."""

import pytest

from server.errors import StartupError
from server.settings import Settings


def test_an_empty_environment_is_enough():
    assert Settings.from_environment({}) == Settings()


def test_the_command_line_goes_before_the_environment():
    environment = {"SONGDA_PORT": "9001", "SONGDA_WORKERS": "3"}
    settings = Settings.from_environment(environment, port=9002)
    assert (settings.port, settings.workers) == (9002, 3)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SONGDA_PORT", "abc"),
        ("SONGDA_PORT", "0"),
        ("SONGDA_PORT", "65536"),
        ("SONGDA_WORKERS", "0"),
        ("SONGDA_WORKERS", "1.5"),
        ("SONGDA_HEARTBEAT_S", "nan"),
        ("SONGDA_DRAIN_S", "inf"),
        ("SONGDA_ACCEPT_WITHIN_S", "-1"),
        ("SONGDA_DATABASE_POOL_SIZE", "99999999999"),
        ("SONGDA_POSITION_PARTITIONS", "65"),
        ("SONGDA_AGEING_AFTER_S", "600"),
        ("SONGDA_LOG_LEVEL", "loud"),
        ("SONGDA_SECRET", "too short to sign with"),
        ("SONGDA_MAP_CENTER", "Helsinki"),
        ("SONGDA_MAP_CENTER", "24.9"),
        ("SONGDA_WEBHOOK_ALLOW_HTTP", "perhaps"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(name: str, text: str):
    with pytest.raises(StartupError, match=f"^{name} must be ") as refused:
        Settings.from_environment({name: text})
    assert "\n" not in str(refused.value)
    assert name != "SONGDA_SECRET" or text not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("yes", True), ("TRUE", True), ("1", True), ("no", False), ("false", False), ("0", False)],
)
def test_a_switch_is_said_with_yes_or_no(text: str, expected: bool):
    settings = Settings.from_environment({"SONGDA_WEBHOOK_ALLOW_HTTP": text})
    assert settings.webhook_allow_http is expected
