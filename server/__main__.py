"""The command line: `python -m server COMMAND`, or `songda COMMAND`.

Each command lives in server/commands or server/simulator.
"""

import argparse
import signal
import sys
from importlib import import_module

from server.errors import StartupError

COMMANDS = {
    "serve": "server.commands.serve",
    "demo": "server.commands.demo",
    "sim": "server.simulator.command",
    "bank": "server.simulator.bank_command",
    "administrator": "server.commands.administrator",
    "check-ledger": "server.commands.check_ledger",
    "worker": "server.commands.worker",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code.  What keeps a command from starting is one sentence on stderr, and 1."""
    words = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="songda", description="Songda 送达: orders and live couriers.")
    # Who presses Ctrl-C while a second of imports goes by wants an end, not our imports' traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    # Only the command that was asked for is imported: one command's parts do not weigh on another's start.
    for name in words[:1] if words[:1] and words[0] in COMMANDS else COMMANDS:
        module = import_module(COMMANDS[name])
        summary = (module.__doc__ or "").strip().partition("\n")[0]
        command = commands.add_parser(
            name,
            help=summary,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    options = parser.parse_args(words)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return int(options.run(options))
    except StartupError as error:
        print(f"songda: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
