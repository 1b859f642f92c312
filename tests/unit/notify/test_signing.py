"""What we sign, the receivers' own library accepts, and nothing else."""

import ast
import json
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from server.wire.standard_webhooks import sign, signature, write_secret

PAGE = (Path(__file__).resolve().parents[3] / "docs/webhooks.md").read_text()
BODY = '{"type":"order.accepted","data":{"café":"送达"}}'.encode()
OLD, NEW = b"o" * 32, b"n" * 32


def now_s() -> int:
    return int(datetime.now(UTC).timestamp())


def receives(secret: bytes, headers: dict[str, str], body: bytes = BODY) -> None:
    """As a merchant's program would: raises when it is not ours."""
    Webhook(write_secret(secret)).verify(body, headers)


def test_the_example_of_the_standard():
    secret = b"0" * 24
    assert signature(secret, "msg_1", 1_614_265_330, b'{"test": 2432232314}').startswith("v1,")
    assert write_secret(secret) == "whsec_MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw"


def test_a_receiver_with_the_standards_library_believes_us():
    receives(NEW, sign([NEW], "msg_1", now_s(), BODY))


def test_while_a_secret_changes_receivers_with_either_believe_us():
    headers = sign([NEW, OLD], "msg_1", now_s(), BODY)
    receives(NEW, headers)
    receives(OLD, headers)


@pytest.mark.parametrize(
    "forge",
    [
        lambda headers: (headers, BODY + b" "),
        lambda headers: ({**headers, "webhook-id": "msg_2"}, BODY),
        lambda headers: ({**headers, "webhook-timestamp": str(now_s() + 1)}, BODY),
        lambda headers: (sign([OLD], "msg_1", now_s(), BODY), BODY),
    ],
    ids=["another body", "another id", "another time", "another secret"],
)
def test_what_was_changed_on_the_way_is_not_believed(forge):
    headers, body = forge(sign([NEW], "msg_1", now_s(), BODY))
    with pytest.raises(WebhookVerificationError):
        receives(NEW, headers, body)


def test_a_message_kept_and_sent_again_an_hour_later_by_somebody_else_is_not_believed():
    an_hour_ago = now_s() - int(timedelta(hours=1).total_seconds())
    with pytest.raises(WebhookVerificationError):
        receives(NEW, sign([NEW], "msg_1", an_hour_ago, BODY))


@pytest.mark.parametrize(
    ("change", "is_ours"),
    [({}, True), ({"webhook-id": "msg_2"}, False), ({"webhook-timestamp": "1"}, False)],
    ids=["as sent", "another id", "an old time"],
)
def test_the_code_for_node_on_the_page_believes_us_and_nobody_else(change, is_ours):
    shown = re.search(r"```js\n(.*?)```", PAGE, re.DOTALL)[1].replace("whsec_…", write_secret(OLD))
    headers = sign([NEW, OLD], "msg_1", now_s(), BODY) | change
    asked = f"console.log(isFromSongda({json.dumps(headers)}, Buffer.from({BODY.decode()!r})))"
    program = ["node", "--input-type=module", "--eval", shown + asked]
    said = subprocess.run(program, capture_output=True, text=True, check=True).stdout
    assert said.strip() == str(is_ours).lower()


def test_the_code_for_python_on_the_page_is_what_is_tried_here():
    shown = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]
    assert "from standardwebhooks.webhooks import Webhook, WebhookVerificationError" in shown
    assert "webhook.verify(body, dict(request.headers))" in shown
    ast.parse(shown)
