from types import SimpleNamespace

import pytest

from server.accounts.revocations import SignedOut
from server.accounts.roles import Role
from server.accounts.standing import Dismissed, Suspended
from server.accounts.tokens import TokenExpired
from server.realtime.session import ACTS, MAX_BAD_FRAMES_IN_A_ROW
from server.wire.close_codes import CloseCode
from server.wire.messages import PAYLOADS
from tests.unit.realtime.stand_ins import a_session, a_viewer, say


def test_every_event_of_the_wire_has_something_done_about_it():
    assert ACTS.keys() == PAYLOADS.keys()


def test_the_first_frame_authenticates_and_the_answer_says_who():
    session, carrier, desk = a_session(node="worker-7")
    viewer = desk.people["good"] = a_viewer(Role.DISPATCHER)
    say(session, "session", "authenticate", {"token": "good"}, ref="1")
    assert carrier.sent() == [
        {
            "topic": "session",
            "event": "reply",
            "ref": "1",
            "payload": {
                "ok": {
                    "account_id": str(viewer.account_id),
                    "role": "dispatcher",
                    "expires_at": "2026-11-23T13:00:00Z",
                    "good_for_s": 3600,
                    "node": "worker-7",
                }
            },
        }
    ]
    assert desk.asked == ["arrived"]


@pytest.mark.parametrize(
    "text",
    [
        '{"topic":"dispatch:all","event":"join","payload":{},"ref":"1"}',
        "what?",
        '{"topic":"viewport","event":"authenticate"}',
    ],
)
def test_a_frame_before_authentication_closes_for_good(text):
    session, carrier, desk = a_session()
    session.receive(text)
    assert carrier.closed == (CloseCode.NOT_AUTHENTICATED, "authenticate first")
    assert desk.asked == ["left"]


def test_a_bad_token_is_refused_and_closes_for_good():
    session, carrier, _ = a_session()
    say(session, "session", "authenticate", {"token": "forged"}, ref="1")
    assert carrier.sent()[0]["payload"]["error"]["code"] == "not_authenticated"
    assert carrier.closed[0] is CloseCode.NOT_AUTHENTICATED


def test_an_expired_token_closes_with_the_code_that_says_fetch_a_new_one():
    session, carrier, desk = a_session()
    desk.people["old"] = TokenExpired()
    say(session, "session", "authenticate", {"token": "old"}, ref="1")
    assert carrier.sent()[0]["payload"]["error"]["code"] == "token_expired"
    assert carrier.closed[0] is CloseCode.TOKEN_EXPIRED


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (SignedOut, CloseCode.TOKEN_EXPIRED),
        (Suspended, CloseCode.SUSPENDED),
        (Dismissed, CloseCode.SUSPENDED),
    ],
)
def test_who_is_refused_although_the_token_is_good_hears_why(refusal, code):
    session, carrier, desk = a_session()
    desk.people["revoked"] = refusal()
    say(session, "session", "authenticate", {"token": "revoked"}, ref="1")
    assert carrier.sent()[0]["payload"]["error"]["code"] == refusal.code
    assert carrier.closed[0] is code


def test_who_does_not_authenticate_in_time_is_closed():
    session, carrier, desk = a_session(authenticate_within_s=5.0)
    desk.clock.turn(4.0)
    assert session.look_at_time() == 1.0
    desk.clock.turn(1.0)
    assert session.look_at_time() is None
    assert carrier.closed[0] is CloseCode.NOT_AUTHENTICATED


def test_a_token_ends_in_the_middle_of_a_visit():
    session, carrier, desk = a_session(a_viewer(ttl_s=60))
    desk.clock.turn(59.0)
    assert session.look_at_time() == 1.0
    desk.clock.turn(2.0)
    assert session.look_at_time() is None
    assert carrier.closed[0] is CloseCode.TOKEN_EXPIRED


def test_a_fresh_token_of_the_same_person_lengthens_the_visit():
    viewer = a_viewer(ttl_s=60)
    session, carrier, desk = a_session(viewer)
    desk.people["fresh"] = a_viewer(account_id=viewer.account_id, ttl_s=600)
    say(session, "session", "authenticate", {"token": "fresh"}, ref="2")
    assert "ok" in carrier.sent()[0]["payload"]
    assert desk.asked == [], "nobody new has arrived"
    desk.clock.turn(300.0)
    assert session.look_at_time() == 300.0


def test_a_socket_stays_with_the_account_that_opened_it():
    session, carrier, desk = a_session(a_viewer())
    desk.people["other"] = a_viewer()
    say(session, "session", "authenticate", {"token": "other"})
    assert carrier.closed[0] is CloseCode.NOT_AUTHENTICATED


def test_one_garbled_frame_is_forgiven():
    session, carrier, _ = a_session(a_viewer())
    session.receive('{"topic":')
    assert carrier.sent()[0] | {"payload": None} == {"topic": "session", "event": "error", "payload": None}
    say(session, "session", "heartbeat", ref="7")
    assert carrier.sent() == [{"topic": "session", "event": "reply", "ref": "7", "payload": {"ok": {}}}]
    assert carrier.closed is None


def test_many_garbled_frames_in_a_row_are_another_protocol():
    session, carrier, _ = a_session(a_viewer())
    for _ in range(MAX_BAD_FRAMES_IN_A_ROW):
        assert carrier.closed is None
        session.receive("\x00")
    assert carrier.closed[0] is CloseCode.PROTOCOL_ERROR


@pytest.mark.parametrize(
    ("topic", "event", "payload", "code"),
    [
        ("order:1", "dance", {}, "unknown_event"),
        ("viewport", "fix", {"lat": 1.0, "lng": 1.0, "fix_time": 1}, "unknown_event"),
        ("order:1", "look", {"cells": []}, "unknown_event"),
        ("dispatch:all", "heartbeat", {}, "unknown_event"),
        ("dispatch:all", "authenticate", {"token": "good"}, "unknown_event"),
        ("courier:1", "fix", {"lat": "60", "lng": 1.0, "fix_time": 1}, "bad_payload"),
        ("courier:1", "fix", {"lat": 60.0, "lng": 1.0, "fix_time": 1}, "not_allowed"),
        ("courier:1", "availability", {"available": True}, "not_allowed"),
    ],
)
def test_what_cannot_be_done_gets_its_word_and_the_socket_stays(topic, event, payload, code):
    session, carrier, desk = a_session(a_viewer())
    say(session, topic, event, payload, ref="1")
    say(session, topic, event, payload)
    replied, told = carrier.sent()
    assert (replied["event"], replied["ref"], replied["payload"]["error"]["code"]) == ("reply", "1", code)
    assert (told["event"], told["topic"], told["payload"]["code"]) == ("error", topic, code)
    assert carrier.closed is None
    assert desk.asked == []


@pytest.mark.parametrize(("topic", "event"), [("order:1", "join"), ("viewport", "look")])
def test_what_is_answered_with_data_needs_a_ref(topic, event):
    session, carrier, _ = a_session(a_viewer())
    say(session, topic, event, {"cells": []})
    assert carrier.sent()[0]["payload"]["code"] == "ref_needed"


def test_a_socket_listens_to_so_many_topics_and_no_more():
    session, carrier, _ = a_session(a_viewer(), max_topics_per_socket=2)
    for number in range(3):
        say(session, f"order:{number}", "join", ref=str(number))
    assert [frame["payload"]["error"]["code"] for frame in carrier.sent()] == ["too_many_topics"]
    say(session, "order:1", "join", ref="again")
    assert carrier.sent() == [], "joining again is no new topic"
    say(session, "order:0", "leave", ref="bye")
    say(session, "order:2", "join", ref="now")
    assert [frame["ref"] for frame in carrier.sent()] == ["bye"]


def test_a_couriers_own_frames_go_to_the_desk():
    viewer = a_viewer(Role.COURIER)
    session, _, desk = a_session(viewer)
    session.courier = SimpleNamespace(topic=f"courier:{viewer.account_id}")
    say(session, f"courier:{viewer.account_id}", "fix", {"lat": 60.0, "lng": 25.0, "fix_time": 1})
    assert [event for event, _ in desk.asked] == ["fix"]


def test_frames_are_counted_and_a_flood_is_closed():
    session, carrier, desk = a_session(a_viewer(), max_frames_per_s=2.0)
    assert sum(session.spend() for _ in range(25)) == 20, "ten seconds' worth at once"
    assert carrier.closed[0] is CloseCode.TOO_MANY_FRAMES
    assert desk.asked == ["left"]


def test_the_steady_rate_is_never_too_much():
    session, _, desk = a_session(a_viewer(), max_frames_per_s=2.0)
    for _ in range(100):
        desk.clock.turn(0.5)
        assert session.spend()


def test_nothing_is_said_after_the_end():
    session, carrier, desk = a_session(a_viewer())
    session.close(CloseCode.RESTART, "later")
    session.close(CloseCode.SLOW)
    session.push(b"x")
    session.show("key", b"y")
    say(session, "session", "heartbeat", ref="1")
    assert carrier.sent() == []
    assert carrier.closed == (CloseCode.RESTART, "later"), "the first reason stands"
    assert desk.asked == ["left"]
