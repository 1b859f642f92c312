"""Open the sandbox bank: a payment provider that plays all outcomes, for trying Songda's payments without money.

Its shop is the Songda with the same SONGDA_PAYMENT_PROVIDER_KEY and SONGDA_PAYMENT_WEBHOOK_SECRETS; docs/money.md
lists its cards.  `./dev run` has one open already.
"""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from server.clock import SystemClock
from server.errors import StartupError
from server.settings import LOOPBACK, Settings, env_name
from server.simulator.bank import Bank, BankOptions
from server.simulator.bank_books import Books
from server.wire.standard_webhooks import read_secret

WEBHOOK_PATH = "/api/v1/payments/webhook"
PORT = 8701


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=PORT, help=f"to listen on (default {PORT})")
    parser.add_argument("--books", type=Path, help="a file that outlives the bank (default: in memory only)")
    parser.add_argument(
        "--webhook-url", help=f"where its words go (default: {WEBHOOK_PATH} of SONGDA_HOST and SONGDA_PORT)"
    )
    parser.add_argument("--ready-fd", type=int, help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    """Run until interrupted; the exit code."""
    settings = Settings.from_environment()
    if not settings.payment_provider_key:
        raise StartupError(f"Which shop? Set {env_name('payment_provider_key')}, here and for the server.")
    secrets = settings.payment_webhook_secrets
    try:
        secret = read_secret(secrets[0]) if secrets else b""
    except ValueError as error:
        raise StartupError(f"{env_name('payment_webhook_secrets')} are written whsec_… in base64.") from error
    bank_options = BankOptions(
        key=settings.payment_provider_key,
        webhook_url=(options.webhook_url or settings.address + WEBHOOK_PATH) if secret else "",
        webhook_secret=secret,
    )
    asyncio.run(_open(bank_options, options))
    return 0


async def _open(bank_options: BankOptions, options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    bank = Bank(bank_options, Books(options.books), SystemClock())
    try:
        await bank.start(LOOPBACK, options.port)
    except OSError as error:
        raise StartupError(f"The bank cannot listen on port {options.port}: {error.strerror}.") from error
    print(f"The sandbox bank is open at {bank.url}", file=sys.stderr, flush=True)
    if options.ready_fd is not None:
        os.write(options.ready_fd, b"ready\n")
        os.close(options.ready_fd)
    await stop.wait()
    await bank.stop()
