"""The door to Redis or Valkey: clients that give up rather than hang, and never run a command twice.

Keys and channels stand where they are used (geo/courier_index.py, hints.py).
"""

from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from server.errors import StartupError
from server.storage.binaries import MINIMUM_VERSION

CONNECT_WITHIN_S = 5.0
ANSWER_WITHIN_S = 5.0


async def open_redis(url: str) -> Redis:
    """A client for commands; answers are bytes.

    Its commands are sent once: redis-py's usual ten retries would run an INCR twice when only the reply was
    lost (traps 12).  StartupError in one sentence when the server cannot be reached, refuses us, or is too
    old.
    """
    client = _client(url, socket_timeout=ANSWER_WITHIN_S)
    try:
        about = await client.info("server")
        await client.ping()
    except (RedisError, OSError) as error:
        await client.aclose()
        if isinstance(error, AuthenticationError) or isinstance(error.__cause__, AuthenticationError):
            raise StartupError("The Redis server refuses us: is the password in REDIS_URL right?") from error
        if isinstance(error, ResponseError):
            raise StartupError(f"The Redis server refuses us: {_sentence(error)}.") from error
        raise StartupError(
            f"The Redis server cannot be reached ({_sentence(error)}): is it running, is REDIS_URL right?"
        ) from error
    # Valkey, whatever its own version, says here the Redis version it is compatible with.
    version = str(about.get("redis_version", "0"))
    if int(version.split(".", maxsplit=1)[0]) < MINIMUM_VERSION["valkey-server"]:
        await client.aclose()
        raise StartupError(
            f"The Redis server is version {version}; "
            f"Songda needs {MINIMUM_VERSION['valkey-server']} or newer."
        )
    return client


def open_listener(url: str) -> Redis:
    """A client for pub/sub and blocking commands: it waits for as long as nothing is said (traps 17)."""
    return _client(url, socket_timeout=None)


def _client(url: str, *, socket_timeout: float | None) -> Redis:
    options: dict[str, Any] = {
        "decode_responses": False,
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": socket_timeout,
        "socket_connect_timeout": CONNECT_WITHIN_S,
        "client_name": "songda",
    }
    try:
        client = Redis.from_url(url, **options)
        # Made, not opened: a parameter of the URL that no connection knows is found now, in words of ours.
        client.connection_pool.connection_class(**client.connection_pool.connection_kwargs)
    except (ValueError, TypeError) as error:
        raise StartupError(f"REDIS_URL is not a Redis address: {_sentence(error)}.") from error
    return client


def _sentence(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0].rstrip(".") if text else type(error).__name__
