"""Check the books: every transfer adds up, and what came in, what went back and what is booked are one story.

Works on the same servers as `serve`; with servers of our own, stop it first.  Prints what each kind of account has to
get (positive) and to give (negative); ends with 1 when something does not hold, and says of what.
"""

import argparse
import asyncio

from server.commands.servers import servers_ready
from server.orders.ledger_store import LedgerStore
from server.settings import Settings
from server.storage.database import open_database


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults()


def run(options: argparse.Namespace) -> int:
    """Check once; the exit code."""
    return asyncio.run(_check())


async def _check() -> int:
    async with servers_ready(Settings.from_environment()) as servers:
        pool = await open_database(servers.settings.database_url, pool_size=1)
        try:
            balances, faults = await LedgerStore(pool).balances(), await LedgerStore(pool).faults()
        finally:
            await pool.close()
    for balance in balances:
        print(f"{balance['account']:<14} {balance['amount_minor'] / 100:>16,.2f} {balance['currency']}")
    for what, which in faults.items():
        print(f"DOES NOT HOLD: {what}: {', '.join(which)}")
    print("the books do not hold" if faults else "the books hold")
    return 1 if faults else 0
