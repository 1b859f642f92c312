"""A process that tracks one courier until it is killed; it prints the fix times it was told are stored.

Run by test_tracking_dies.py: `python -m tests.integration.dispatch.tracking_process DATABASE_URL REDIS_URL COURIER_ID`.
"""

import asyncio
import sys
from uuid import UUID

from server.clock import SystemClock
from server.dispatch.duties import DutyBoard
from server.dispatch.tracking import Tracking
from server.geo.courier_index import CourierIndex
from server.geo.track_store import TrackStore
from server.settings import Settings
from server.storage.database import open_database
from server.storage.redis import open_redis
from server.wire.messages import Fix


async def main(database_url: str, redis_url: str, courier_id: UUID) -> None:
    pool = await open_database(database_url, pool_size=4)
    redis = await open_redis(redis_url)
    clock, settings = SystemClock(), Settings(place_tick_ms=2, track_flush_s=0.2)
    tracking = Tracking(CourierIndex(redis, partitions=4), TrackStore(pool), DutyBoard(), clock, settings)
    running = asyncio.create_task(tracking.run())
    courier = await tracking.adopt(courier_id)
    begin_ms = clock.now_ms() - 3_600_000

    def stored(seqs: list[int]) -> None:
        for seq in seqs:
            sys.stdout.write(f"{begin_ms + seq}\n")
        sys.stdout.flush()

    seq = 0
    while not running.done():
        tracking.submit(courier, [Fix(60.1699, 24.9384, begin_ms + seq, seq=seq)], None, stored)
        seq += 1
        await asyncio.sleep(0.001)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], UUID(sys.argv[3])))
