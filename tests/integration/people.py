"""A small town on a real database: a merchant with a menu, a customer, couriers on the map, the services over them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np

from server.accounts.proofs import Proofs
from server.accounts.revocations import Revocations
from server.accounts.roles import Role
from server.accounts.service import AccountService
from server.accounts.standing import Standing
from server.accounts.store import Account, AccountStore
from server.accounts.viewer import Viewer
from server.dispatch.duties import DutyBoard
from server.dispatch.service import DispatchService
from server.dispatch.store import carriers_of
from server.dispatch.ticket_hands import MoneyHands, hands, open_tickets
from server.geo.cells import cell_of
from server.geo.nearest import NearestIndex
from server.geo.position import POSITION_DTYPE, Position
from server.ids import new_id
from server.orders.merchants import MenuItem, Merchant, MerchantStore
from server.orders.money import Money, make_money
from server.orders.payments import PaymentProvider
from server.orders.service import OrderService
from server.orders.store import OrderStore
from server.orders.ticket_service import TicketService
from server.settings import Settings
from server.storage.timers import Timers
from server.storage.unit_of_work import Storage
from tests.builders import SECRET, a_merchant, a_viewer, a_wish, an_item
from tests.fakes import ManualClock


@dataclass
class Town:
    """Services and people; `clock` is the storage's."""

    storage: Storage
    clock: ManualClock
    settings: Settings
    nearest: NearestIndex
    duties: DutyBoard
    timers: Timers
    orders: OrderService
    dispatch: DispatchService
    tickets: TicketService
    money: Money
    merchant: Merchant
    menu: list[MenuItem]
    customer: Viewer
    kitchen: Viewer
    dispatcher: Viewer
    service: Viewer  # customer service
    operations: Viewer
    couriers: list[Viewer] = field(default_factory=list)

    async def account(self, role: Role, *, merchant_id: UUID | None = None, active: bool = True) -> Viewer:
        """Somebody new."""
        viewer = a_viewer(role, account_id=new_id(self.clock.now_ms()), merchant_id=merchant_id)
        await add_account(self.storage, viewer, active=active)
        return viewer

    async def courier(self, *, metres_north: float = 100.0, active: bool = True) -> Viewer:
        """A free courier, so far from the merchant."""
        viewer = await self.account(Role.COURIER, active=active)
        self.couriers.append(viewer)
        self.ride(viewer, metres_north=metres_north)
        return viewer

    def ride(self, courier: Viewer, *, metres_north: float = 100.0) -> None:
        """A fix of his, now."""
        lat, lng = self.merchant.lat + metres_north / 111_195, self.merchant.lng
        now_ms = self.clock.now_ms()
        position = Position(
            courier_id=courier.account_id,
            lat=lat,
            lng=lng,
            fix_time_ms=now_ms,
            received_at_ms=now_ms,
            cell=cell_of(lat, lng),
        )
        self.nearest.update(np.frombuffer(position.pack(), POSITION_DTYPE))

    async def placed(self) -> UUID:
        """The id of a new order of the customer's."""
        order = await self.orders.place(self.customer, a_wish(self.merchant.id, *self.menu))
        return UUID(order["id"])

    async def accepted(self) -> UUID:
        """The id of an order that the merchant has accepted."""
        order_id = await self.placed()
        await self.orders.accept(self.kitchen, order_id, 600)
        return order_id

    async def assigned(self, courier: Viewer) -> UUID:
        """The id of an order that this courier is to fetch."""
        order_id = await self.accepted()
        await self.dispatch.assign(self.dispatcher, order_id, courier.account_id)
        return order_id

    async def decided(self, order_id: UUID, what: str, *args: object, **kwargs: object) -> None:
        """A dispatcher has decided this of the order (dispatch/order_moves.py)."""
        async with self.storage.unit_of_work() as work:
            order = await OrderStore(work.connection).lock(order_id)
            move = getattr(self.dispatch.moves, what)
            await move(work, order, *args, by=self.dispatcher, **kwargs)

    async def status(self, order_id: UUID) -> str:
        """Where the order is, by the record."""
        return str(await self.storage.pool.fetchval("SELECT status FROM orders WHERE id = $1", order_id))

    async def happened(self, entity_id: UUID) -> list[tuple[int, str]]:
        """What the log says of an entity: (version, name), in order."""
        rows = await self.storage.pool.fetch(
            "SELECT version, name FROM event_log WHERE entity_id = $1 ORDER BY version", entity_id
        )
        return [(row["version"], row["name"]) for row in rows]

    async def carrier(self, order_id: UUID) -> UUID | None:
        """Which courier has the order, by the record."""
        found: UUID | None = await self.storage.pool.fetchval(
            "SELECT courier_id FROM assignments WHERE order_id = $1 AND ended_at IS NULL", order_id
        )
        return found


async def add_account(storage: Storage, viewer: Viewer, *, active: bool = True) -> None:
    """Store an account for this viewer."""
    async with storage.unit_of_work() as work:
        await AccountStore(work.connection).insert(
            Account(
                id=viewer.account_id,
                role=viewer.role,
                login=str(viewer.account_id),
                display_name="Li",
                merchant_id=viewer.merchant_id,
                created_at=work.now,
                status=Standing.ACTIVE if active else Standing.SUSPENDED,
            ),
            None,
        )


async def add_merchant(storage: Storage, menu: Sequence[MenuItem]) -> Merchant:
    """Store an open merchant with this menu."""
    merchant = a_merchant()
    async with storage.unit_of_work() as work:
        await MerchantStore(work.connection).insert(merchant, menu, work.now)
    return merchant


async def a_town(
    storage: Storage,
    clock: ManualClock,
    settings: Settings | None = None,
    provider: PaymentProvider | None = None,
) -> Town:
    """One merchant, one customer, one dispatcher, nobody on the road; timers fire when `timers.run_due()` is called."""
    settings = settings or Settings()
    menu = [an_item(), an_item(name="Ruisleipä", price_minor=120)]
    merchant = await add_merchant(storage, menu)
    nearest, duties, timers = NearestIndex(), DutyBoard(), Timers(storage, clock)
    duties.on_change.append(lambda courier_id, duty: nearest.set_busy(courier_id, duty is not None))
    storage.tail.subscribe(duties.apply)
    orders = OrderService(storage, clock, settings)
    dispatch = DispatchService(storage, nearest, clock, settings)
    orders.register(timers)
    dispatch.register(timers)
    money = make_money(storage, clock, settings, provider, carriers_of)
    money.register(timers)
    proofs = Proofs(SECRET, 3600.0, clock, Revocations(clock))
    accounts = AccountService(storage, proofs, clock)
    accounts.register(timers)
    ticket_hands = hands(
        moves=dispatch.moves,
        money=MoneyHands(money.service, money.refunds),
        accounts=accounts,
        nearest=nearest,
    )
    tickets = open_tickets(
        storage,
        timers,
        settings,
        orders.troubles,
        dispatch.troubles,
        hands=ticket_hands,
        moves=dispatch.moves,
    )
    people = {
        "customer": a_viewer(Role.CUSTOMER),
        "kitchen": a_viewer(Role.MERCHANT, merchant_id=merchant.id),
        "dispatcher": a_viewer(Role.DISPATCHER),
        "service": a_viewer(Role.CUSTOMER_SERVICE),
        "operations": a_viewer(Role.OPERATIONS_MANAGER),
    }
    for viewer in people.values():
        await add_account(storage, viewer)
    return Town(
        storage=storage,
        clock=clock,
        settings=settings,
        nearest=nearest,
        duties=duties,
        timers=timers,
        orders=orders,
        dispatch=dispatch,
        tickets=tickets,
        money=money,
        merchant=merchant,
        menu=menu,
        **people,
    )
