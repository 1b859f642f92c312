"""Tokens: what is read is what was issued, and nothing forged is read at all (RFC 8725)."""

import base64
import json

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.accounts.roles import Role
from server.accounts.tokens import AUDIENCE, ISSUER, LEEWAY_S, TokenExpired, Tokens
from server.clock import from_ms
from server.errors import NotAuthenticated
from tests.builders import SECRET, a_viewer
from tests.fakes import ManualClock

TTL_S = 3600.0


def the_tokens(clock=None):
    return Tokens(SECRET, TTL_S, clock or ManualClock())


def the_claims(**changed):
    viewer = a_viewer()
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(viewer.account_id),
        "role": "customer",
        "iat": viewer.expires_at_ms // 1000 - 3600,
        "exp": viewer.expires_at_ms // 1000,
        **changed,
    }
    return {name: value for name, value in claims.items() if value is not None}


def forged(claims, *, secret=SECRET, algorithm="HS256", typ="at+jwt", **headers):
    return jwt.encode(claims, secret, algorithm=algorithm, headers={"typ": typ, **headers})


@pytest.mark.parametrize("role", Role)
def test_a_token_says_who_it_was_issued_to(role):
    viewer = a_viewer(role)
    assert the_tokens().read(the_tokens().issue(viewer)) == viewer


def test_a_viewer_is_good_for_the_time_set():
    clock = ManualClock()
    viewer = the_tokens(clock).viewer(a_viewer().account_id, Role.COURIER, None)
    assert (from_ms(viewer.expires_at_ms) - clock.now()).total_seconds() == TTL_S


def test_a_token_ends_and_a_little_leeway_is_given_to_other_hosts_clocks():
    clock = ManualClock()
    tokens = the_tokens(clock)
    token = tokens.issue(a_viewer())
    clock.turn(TTL_S + LEEWAY_S - 1)
    tokens.read(token)
    clock.turn(1)
    with pytest.raises(TokenExpired):
        tokens.read(token)


def test_claims_that_are_all_right_are_read():
    the_tokens().read(forged(the_claims()))


@pytest.mark.parametrize(
    "token",
    [
        forged(the_claims(), secret="another secret of at least as many characters"),
        forged(the_claims(), algorithm="HS512"),
        forged(the_claims(), typ="JWT"),
        forged(the_claims(), typ="refresh+jwt"),
        forged(the_claims(aud="somebody else")),
        forged(the_claims(iss="somebody else")),
        forged(the_claims(sub="not an id")),
        forged(the_claims(role="emperor")),
        forged(the_claims(merchant="not an id")),
        forged(the_claims(merchant=7)),
        forged(the_claims(exp=10**18)),
        forged(the_claims(exp="tomorrow")),
        *(forged(the_claims(**{name: None})) for name in ("iss", "aud", "sub", "role", "exp", "iat")),
        "",
        ".",
        "..",
        "a.b.c",
        "é.é.é",
        "x" * 5000,
    ],
)
def test_nothing_else_is_believed(token):
    with pytest.raises(NotAuthenticated):
        the_tokens().read(token)


def test_a_token_without_signature_is_not_believed():
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    with pytest.raises(NotAuthenticated):
        the_tokens().read(f"{part({'alg': 'none', 'typ': 'at+jwt'})}.{part(the_claims())}.")


@given(st.text(max_size=60), st.integers(min_value=0, max_value=400))
def test_no_altered_token_is_believed(text, place):
    token = the_tokens().issue(a_viewer())
    altered = token[:place] + text + token[place + len(text) :]
    if altered != token:
        with pytest.raises(NotAuthenticated):
            the_tokens().read(altered)


def test_a_short_secret_signs_nothing():
    with pytest.raises(ValueError, match="at least 32"):
        Tokens("short", TTL_S, ManualClock())
