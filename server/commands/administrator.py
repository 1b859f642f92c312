"""Make the first administrator, or give one a new password; prints it once.

Works on the same servers as `serve`: give it the same DATABASE_URL or SONGDA_DATA, with the server stopped if the
servers are our own.
"""

import argparse
import asyncio
import secrets

from server.accounts.proofs import Proofs
from server.accounts.revocations import Revocations
from server.accounts.service import AccountService
from server.clock import SystemClock
from server.commands.servers import servers_ready
from server.settings import Settings
from server.storage.database import open_database
from server.storage.unit_of_work import Storage


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("login", help="the administrator's login name")


def run(options: argparse.Namespace) -> int:
    password = asyncio.run(_make(options.login))
    print(f"administrator: {options.login}\npassword:      {password}")
    return 0


async def _make(login: str) -> str:
    async with servers_ready(Settings.from_environment()) as servers:
        return await make_administrator(servers.settings, login, secrets.token_urlsafe(12))


async def make_administrator(settings: Settings, login: str, password: str) -> str:
    """Create or renew the administrator `login` with `password`; the password."""
    clock = SystemClock()
    pool = await open_database(settings.database_url, pool_size=1)
    try:
        proofs = Proofs(settings.secret, settings.token_ttl_s, clock, Revocations(clock))
        await AccountService(Storage(pool, None, clock), proofs, clock).set_administrator(login, password)
    finally:
        await pool.close()
    return password
