"""Open the demo city: the server, Helsinki's map, and couriers, merchants and customers who live in it.

Prints the pages' addresses and a login for each role.  What was made is found again at the next start.
"""

import argparse
import asyncio
import os
import secrets
import sys
from dataclasses import replace
from pathlib import Path

import msgspec

from server.commands.administrator import make_administrator
from server.commands.children import Child
from server.commands.ports import free_port_after
from server.commands.serve import add_arguments as add_serve_arguments
from server.commands.serve import child_environment, settings_from, supervise
from server.commands.servers import step
from server.errors import StartupError
from server.http.pages import base_map_path
from server.settings import LOOPBACK, Settings
from server.simulator.basemap import ensure_base_map
from server.simulator.command import CREDENTIALS_NAME
from server.simulator.people import Credentials
from server.simulator.run_city import CityOptions, demo_accounts
from server.wire.standard_webhooks import write_secret

ADMINISTRATOR = "administrator"
BANK_BOOKS = "bank.jsonl"
CARD_SHARE = 0.4  # of the city's orders are paid in advance
PAGES = {
    "customer": "/customer/",
    "merchant": "/merchant/",
    "courier": "/courier/",
    "dispatcher": "/dispatch/ and /desk/",
    "service": "/desk/",
    "operations": "/desk/",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_serve_arguments(parser)
    city = CityOptions()
    parser.add_argument(
        "--couriers", type=int, default=city.couriers, help=f"riders (default {city.couriers})"
    )
    parser.add_argument(
        "--orders-per-hour",
        type=float,
        default=city.orders_per_hour,
        help=f"in the busiest hour (default {city.orders_per_hour:g})",
    )
    parser.add_argument(
        "--speed", type=float, default=city.speed, help="city's seconds in one of ours (default 1)"
    )


def run(options: argparse.Namespace) -> int:
    city = [
        "--couriers",
        str(options.couriers),
        "--orders-per-hour",
        str(options.orders_per_hour),
        "--speed",
        str(options.speed),
    ]
    settings = settings_from(options)
    own_bank = not settings.payment_provider_url
    if own_bank:
        settings = with_bank(settings)
        city += ["--card-share", str(CARD_SHARE)]

    async def open_city(settings: Settings) -> list[Child]:
        await _keep_administrator(settings)
        return [
            *([_bank(settings)] if own_bank else []),
            Child(
                name="city",
                says_ready=True,
                environment=child_environment(settings),
                command=[sys.executable, "-m", "server", "sim", *city],
                on_ready=lambda: print(_welcome(settings), flush=True),
            ),
        ]

    _build_base_map(settings)
    return asyncio.run(supervise(settings, open_city))


def with_bank(settings: Settings) -> Settings:
    """The settings of a shop of the sandbox bank, which will listen beside us."""
    return replace(
        settings,
        payment_provider_url=f"http://{LOOPBACK}:{free_port_after(settings.port)}",
        payment_provider_key=secrets.token_urlsafe(24),
        payment_webhook_secrets=(write_secret(secrets.token_bytes(32)),),
    )


def _bank(settings: Settings) -> Child:
    port = settings.payment_provider_url.rpartition(":")[2]
    books = settings.data_dir.absolute() / BANK_BOOKS  # a child stands elsewhere
    return Child(
        name="bank",
        restart=True,
        says_ready=True,
        environment=child_environment(settings),
        command=[sys.executable, "-m", "server", "bank", "--port", port, "--books", str(books)],
    )


def _build_base_map(settings: Settings) -> None:
    target = base_map_path(settings.data_dir)
    if settings.tile_url or target.exists():
        return
    with step("Drawing the base map of Helsinki"):
        ensure_base_map(target)


async def _keep_administrator(settings: Settings) -> None:
    """The demo's administrator: made once, remembered in a file that only its owner may read."""
    file = settings.data_dir / CREDENTIALS_NAME
    if file.exists():
        credentials = Credentials(**msgspec.json.decode(file.read_bytes(), type=dict[str, str]))
    else:
        credentials = Credentials(ADMINISTRATOR, secrets.token_urlsafe(12))
        _write_private(
            file, msgspec.json.encode({"login": credentials.login, "password": credentials.password})
        )
    await make_administrator(settings, credentials.login, credentials.password)


def _write_private(file: Path, data: bytes) -> None:
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
            opened.write(data)
    except OSError as error:
        raise StartupError(f"{file} cannot be written: {error.strerror or error}.") from error


def _welcome(settings: Settings) -> str:
    """Where to look, and as whom."""
    at = settings.address
    lines = ["", f"  Songda 送达 is open at {at}/", ""]
    for role, account in demo_accounts(settings.data_dir).items():
        page = f"{at}{PAGES[role]}" if role in PAGES else "(API and socket)"
        lines.append(f"  {role:<14} {account.login:<14} {account.password:<18} {page}")
    lines += [
        f"  {ADMINISTRATOR:<14} see {settings.data_dir / CREDENTIALS_NAME}",
        "",
        "  Ctrl-C stops everything.",
        "",
    ]
    return "\n".join(lines)
