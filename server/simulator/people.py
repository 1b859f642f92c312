"""A simulation's people: made through the administrator's REST API, and remembered for the next start.

What is made is kept in a file in the data directory that only its owner may read, since device keys and
passwords are in it.  A second start reuses all of it; against another database, where nobody knows these
people, it begins anew.
"""

import asyncio
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import msgspec

from server.errors import StartupError
from server.simulator.menus import menu_for
from server.simulator.osm import Kitchen
from server.simulator.phone import Account, Line, Phone
from server.simulator.plane import Place
from server.wire.answers import RequestRefused, Unreachable

AT_ONCE = 8
LOGIN_TAKEN = "login_taken"
# No letters that look like digits: a login is read aloud.
TAG_LETTERS = "abcdefghkmnpqrstuvwxyz"

FIRST_NAMES = (
    "Aino", "Eero", "Helmi", "Ilmari", "Kaisa", "Lauri", "Minna", "Noora", "Oskari", "Pekka", "Riikka",
    "Sami", "Tuuli", "Ville", "Wang Lei", "Li Na", "Amina", "Mehmet", "Olena", "Nguyen An",
)  # fmt: skip


class Item(msgspec.Struct, frozen=True):
    """One item of a menu, as the server knows it."""

    id: str
    name: str
    price_minor: int


class Merchant(msgspec.Struct, frozen=True):
    """One merchant, as the server knows it."""

    id: str
    name: str
    lat: float
    lng: float
    menu: list[Item]

    @property
    def place(self) -> Place:
        """Where the bag is fetched."""
        return Place(self.lat, self.lng)


class Book(msgspec.Struct):
    """Everybody a simulation has made, by login; `tag` keeps its logins apart from those of other books."""

    tag: str
    merchants: list[Merchant] = []
    accounts: dict[str, Account] = {}


@dataclass(frozen=True, slots=True)
class Credentials:
    """An administrator's login and password."""

    login: str
    password: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """An account that there should be.  Without a password it signs in by device key."""

    role: str
    login: str
    display_name: str
    merchant_id: str = ""
    with_password: bool = False


class People:
    """The people of one simulation: asked for by login, made when they are not there yet."""

    def __init__(self, line: Line, administrator: Credentials, file: Path) -> None:
        self._line = line
        self._file = file
        self._administrator = Phone(
            line, Account("", "administrator", administrator.login, password=administrator.password)
        )
        self.book = Book("")

    async def open(self) -> None:
        """Sign the administrator in and read the book; StartupError when either cannot be."""
        try:
            await self._administrator.token()
        except Unreachable as error:
            raise StartupError(f"No Songda answers at {self._line.rest.base_url}; is it running?") from error
        except RequestRefused as refusal:
            raise StartupError(f"The administrator cannot sign in: {refusal}.") from refusal
        self.book = _read(self._file) or _new_book()
        if not await self._are_known():
            self.book = _new_book()

    async def merchants(
        self, kitchens: Sequence[Kitchen], preparation_s: int, tell: Callable[[str], None]
    ) -> list[Merchant]:
        """A merchant for each kitchen, in their order."""
        missing = kitchens[len(self.book.merchants) :]
        for kitchen in missing:
            made = await self._administrator.command("/merchants", {
                "name": kitchen.name, "address": kitchen.address or "Helsinki", "lat": kitchen.place.lat,
                "lng": kitchen.place.lng, "preparation_s": preparation_s,
                # Its couriers meet nobody who could read them a code.
                "pickup_code_required": False, "dropoff_proof_required": False,
                "menu": [dish._asdict() for dish in menu_for(kitchen.cuisine)],
            })  # fmt: skip
            whole = await self._administrator.get(f"/merchants/{made['id']}")
            self.book.merchants.append(msgspec.convert(whole, Merchant))
        if missing:
            self._keep()
            tell(f"made {len(missing)} merchants")
        return self.book.merchants[: len(kitchens)]

    async def accounts(self, wanted: Sequence[Wanted], tell: Callable[[str], None]) -> list[Account]:
        """An account for each of `wanted`, in their order; those not yet there are made, a few at a time."""
        missing = [one for one in wanted if one.login not in self.book.accounts]
        try:
            for start in range(0, len(missing), AT_ONCE * 10):
                some = missing[start : start + AT_ONCE * 10]
                limit = asyncio.Semaphore(AT_ONCE)
                makings = (self._make(one, limit) for one in some)
                done = await asyncio.gather(*makings, return_exceptions=True)
                for failure in filter(None, done):
                    raise failure
                tell(f"made {start + len(some)} of {len(missing)} accounts")
        finally:
            if missing:
                self._keep()
        return [self.book.accounts[one.login] for one in wanted]

    async def _make(self, wanted: Wanted, limit: asyncio.Semaphore) -> None:
        async with limit:
            password = secrets.token_urlsafe(9) if wanted.with_password else ""
            body = {"role": wanted.role, "login": wanted.login, "display_name": wanted.display_name}
            if password:
                body["password"] = password
            if wanted.merchant_id:
                body["merchant_id"] = wanted.merchant_id
            try:
                made = await self._administrator.command("/accounts", body)
            except RequestRefused as refusal:
                if refusal.code != LOGIN_TAKEN:
                    raise
                # Somebody of that name is not ours (or our book was lost): ours gets another.
                body["login"] = f"{wanted.login}-{self.book.tag}"
                made = await self._administrator.command("/accounts", body)
            device_key = ""
            if not password:
                made_key = await self._administrator.command(f"/accounts/{made['id']}/device-keys", {})
                device_key = made_key["device_key"]
            self.book.accounts[wanted.login] = Account(
                made["id"], wanted.role, body["login"], wanted.display_name, device_key, password,
                wanted.merchant_id,
            )  # fmt: skip

    async def _are_known(self) -> bool:
        """Whether the server knows somebody of the book."""
        someone = next(iter(self.book.accounts.values()), None)
        if someone is None:
            return not self.book.merchants
        try:
            await Phone(self._line, someone).token()
        except RequestRefused:
            return False
        return True

    def _keep(self) -> None:
        """Write the book where only its owner reads it; the rename makes it whole or not at all."""
        unfinished = self._file.with_suffix(f".{os.getpid()}.part")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            unfinished.unlink(missing_ok=True)
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(self.book), indent=1))
            unfinished.replace(self._file)
        except OSError as error:
            raise StartupError(f"{self._file} cannot be written: {error.strerror or error}.") from error


def courier_name(number: int, random: Random) -> str:
    """What a courier is called on the map: a first name and a number that tells him from his namesakes."""
    return f"{random.choice(FIRST_NAMES)} {number}"


def read_accounts(file: Path) -> dict[str, Account]:
    """The accounts of the book in `file`, by the login they were wanted under; empty when there is none."""
    book = _read(file)
    return {} if book is None else book.accounts


def _new_book() -> Book:
    return Book("".join(secrets.choice(TAG_LETTERS) for _ in range(4)))


def _read(file: Path) -> Book | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Book)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise StartupError(f"{file} cannot be read: {error}. Remove it to begin anew.") from error
