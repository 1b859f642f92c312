"""Who carries what right now, in memory, as the event log tells it: asked for every fix and every position.

The record is the assignments table; this is this process's picture of it, behind by as much as its tail of the log.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID
from zlib import crc32

from server.dispatch.legs import LEGS, Leg, State
from server.dispatch.log import ENTITY
from server.dispatch.store import AssignmentStore
from server.storage.event_log import LogRow


@dataclass(frozen=True, slots=True)
class Duty:
    """What a courier is busy with: an open assignment at one version, and the leg he rides.

    `mark`: 32 bits that go with every position ridden for it. Another assignment, or another version of this one, has
    another mark (but for one in four billion); never 0.
    """

    order_id: UUID
    merchant_id: UUID
    customer_id: UUID
    assignment_id: UUID
    version: int
    leg: Leg
    mark: int = field(init=False)

    def __post_init__(self) -> None:
        mark = crc32(self.version.to_bytes(4, "little"), crc32(self.assignment_id.bytes)) or 1
        object.__setattr__(self, "mark", mark)


class DutyBoard:
    """The duties of all couriers.  `on_change` hears (courier_id, his duty now or None)."""

    def __init__(self) -> None:
        self.on_change: list[Callable[[UUID, Duty | None], None]] = []
        self._duties: dict[UUID, Duty] = {}  # by courier
        self._couriers: dict[UUID, UUID] = {}  # order -> courier
        self._ended_while_loading: set[UUID] | None = None

    def __len__(self) -> int:
        return len(self._duties)

    def of(self, courier_id: UUID) -> Duty | None:
        """What this courier is busy with."""
        return self._duties.get(courier_id)

    def by_order(self, order_id: UUID) -> tuple[UUID, Duty] | None:
        """Who is busy with this order."""
        courier_id = self._couriers.get(order_id)
        return None if courier_id is None else (courier_id, self._duties[courier_id])

    def apply(self, rows: Sequence[LogRow]) -> None:
        """Follow the log; rows about anything else are passed over."""
        for row in rows:
            if row.entity == ENTITY:
                self._follow(row)

    async def load(self, pool: Any) -> None:
        """Read what is open now.  To be called while the tail already runs, so that nothing falls between."""
        self._ended_while_loading = set()
        try:
            found = await AssignmentStore(pool).all_open()
            for assignment, merchant_id, customer_id in found:
                known = self._duties.get(assignment.courier_id)
                if assignment.id in self._ended_while_loading or (
                    known is not None
                    and (known.assignment_id != assignment.id or known.version >= assignment.version)
                ):
                    continue  # the tail was faster than our reading
                self._set(
                    assignment.courier_id,
                    Duty(
                        assignment.order_id,
                        merchant_id,
                        customer_id,
                        assignment.id,
                        assignment.version,
                        LEGS[assignment.state],
                    ),
                )
        finally:
            self._ended_while_loading = None

    def _follow(self, row: LogRow) -> None:
        fields = row.fields
        courier_id = UUID(fields["courier_id"])
        leg = LEGS.get(State(fields["state"]))
        known = self._duties.get(courier_id)
        same = known is not None and known.assignment_id == row.entity_id
        if leg is None:
            if self._ended_while_loading is not None:
                self._ended_while_loading.add(row.entity_id)
            if same:
                self._clear(courier_id)
        elif known is None or not same or known.version < row.version:
            self._set(
                courier_id,
                Duty(
                    UUID(fields["order_id"]),
                    UUID(fields["merchant_id"]),
                    UUID(fields["customer_id"]),
                    row.entity_id,
                    row.version,
                    leg,
                ),
            )

    def _set(self, courier_id: UUID, duty: Duty) -> None:
        before = self._duties.get(courier_id)
        if before is not None:
            self._couriers.pop(before.order_id, None)
        self._duties[courier_id] = duty
        self._couriers[duty.order_id] = courier_id
        self._tell(courier_id, duty)

    def _clear(self, courier_id: UUID) -> None:
        duty = self._duties.pop(courier_id)
        self._couriers.pop(duty.order_id, None)
        self._tell(courier_id, None)

    def _tell(self, courier_id: UUID, duty: Duty | None) -> None:
        for told in self.on_change:
            told(courier_id, duty)
