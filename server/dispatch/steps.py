"""The steps of a fix's way, each on a whole micro-batch.  Their order stands in tracking.py.

Rules are in geo/fixes.py; here verdicts become positions, track and refusals.  No step fails because Redis
or PostgreSQL is away: the next ones still run, and what was missed is put again (owners.py) or kept
(track_buffer.py).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import prometheus_client

from server.clock import Clock
from server.dispatch.arrivals import Arrival, Courier, MicroBatch
from server.dispatch.duties import DutyBoard
from server.dispatch.track_buffer import TrackBuffer
from server.geo import fixes
from server.geo.cells import cell_of
from server.geo.courier_index import CourierIndex, LiveStateAway, Placed
from server.geo.fixes import FixLimits, Verdict
from server.geo.position import Position
from server.geo.track import pack_fix
from server.wire.messages import Fix, RefusedFix

FIXES = prometheus_client.Counter(
    "songda_fixes_total", "Fixes that arrived, by what became of them", ["verdict"]
)
_FIXES = {verdict: FIXES.labels(verdict.value) for verdict in Verdict}
BROADCAST_FAILURES = prometheus_client.Counter(
    "songda_broadcast_failures_total", "Batches of positions that were placed but could not be published"
)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the steps need beside the batch."""

    index: CourierIndex
    buffer: TrackBuffer
    duties: DutyBoard
    clock: Clock
    limits: FixLimits


async def believe(parts: Parts, batch: MicroBatch) -> None:
    """Judge every fix; the newest believed one of each courier becomes his position."""
    verdicts: Counter[Verdict] = Counter()
    for arrival in batch.arrivals:
        courier = arrival.courier
        for place, fix in _oldest_first(arrival.fixes):
            verdict = _judge(parts.limits, courier, fix, arrival.received_at_ms)
            verdicts[verdict] += 1
            _take(parts, arrival, place, fix, verdict)
        if arrival.live or not arrival.fixes:
            _choose(batch, courier)
    for verdict, count in verdicts.items():
        _FIXES[verdict].inc(count)


async def place(parts: Parts, batch: MicroBatch) -> None:
    """Put the new positions into Redis; what another owner or a newer fix has overtaken goes no further."""
    positions = list(batch.newest.values())
    try:
        answers = await parts.index.place(positions) if positions else []
    except LiveStateAway:
        batch.is_live_state_away = True
        return
    for position, answer in zip(positions, answers, strict=True):
        if answer is Placed.PLACED:
            batch.placed.append(position)
        elif answer is Placed.REPLACED:
            batch.replaced.append(position)


async def track(parts: Parts, batch: MicroBatch) -> None:
    """Hand every believed fix, live or late, to the buffer that commits it soon."""
    for arrival in batch.arrivals:
        if arrival.packed and not parts.buffer.add(arrival):
            arrival.courier.held_until_ms = None  # not held after all: the phone will bring it again


async def broadcast(parts: Parts, batch: MicroBatch) -> None:
    """Tell all processes the new positions; their hubs know who may see them."""
    if not batch.placed:
        return
    try:
        await parts.index.publish(batch.placed, now_ms=parts.clock.now_ms())
    except LiveStateAway:
        BROADCAST_FAILURES.inc()  # the next fix heals it


def _judge(limits: FixLimits, courier: Courier, fix: Fix, received_at_ms: int) -> Verdict:
    verdict = fixes.believe(
        fix,
        courier.last,
        received_at_ms=received_at_ms,
        limits=limits,
        doubt=courier.doubt,
        held_until_ms=courier.held_until_ms,
    )
    if verdict is Verdict.LIVE:
        courier.doubt = None
    elif verdict is Verdict.IMPOSSIBLE_SPEED or verdict is Verdict.SWAPPED_COORDINATES:
        courier.doubt = fixes.doubt_after(fix, courier.doubt, limits)
    return verdict


def _take(parts: Parts, arrival: Arrival, place: int, fix: Fix, verdict: Verdict) -> None:
    if verdict.is_refusal:
        arrival.refused.append(RefusedFix(verdict.value, place, fix.seq))
        return
    courier, received_at_ms = arrival.courier, arrival.received_at_ms
    bearing_deg, speed_mps = fixes.known_bearing_deg(fix.bearing_deg), fixes.known_speed_mps(fix.speed_mps)
    arrival.packed.append(
        pack_fix(fix, bearing_deg=bearing_deg, speed_mps=speed_mps, received_at_ms=received_at_ms)
    )
    if fix.seq is not None:
        arrival.seqs.append(fix.seq)
    if verdict is Verdict.HISTORY:
        arrival.history += 1
        return
    arrival.live += 1
    # A fix whose phone waits with an open request may still fail to be committed: asked again meanwhile, the
    # phone must wait again, and not be told that we have it.
    courier.held_until_ms = None if arrival.is_urgent else fix.fix_time
    duty = parts.duties.of(courier.courier_id)
    courier.last = Position(
        courier_id=courier.courier_id,
        lat=fix.lat,
        lng=fix.lng,
        fix_time_ms=fix.fix_time,
        received_at_ms=received_at_ms,
        cell=cell_of(fix.lat, fix.lng),
        owner=courier.owner,
        accuracy_m=fix.accuracy_m,
        bearing_deg=bearing_deg,
        speed_mps=speed_mps,
        available=courier.available,
        duty_mark=0 if duty is None else duty.mark,
    )


def _choose(batch: MicroBatch, courier: Courier) -> None:
    """His newest position goes on, be it from his socket or from a phone of his that speaks HTTP."""
    if courier.last is None or courier.replaced:
        return
    chosen = batch.newest.get(courier.courier_id)
    if chosen is None or chosen.fix_time_ms <= courier.last.fix_time_ms:
        batch.newest[courier.courier_id] = courier.last


def _oldest_first(batch: Sequence[Fix]) -> Iterable[tuple[int, Fix]]:
    """The fixes with their places in the batch, in the order they were read, however they were sent."""
    return enumerate(batch) if len(batch) == 1 else sorted(enumerate(batch), key=_fix_time)


def _fix_time(numbered: tuple[int, Fix]) -> int:
    return numbered[1].fix_time
