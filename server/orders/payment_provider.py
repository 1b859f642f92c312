"""The payment provider over HTTP, in the language of docs/money.md.  A bridge to any real provider speaks it in a page.

Every call bears a key, so that it may be made again when nobody knows what became of it.
"""

from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import UUID

import httpx
import msgspec

from server.errors import StartupError
from server.orders.payment_language import PaymentJson, RefundJson
from server.orders.payments import Money, ProviderAway, ProviderRefused, ToldPayment, ToldRefund
from server.settings import Settings, env_name
from server.wire.standard_webhooks import read_secret

CONNECT_WITHIN_S = 5.0
MAX_ANSWER_BYTES = 256 * 1024
LEAST_SECRET_BYTES = 16
# Answers after which the same call may fare better; every other 4xx is a refusal.
LATER = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.CONFLICT,  # the first call under this key is still under way
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
        # Our key for the provider is wrong: an operator's mistake, and no reason to fail anybody's refund.
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
    }
)
Form = TypeVar("Form", PaymentJson, RefundJson)


class HttpPaymentProvider:
    """A PaymentProvider somewhere on the network."""

    def __init__(
        self, url: str, key: str, *, within_s: float, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._client = httpx.AsyncClient(
            base_url=url.rstrip("/"),
            headers={
                "Authorization": f"Bearer {key}",
                "Accept": "application/json",
                "User-Agent": "Songda/1",
            },
            timeout=httpx.Timeout(within_s, connect=min(CONNECT_WITHIN_S, within_s)),
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=8, keepalive_expiry=30.0),
            follow_redirects=False,  # a call about money goes where it was sent
            trust_env=False,
            transport=transport,
        )

    async def create(self, payment_id: UUID, money: Money) -> ToldPayment:
        """A payment that the customer makes at its `pay_url`."""
        body = {"reference": str(payment_id), "amount_minor": money.amount_minor, "currency": money.currency}
        told = await self._call("POST", "/v1/payments", PaymentJson, body=body, key=f"payment-{payment_id}")
        return _known(told).told()

    async def query(self, payment_id: UUID) -> ToldPayment | None:
        """The payment as it is now; None when the provider has never heard of it."""
        told = await self._call("GET", f"/v1/payments/{payment_id}", PaymentJson)
        return None if told is None else told.told()

    async def cancel(self, payment_id: UUID) -> ToldPayment | None:
        """Let nobody pay it any more; the payment as it then is, which may be paid."""
        told = await self._call(
            "POST", f"/v1/payments/{payment_id}/cancel", PaymentJson, body={}, key=f"cancel-{payment_id}"
        )
        return None if told is None else told.told()

    async def refund(self, payment_id: UUID, refund_id: UUID, money: Money) -> ToldRefund:
        """Give so much back, once for this `refund_id`."""
        body = {"reference": str(refund_id), "amount_minor": money.amount_minor, "currency": money.currency}
        told = await self._call(
            "POST", f"/v1/payments/{payment_id}/refunds", RefundJson, body=body, key=f"refund-{refund_id}"
        )
        return _known(told).told()

    async def close(self) -> None:
        """End all connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _call(
        self, method: str, path: str, form: type[Form], *, body: Any = None, key: str | None = None
    ) -> Form | None:
        """What is answered; None for a 404."""
        headers = {} if key is None else {"Idempotency-Key": key}
        try:
            answer = await self._client.request(method, path, json=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ProviderAway from error
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        if answer.is_success:
            try:
                return msgspec.json.decode(answer.content, type=form)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise ProviderAway from error  # somebody else answers in its place, so nobody knows what became of it
        if answer.is_client_error and answer.status_code not in LATER:
            raise ProviderRefused(_code(answer))
        raise ProviderAway


def _known(told: Form | None) -> Form:
    if told is None:
        raise ProviderRefused("unknown_payment")
    return told


def _code(answer: httpx.Response) -> str:
    """The provider's word for why not; codes only, whatever else it may say."""
    try:
        code = msgspec.json.decode(answer.content, type=dict[str, Any]).get("code")
    except (msgspec.DecodeError, UnicodeDecodeError):
        code = None
    good = (
        isinstance(code, str) and 0 < len(code) <= 60 and code.isascii() and code.replace("_", "").isalnum()
    )
    return str(code) if good else f"http_{answer.status_code}"


def open_provider(settings: Settings) -> HttpPaymentProvider | None:
    """The provider of these settings; None when there is none, and everybody pays at the door."""
    if not settings.payment_provider_url:
        return None
    if not settings.payment_provider_url.startswith(("https://", "http://")):
        raise StartupError(
            f"{env_name('payment_provider_url')} must begin with https:// (or http:// on one host)."
        )
    if not settings.payment_provider_key:
        raise StartupError(
            f"{env_name('payment_provider_key')} is needed, too: it proves to the provider who we are."
        )
    webhook_secrets(settings)
    return HttpPaymentProvider(
        settings.payment_provider_url, settings.payment_provider_key, within_s=settings.payment_within_s
    )


def webhook_secrets(settings: Settings) -> list[bytes]:
    """The secrets with which the provider may sign its words; several while one takes another's place."""
    secrets = []
    for text in settings.payment_webhook_secrets:
        try:
            secret = read_secret(text)
        except ValueError:
            secret = b""
        if len(secret) < LEAST_SECRET_BYTES:
            raise StartupError(
                f"{env_name('payment_webhook_secrets')} are written whsec_…, of {LEAST_SECRET_BYTES} bytes or more."
            )
        secrets.append(secret)
    return secrets
