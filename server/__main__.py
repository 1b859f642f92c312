"""The command line: `python -m server COMMAND`, or `songda COMMAND`.

Each command lives in server/commands or server/simulator.
"""

import argparse
import sys

from server.errors import StartupError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code.  What keeps a command from starting is one sentence on stderr, and 1."""
    parser = argparse.ArgumentParser(prog="songda", description="Songda 送达: orders and live couriers.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    # Imported here so that `--help` does not wait for numpy, and one command's parts do not weigh on another.
    from server.commands import administrator, demo, serve, worker  # noqa: PLC0415
    from server.simulator import command as simulator  # noqa: PLC0415

    for name, module in (
        ("serve", serve),
        ("demo", demo),
        ("sim", simulator),
        ("administrator", administrator),
        ("worker", worker),
    ):
        summary = (module.__doc__ or "").strip().splitlines()[0]
        command = commands.add_parser(
            name,
            help=summary,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except StartupError as error:
        print(f"songda: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
