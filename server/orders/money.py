"""All parts that move money, made together: checkouts, the provider's words, refunds, the books."""

from dataclasses import dataclass

from server.clock import Clock
from server.orders.checkout_service import CheckoutService
from server.orders.media import CarriersOf
from server.orders.money_service import MoneyService
from server.orders.payment_provider import webhook_secrets
from server.orders.payment_service import PaymentService
from server.orders.payments import PaymentProvider
from server.orders.refund_service import RefundService
from server.orders.settling import Settling
from server.settings import Settings
from server.storage.timers import Timers
from server.storage.unit_of_work import Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """Who does what with money."""

    checkouts: CheckoutService
    payments: PaymentService
    refunds: RefundService
    service: MoneyService
    settling: Settling

    def register(self, timers: Timers) -> None:
        """Act on orders' events and on timers from now on."""
        self.checkouts.register(timers)
        self.refunds.register(timers)
        self.settling.register(timers)


def make_money(
    storage: Storage,
    clock: Clock,
    settings: Settings,
    provider: PaymentProvider | None,
    carriers_of: CarriersOf,
) -> Money:
    """The parts over this provider; without one, money comes and goes by hand only."""
    refunds = RefundService(storage, clock, settings, provider, carriers_of)
    checkouts = CheckoutService(storage, clock, settings, provider, refunds)
    return Money(
        checkouts=checkouts,
        payments=PaymentService(storage, clock, webhook_secrets(settings), checkouts, refunds),
        refunds=refunds,
        service=MoneyService(storage, clock, refunds),
        settling=Settling(storage, settings, refunds),
    )
