from uuid import uuid4

import pytest

from server.dispatch.legs import Leg
from server.geo.cells import cell_of, centre_of
from server.geo.position import Position
from server.realtime.audiences import PRECISION, shown_position
from server.realtime.topics import Audience

LAT, LNG = 60.1712345, 24.9412345


def a_position(**facts):
    return Position(
        **{
            "courier_id": uuid4(),
            "lat": LAT,
            "lng": LNG,
            "fix_time_ms": 7,
            "received_at_ms": 8,
            "cell": cell_of(LAT, LNG),
            "bearing_deg": 90.0,
            "speed_mps": 5.0,
            "duty_mark": 2,
            **facts,
        }
    )


def test_every_audience_has_its_row_and_every_leg_its_cell():
    assert set(PRECISION) == set(Audience)
    assert all(set(row) == set(Leg) for row in PRECISION.values())


@pytest.mark.parametrize("audience", Audience)
@pytest.mark.parametrize("leg", Leg)
@pytest.mark.parametrize("version", [0, 1, 3])
def test_a_position_of_another_version_of_the_assignment_is_shown_to_nobody(audience, leg, version):
    shown = shown_position(a_position(duty_mark=version), duty_mark=2, leg=leg, audience=audience)
    assert shown is None


def test_coarse_is_the_centre_of_the_cell_and_nothing_else():
    shown = shown_position(a_position(), duty_mark=2, leg=Leg.TO_PICKUP, audience=Audience.CUSTOMER)
    assert (shown.lat, shown.lng) == pytest.approx(centre_of(cell_of(LAT, LNG)), abs=1e-6)
    assert (shown.bearing_deg, shown.speed_mps, shown.coarse) == (None, None, True)


def test_exact_is_what_the_phone_said():
    shown = shown_position(a_position(), duty_mark=2, leg=Leg.TO_DROPOFF, audience=Audience.CUSTOMER)
    assert (shown.lat, shown.lng, shown.bearing_deg, shown.speed_mps) == (LAT, LNG, 90.0, 5.0)
    assert not shown.coarse


def test_the_kitchen_does_not_follow_to_the_customers_door():
    assert shown_position(a_position(), duty_mark=2, leg=Leg.TO_PICKUP, audience=Audience.MERCHANT)
    assert not shown_position(a_position(), duty_mark=2, leg=Leg.TO_DROPOFF, audience=Audience.MERCHANT)
