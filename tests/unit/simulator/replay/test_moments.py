"""Times as files write them."""

import pytest

from server.simulator.replay.moments import parse_moment


@pytest.mark.parametrize(
    ("text", "options", "unix_s"),
    [
        ("1372636858", {}, 1372636858.0),
        ("1372636858500", {"unit": "ms"}, 1372636858.5),
        ("2013-07-01T00:00:58Z", {}, 1372636858.0),
        ("2013-07-01 02:00:58+02:00", {}, 1372636858.0),
        ("2013-07-01T00:00:58", {}, 1372636858.0),
        ("2013-07-01T00:00:58.123456789", {}, 1372636858.123456789),
        ("1970-01-01 00:00:00", {}, 0.0),
        ("01.07.2013 00:00", {"pattern": "%d.%m.%Y %H:%M"}, 1372636800.0),
    ],
)
def test_a_time_is_read(text, options, unix_s):
    assert parse_moment(text, **options) == pytest.approx(unix_s, abs=1e-6)


@pytest.mark.parametrize("text", ["", "noon", "nan", "inf", "2013-13-01"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError):
        parse_moment(text)
