"""What a simulation has done so far, for the line that tells it.  Pure."""

from dataclasses import dataclass, field

from server.wire.fix_buffer import FixTally


@dataclass(slots=True)
class CityTally:
    """Sums since the start; `couriers` and `open` are of now."""

    couriers: int = 0
    gone: int = 0  # couriers whose account somebody else uses now, or who were refused
    placed: int = 0
    open: int = 0
    delivered: int = 0
    ended_otherwise: int = 0
    refused: int = 0  # commands the server said no to
    fixes: FixTally = field(default_factory=FixTally)

    def line(self) -> str:
        """One line for the person watching."""
        parts = [
            f"{self.couriers} couriers riding", f"{self.open} orders open", f"{self.delivered} delivered",
            f"fixes {self.fixes.sent:,} sent, {self.fixes.stored:,} stored",
        ]  # fmt: skip
        troubles = {
            "fixes refused": self.fixes.refused.total(), "commands refused": self.refused,
            "orders ended otherwise": self.ended_otherwise, "couriers gone": self.gone,
        }  # fmt: skip
        parts += [f"{count:,} {what}" for what, count in troubles.items() if count]
        return ", ".join(parts)
