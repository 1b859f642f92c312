"""Signatures between servers: ours are the standard's, and nothing else is believed."""

from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from server.wire.standard_webhooks import NotSigned, check, read_secret, sign, write_secret

SECRET, OTHER = b"a secret of thirty-two bytes or so", b"another secret of thirty-two bytes"
NOW_S = 1_795_435_200
BODY = '{"type":"payment.paid","名":"送达"}'.encode()


def test_ours_is_the_standards_librarys():
    moment = datetime.fromtimestamp(NOW_S, UTC)
    signed = Webhook(write_secret(SECRET)).sign("word_1", moment, BODY.decode())
    assert sign([SECRET], "word_1", NOW_S, BODY)["webhook-signature"] == signed


def test_what_is_signed_is_believed_by_any_of_our_secrets():
    headers = sign([OTHER], "word_1", NOW_S, BODY)
    assert check([SECRET, OTHER], headers, BODY, now_s=NOW_S + 299) == "word_1"
    several = {**headers, "webhook-signature": f"v1a,x v1,nonsense {headers['webhook-signature']}"}
    assert check([OTHER], several, BODY, now_s=NOW_S) == "word_1"


@pytest.mark.parametrize(
    ("secrets", "changed", "body", "later_s"),
    [
        ([SECRET], {}, BODY + b" ", 0),
        ([OTHER], {}, BODY, 0),
        ([], {}, BODY, 0),
        ([SECRET], {"webhook-id": "word_2"}, BODY, 0),
        ([SECRET], {"webhook-id": ""}, BODY, 0),
        ([SECRET], {"webhook-id": "w\x00"}, BODY, 0),
        ([SECRET], {"webhook-id": "w" * 201}, BODY, 0),
        ([SECRET], {"webhook-timestamp": "soon"}, BODY, 0),
        ([SECRET], {"webhook-timestamp": "٣"}, BODY, 0),
        ([SECRET], {"webhook-timestamp": str(NOW_S + 1)}, BODY, 0),
        ([SECRET], {"webhook-signature": ""}, BODY, 0),
        ([SECRET], {"webhook-signature": "v1,\ud800"}, BODY, 0),
        ([SECRET], {}, BODY, 301),
        ([SECRET], {}, BODY, -301),
    ],
)
def test_nothing_else_is(secrets, changed, body, later_s):
    headers = {**sign([SECRET], "word_1", NOW_S, BODY), **changed}
    with pytest.raises(NotSigned):
        check(secrets, headers, body, now_s=NOW_S + later_s)


def test_a_secret_is_read_as_it_is_written():
    assert read_secret(write_secret(SECRET)) == SECRET
    with pytest.raises(ValueError, match="base64"):
        read_secret("whsec_!!!")
