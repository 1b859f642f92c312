"""Where couriers are now, in Redis; the only file that knows these keys.     Scripts: geo/scripts/*.lua

{r:841126d}:pos        hash    courier id (16 bytes) -> packed position, the newest only; {r:…} is the region,
                               a res-4 H3 cell.  The flag ELSEWHERE: a note that he went to another region
{r:…}:cell:8911…       set     ids of the couriers in this res-9 cell who say they are available
{r:…}:seen             zset    courier id by received_at (Unix ms), for the sweep of the silent
{r:…}:born             string  random, made with the region's first position; changed: Redis lost the region
{p:17}:owner           hash    courier id -> the newest owner number; {p:…} is his partition, 0 to 63
{p:17}:region          hash    courier id -> tag of the region he was last placed in
regions                set     tags of all regions that ever had a position
{p:17}:positions       channel packed messages (geo/position_messages.py), sharded pub/sub
{p:17}:probe:…         channel of one reader, for proving that what is published arrives

All of it may vanish: whoever holds a courier's socket puts his position again (`lost_regions`).  Every script
keeps to the keys of one hash tag; it makes the names of cell sets itself, from its region's tag.
"""

import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import Any, cast
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from server.errors import Unavailable
from server.geo import scripts
from server.geo.cells import region_tag
from server.geo.position import POSITION_FORMAT_VERSION, POSITION_SIZE, Position, unpack
from server.geo.position_messages import (
    Claim,
    Kind,
    Positions,
    channel_name,
    pack_batch,
    pack_claim,
    pack_ids,
    pack_message,
    partition_of,
    probe_channel,
    read_batch,
)

ELSEWHERE = 0b1000_0000  # flag of a packed position that stands in a region he has left
_FLAGS_AT = 62  # bytes of the packed form, from 0
_FORMAT_AT = 63

# A script's arguments are unpacked onto Lua's stack (8,000 slots), and while it runs nobody else is served.
POSITIONS_PER_SCRIPT = 250
SWEPT_PER_SCRIPT = 250
SCANNED_AT_ONCE = 2_000
REGIONS_KEY = "regions"

_PLACE = scripts.Script.read("place")
_LEAVE = scripts.Script.read("leave")
_SWEEP = scripts.Script.read("sweep")
_CLAIM = scripts.Script.read("claim")


class LiveStateAway(Unavailable):
    """Redis does not answer; positions are put again when it does."""

    code = "live_state_away"


class Placed(Enum):
    """What became of a position put into Redis; the letters are those of place.lua."""

    PLACED = "P"
    OLDER = "O"  # a newer fix was here already
    REPLACED = "R"  # a newer owner has spoken for this courier


_ANSWERS = {
    ord("P"): Placed.PLACED,
    ord("N"): Placed.PLACED,
    ord("O"): Placed.OLDER,
    ord("R"): Placed.REPLACED,
}
_NEW_HERE = ord("N")


class CourierIndex:
    """Every courier's newest position, shared by all; LiveStateAway while Redis does not answer."""

    def __init__(self, redis: Redis, *, partitions: int) -> None:
        """`partitions` is how many of the 64 channels this process publishes on."""
        self._redis = redis
        self._partitions = partitions
        self._incarnations: dict[str, bytes] = {}
        # Tags of the regions that Redis has lost since we placed somebody there.
        self.lost_regions: set[str] = set()
        # A Redis that hung once is not waited for again by every batch: only `look_for_loss` tries.
        self.is_away = False

    async def claim(self, courier_id: UUID) -> int:
        """A new owner number, greater than every earlier one of this courier: it fences out older owners."""
        call = scripts.Call(_CLAIM, (_owner_key(partition_of(courier_id)),), (courier_id.bytes,))
        with self._redis_errors():
            (owner,) = await scripts.run(self._redis, [call])
        return int(owner)

    async def owners(self, courier_ids: Sequence[UUID]) -> dict[UUID, int]:
        """The newest owner number of each courier; without those whom Redis does not know."""
        by_partition = _by_partition(courier_ids)
        with self._redis_errors():
            async with self._redis.pipeline(transaction=False) as pipeline:
                for partition, ids in by_partition.items():
                    pipeline.hmget(_owner_key(partition), [courier_id.bytes for courier_id in ids])
                answers = await pipeline.execute() if by_partition else []
        return {
            courier_id: int(owner)
            for ids, numbers in zip(by_partition.values(), answers, strict=True)
            for courier_id, owner in zip(ids, numbers, strict=True)
            if owner is not None
        }

    async def last(self, courier_id: UUID) -> Position | None:
        """The courier's newest position; None when he is unknown, or was swept away."""
        with self._redis_errors():
            tag = await self._ask("HGET", _region_key(partition_of(courier_id)), courier_id.bytes)
            packed = (
                None if tag is None else await self._ask("HGET", _pos_key(tag.decode()), courier_id.bytes)
            )
        if packed is None or not _is_here(packed):
            return None
        return unpack(packed)

    async def place(self, positions: Sequence[Position]) -> list[Placed]:
        """Put one position of each courier into Redis, all at once; newest fix_time and newest owner win."""
        by_region: dict[str, list[int]] = defaultdict(list)
        for place, position in enumerate(positions):
            by_region[region_tag(position.cell)].append(place)
        parts = [
            (tag, part) for tag, places in by_region.items() for part in _parts(places, POSITIONS_PER_SCRIPT)
        ]
        calls = [_place_call(tag, [positions[place] for place in part]) for tag, part in parts]
        placed = [Placed.PLACED] * len(positions)
        new_here: list[Position] = []
        with self._redis_errors():
            answers = await scripts.run(self._redis, calls)
            for (tag, part), (incarnation, letters) in zip(parts, answers, strict=True):
                self._notice(tag, incarnation)
                for place, letter in zip(part, letters, strict=True):
                    placed[place] = _ANSWERS[letter]
                    if letter == _NEW_HERE:
                        new_here.append(positions[place])
            if new_here:
                await self._move_in(new_here)
        return placed

    async def look_for_loss(self) -> None:
        """Ask whether Redis answers (`is_away`) and has what we placed (`lost_regions`)."""
        tags = list(self._incarnations)
        with self._redis_errors(although_away=True):
            await self._ask("PING")
            self.is_away = False  # not before: until then nobody else is to wait for a Redis that hangs
            answers = await scripts.run(self._redis, [_place_call(tag, []) for tag in tags]) if tags else []
        for tag, (incarnation, _letters) in zip(tags, answers, strict=True):
            self._notice(tag, incarnation)

    async def load(self) -> AsyncIterator[Positions]:
        """All positions, some thousands at a time, for a process that starts; a courier may come twice."""
        with self._redis_errors():
            tags = await self._regions()
            for tag in tags:
                cursor = 0
                while True:
                    cursor, found = await self._redis.hscan(_pos_key(tag), cursor, count=SCANNED_AT_ONCE)
                    here = [packed for packed in cast(dict[bytes, bytes], found).values() if _is_here(packed)]
                    if here:
                        yield read_batch(b"".join(here))
                    if cursor == 0:
                        break

    async def sweep(self, now_ms: int, gone_after_ms: int) -> list[UUID]:
        """Remove everybody last heard `gone_after_ms` before `now_ms`, or earlier; gives each id once."""
        gone: list[UUID] = []
        with self._redis_errors():
            tags = await self._regions()
            while tags:
                calls = [_sweep_call(tag, now_ms - gone_after_ms) for tag in tags]
                answers = await scripts.run(self._redis, calls)
                gone.extend(UUID(bytes=found) for answer in answers for found in answer)
                tags = [
                    tag for tag, answer in zip(tags, answers, strict=True) if len(answer) == SWEPT_PER_SCRIPT
                ]
        return gone

    async def publish(self, positions: Sequence[Position], *, now_ms: int) -> None:
        """Tell every process where these couriers are: one message for each partition in use."""
        by_channel: dict[str, list[Position]] = defaultdict(list)
        for position in positions:
            by_channel[self._channel_of(position.courier_id)].append(position)
        await self._publish(
            {
                channel: pack_message(Kind.POSITIONS, pack_batch(part), now_ms=now_ms)
                for channel, part in by_channel.items()
            }
        )

    async def publish_left(self, courier_ids: Collection[UUID], *, now_ms: int) -> None:
        """Tell every process that these couriers have left the map."""
        by_channel: dict[str, list[UUID]] = defaultdict(list)
        for courier_id in courier_ids:
            by_channel[self._channel_of(courier_id)].append(courier_id)
        await self._publish(
            {
                channel: pack_message(Kind.LEFT, pack_ids(ids), now_ms=now_ms)
                for channel, ids in by_channel.items()
            }
        )

    async def publish_claim(self, claim: Claim, *, now_ms: int) -> None:
        """Tell every process who owns this courier now: an older owner need not wait for his next fix."""
        message = pack_message(Kind.CLAIMED, pack_claim(claim), now_ms=now_ms)
        await self._publish({self._channel_of(claim.courier_id): message})

    async def publish_probe(self, partition: int, reader: str, proof: bytes, *, now_ms: int) -> None:
        """Send a reader its own `proof`, on the way that positions take."""
        await self._publish(
            {probe_channel(partition, reader): pack_message(Kind.PROBE, proof, now_ms=now_ms)}
        )

    async def _move_in(self, positions: Sequence[Position]) -> None:
        """Note the region of couriers who are new in it, and take them out of the one they were in."""
        by_id = {position.courier_id: position for position in positions}
        by_partition = _by_partition(list(by_id))
        tags = {courier_id: region_tag(position.cell) for courier_id, position in by_id.items()}
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.sadd(REGIONS_KEY, *set(tags.values()))
            for partition, ids in by_partition.items():
                pipeline.hmget(_region_key(partition), [courier_id.bytes for courier_id in ids])
                pipeline.hset(
                    _region_key(partition), mapping={courier.bytes: tags[courier] for courier in ids}
                )
            _, *answers = await pipeline.execute()
        before = {
            courier_id: tag.decode()
            for ids, found in zip(by_partition.values(), answers[::2], strict=True)
            for courier_id, tag in zip(ids, found, strict=True)
            if tag is not None
        }
        moved = [
            _leave_call(tag, by_id[courier_id])
            for courier_id, tag in before.items()
            if tag != tags[courier_id]
        ]
        if moved:
            await scripts.run(self._redis, moved)

    async def _regions(self) -> list[str]:
        return sorted(tag.decode() for tag in await self._ask("SMEMBERS", REGIONS_KEY))

    async def _ask(self, *command: str | bytes) -> Any:
        return await cast(Any, self._redis).execute_command(*command)

    async def _publish(self, messages: dict[str, bytes]) -> None:
        with self._redis_errors():
            async with self._redis.pipeline(transaction=False) as pipeline:
                for channel, message in messages.items():
                    pipeline.execute_command("SPUBLISH", channel, message)
                if messages:
                    await pipeline.execute()

    @contextmanager
    def _redis_errors(self, *, although_away: bool = False) -> Iterator[None]:
        if self.is_away and not although_away:
            raise LiveStateAway
        try:
            yield
        except (RedisError, OSError) as error:
            self.is_away = True
            raise LiveStateAway from error

    def _channel_of(self, courier_id: UUID) -> str:
        return channel_name(partition_of(courier_id) % self._partitions)

    def _notice(self, tag: str, incarnation: bytes) -> None:
        if self._incarnations.setdefault(tag, incarnation) != incarnation:
            self._incarnations[tag] = incarnation
            self.lost_regions.add(tag)


def _pos_key(tag: str) -> str:
    return f"{{{tag}}}:pos"


def _seen_key(tag: str) -> str:
    return f"{{{tag}}}:seen"


def _cell_prefix(tag: str) -> str:
    return f"{{{tag}}}:cell:"


def _owner_key(partition: int) -> str:
    return f"{{p:{partition}}}:owner"


def _region_key(partition: int) -> str:
    return f"{{p:{partition}}}:region"


def _place_call(tag: str, positions: Sequence[Position]) -> scripts.Call:
    keys = (_pos_key(tag), _seen_key(tag), f"{{{tag}}}:born")
    packed = [position.pack() for position in positions]
    return scripts.Call(_PLACE, keys, (secrets.token_bytes(8), _cell_prefix(tag), *packed))


def _leave_call(tag: str, position: Position) -> scripts.Call:
    note = bytearray(position.pack())
    note[_FLAGS_AT] |= ELSEWHERE
    return scripts.Call(_LEAVE, (_pos_key(tag), _seen_key(tag)), (_cell_prefix(tag), bytes(note)))


def _sweep_call(tag: str, silent_since_ms: int) -> scripts.Call:
    keys = (_pos_key(tag), _seen_key(tag))
    return scripts.Call(_SWEEP, keys, (_cell_prefix(tag), silent_since_ms, SWEPT_PER_SCRIPT))


def _is_here(packed: bytes) -> bool:
    is_ours = len(packed) == POSITION_SIZE and packed[_FORMAT_AT] == POSITION_FORMAT_VERSION
    return is_ours and not packed[_FLAGS_AT] & ELSEWHERE


def _by_partition(courier_ids: Sequence[UUID]) -> dict[int, list[UUID]]:
    grouped: dict[int, list[UUID]] = defaultdict(list)
    for courier_id in courier_ids:
        grouped[partition_of(courier_id)].append(courier_id)
    return grouped


def _parts(places: list[int], size: int) -> Iterator[list[int]]:
    return (places[at : at + size] for at in range(0, len(places), size))
