"""The demo city from its first account to its last fix: who is made of what, and the line that says how it goes."""

import asyncio
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from server.clock import Clock, SystemClock
from server.errors import StartupError
from server.simulator.agenda import Agenda
from server.simulator.cards import Cards
from server.simulator.city import City, load_city
from server.simulator.customers import Crowd, Customer
from server.simulator.merchants import PREPARATION_S, MerchantDesk
from server.simulator.people import Credentials, Merchant, People, Wanted, courier_name, read_accounts
from server.simulator.phone import Account, Line, Phone
from server.simulator.riders import Rider
from server.simulator.tally import CityTally
from server.simulator.world import World
from server.wire.answers import RequestRefused
from server.wire.backoff import Backoff
from server.wire.rest import RestClient

BOOK_NAME = "simulator.json"
# The people whose pages somebody opens: they sign in with a password, and their data live.
DEMO_CUSTOMER, DEMO_MERCHANT, DEMO_COURIER, DEMO_DISPATCHER = "customer", "merchant", "courier", "dispatcher"
DEMO_SERVICE, DEMO_OPERATIONS = "service", "operations"
# How often the demo's merchant is chosen, beside the others' once.
DEMO_MERCHANT_SHARE = 3
# An order takes about 20 minutes from click to door, so this share of an hour's orders is open at once.
OPEN_SHARE = 0.6
PROGRESS_EVERY_S = 5.0
# Sockets opened a second at the start: a morning's sign-ins, not a storm.
ARRIVALS_PER_S = 150.0

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CityOptions:
    """How large the city is and how fast its time runs; StartupError when built with what cannot be."""

    couriers: int = 60
    merchants: int = 14
    orders_per_hour: float = 150.0  # in the busiest hour of the city's day
    speed: float = 1.0  # seconds of the city's time in one of ours
    fix_every_s: float = 4.0  # of our time: a phone in navigation mode
    seed: int = 1
    osm_file: Path | None = None
    card_share: float = 0.0  # of the orders: at the sandbox bank only

    def __post_init__(self) -> None:
        if not 0.0 <= self.card_share <= 1.0:
            raise StartupError("--card-share must be from 0 to 1.")
        if self.couriers < 1 or self.merchants < 1:
            raise StartupError("A city needs at least one courier and one merchant.")
        if not all(0 < number < math.inf for number in (self.orders_per_hour, self.speed, self.fix_every_s)):
            raise StartupError("--orders-per-hour, --speed and --fix-every must be greater than 0.")


async def run_city(
    url: str, options: CityOptions, administrator: Credentials, data_dir: Path, *,
    clock: Clock | None = None, tell: Tell | None = None, on_ready: Callable[[], None] | None = None,
) -> None:  # fmt: skip
    """Live in the city at `url` until cancelled.  `on_ready` is called once everybody has an account."""
    tell = tell or _to_stderr
    random = Random(options.seed)
    city, sentence = await asyncio.to_thread(load_city, options.osm_file, random)
    if sentence:
        tell(sentence)
    rest = RestClient(url)
    tally = CityTally()
    clock = clock or SystemClock()
    cards = Cards(options.card_share, random)
    line = Line(rest, clock, random, Backoff(), tally.fixes)
    try:
        people = People(line, administrator, data_dir / BOOK_NAME)
        await people.open()
        try:
            cast = await _cast(people, city, options, tell)
        except RequestRefused as refusal:
            raise StartupError(f"The city's people cannot be made: {refusal}.") from refusal
        if on_ready is not None:
            on_ready()
        async with asyncio.TaskGroup() as tasks:
            world = World(
                city=city, agenda=Agenda(clock, speed=options.speed), clock=clock, random=random, tally=tally,
                fix_every_s=options.fix_every_s, cards=cards, tasks=tasks,
            )  # fmt: skip
            world.start(world.agenda.run())
            await _begin(world, line, cast, options)
            while True:
                await asyncio.sleep(PROGRESS_EVERY_S)
                tell(tally.line())
    finally:
        rest.close()
        await cards.close()


def demo_accounts(data_dir: Path) -> dict[str, Account]:
    """The demo's logins with their passwords, by what they are for; empty before the first city was run."""
    accounts = read_accounts(data_dir / BOOK_NAME)
    roles = (
        DEMO_CUSTOMER, DEMO_MERCHANT, DEMO_COURIER, DEMO_DISPATCHER, DEMO_SERVICE, DEMO_OPERATIONS,
    )  # fmt: skip
    return {role: accounts[role] for role in roles if role in accounts}


@dataclass(frozen=True, slots=True)
class _Cast:
    merchants: list[Merchant]
    desks: list[Account]
    couriers: list[Account]
    customers: list[Account]
    demo_customer: Account


async def _cast(people: People, city: City, options: CityOptions, tell: Tell) -> _Cast:
    """Everybody with an account.  Who is chosen does not depend on `seed`: a second start finds the same people."""
    choice = Random(0)
    kitchens = choice.sample(city.kitchens, k=len(city.kitchens))[: options.merchants]
    merchants = await people.merchants(kitchens, round(sum(PREPARATION_S) / 2), tell)
    desks = [
        Wanted("merchant", DEMO_MERCHANT if number == 0 else f"merchant-{number}", merchant.name, merchant.id,
               with_password=number == 0)
        for number, merchant in enumerate(merchants)
    ]  # fmt: skip
    couriers = [
        Wanted("courier", DEMO_COURIER if number == 0 else f"courier-{number}", courier_name(number + 1, choice),
               with_password=number == 0)
        for number in range(options.couriers)
    ]  # fmt: skip
    crowd = max(10, math.ceil(options.orders_per_hour * OPEN_SHARE))
    customers = [
        Wanted("customer", f"customer-{number}", f"Customer {number}") for number in range(1, crowd + 1)
    ]
    pages = [
        Wanted("customer", DEMO_CUSTOMER, "Demo customer", with_password=True),
        Wanted("dispatcher", DEMO_DISPATCHER, "Demo dispatcher", with_password=True),
        Wanted("customer_service", DEMO_SERVICE, "Demo customer service", with_password=True),
        Wanted("operations_manager", DEMO_OPERATIONS, "Demo operations", with_password=True),
    ]
    accounts = iter(await people.accounts([*pages, *desks, *couriers, *customers], tell))
    demo_customer, *_ = [next(accounts) for _ in pages]
    return _Cast(
        merchants,
        [next(accounts) for _ in desks],
        [next(accounts) for _ in couriers],
        list(accounts),
        demo_customer,
    )


async def _begin(world: World, line: Line, cast: _Cast, options: CityOptions) -> None:
    """Open the counters, then let the couriers come, then the customers."""
    for account in cast.desks:
        world.start(MerchantDesk(Phone(line, account), world).keep_open())
    for account in cast.couriers:
        world.start(Rider(Phone(line, account), world).keep_socket())
        await asyncio.sleep(1.0 / ARRIVALS_PER_S)
    busy = [cast.merchants[0]] * DEMO_MERCHANT_SHARE + cast.merchants[1:]
    world.start(Customer(Phone(line, cast.demo_customer), busy, world).eat_on_and_on())
    crowd = [Customer(Phone(line, account), busy, world) for account in cast.customers]
    Crowd(crowd, options.orders_per_hour, world).begin()


def _to_stderr(sentence: str) -> None:
    print(f"city: {sentence}", file=sys.stderr, flush=True)
