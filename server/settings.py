"""Every setting of a process, read from the environment once and checked when built.

What operators change while running (thresholds of dispatch, promises) does not live here but in server/policies.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from server.errors import StartupError

LOOPBACK = "127.0.0.1"
MIN_SECRET_BYTES = 32  # RFC 7518 §3.2: what signs with HS256 is no shorter than the hash
# A server that listens on all of its addresses is asked on the nearest.
EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - recognised, not bound

LOG_LEVELS = ("debug", "info", "warning", "error")
SWITCHES = {"yes": True, "no": False, "true": True, "false": False, "1": True, "0": False}
LARGEST = 1_000_000_000  # no time, size or count of ours comes near; and neither nan nor inf is below it


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One process's settings; units are in the names.  `from_environment` is the usual way to build it."""

    # Where the record and the live state are; empty: our own servers below data_dir.
    database_url: str = field(default="", metadata={"env": "DATABASE_URL"})  # PostgreSQL 14 or newer
    redis_url: str = field(default="", metadata={"env": "REDIS_URL"})  # Redis 7 or newer, or Valkey
    data_dir: Path = field(default=Path(".songda"), metadata={"env": "SONGDA_DATA"})  # their data, our secret
    media_url: str = ""  # pictures: s3://bucket/prefix or file:///directory; empty: in data_dir
    media_endpoint: str = ""  # an S3 store that is not Amazon's; credentials come from AWS_… variables

    # The process and its pages.
    host: str = LOOPBACK  # the address to listen on; 0.0.0.0 for all
    port: int = 8700  # pages, API and sockets, all on this one
    workers: int = 1  # server processes; about one a core
    node: str = ""  # this process's name, told to clients and in logs
    secret: str = ""  # signs tokens; empty: made once and kept in data_dir
    origins: tuple[str, ...] = ()  # web pages that may open sockets, beside our own host
    tile_url: str = ""  # raster tiles or a style of another city; empty: the demo's base map
    map_center: tuple[float, ...] = ()  # lng,lat where maps open; empty: Helsinki
    map_zoom: float = 13.0  # how near maps open
    map_attribution: str = "© OpenStreetMap contributors"  # what the map's licence wants shown
    log_level: str = "info"  # debug, info, warning or error

    # How long things may gather, and how wide the ways are.
    database_pool_size: int = 8  # connections a process keeps to PostgreSQL
    position_partitions: int = 1  # channels in use of the 64; more only help a cluster
    place_tick_ms: int = 10  # fixes gather this long before one pipeline to Redis
    track_flush_s: float = 4.0  # fixes gather this long before one COPY
    http_track_flush_ms: int = 150  # … but stock apps wait for their 2xx no longer than this
    log_poll_ms: int = 500  # the event log is looked at this often even without a hint

    # A courier who has said nothing for this long is ageing, then gone (never offered).
    ageing_after_s: float = 30.0  # shown paler from here
    gone_after_s: float = 120.0  # off the map and never offered from here
    nearest_max_radius_m: float = 10_000.0  # nobody farther than this is near
    # What a fix may claim; see server/geo/fixes.py.
    max_speed_mps: float = 60.0  # faster than this between two fixes is no courier
    max_clock_ahead_s: float = 60.0  # a fix further in the future is refused
    max_fix_age_s: float = 7 * 86_400.0  # … as is one older than this

    # What a socket may do.
    authenticate_within_s: float = 5.0  # a socket that has not said who it is by then is closed
    heartbeat_s: float = 25.0  # a ping this often; no answer for as long again ends the socket
    max_frame_bytes: int = 65_536  # a larger frame ends the socket
    max_status_backlog_bytes: int = 65_536  # per socket; a viewer behind by more is ended (4008)
    slow_viewer_s: float = 10.0  # … as is one whose socket takes nothing for this long
    max_topics_per_socket: int = 128  # joining more is refused
    max_frames_per_s: float = 50.0  # per socket, in a burst of ten seconds' worth
    drain_s: float = 5.0  # sockets are closed spread over this long when we stop

    # What an order is checked for.
    phone_region: str = "FI"  # ISO 3166; phone numbers without a country's code are read as of here
    delivery_radius_m: float = 6_000.0  # how far a merchant delivers who has drawn no area
    correction_radius_m: float = 10_000.0  # … and how far from it a corrected address may be
    schedule_lead_s: float = 2_700.0  # an order for later begins its window no sooner than this from now

    # Webhooks: what we call for merchants, we call from inside our own network; see docs/webhooks.md.
    webhook_allow_http: bool = False  # also without TLS; for intranets
    webhook_allow_private: bool = False  # also addresses that only we can reach; for intranets
    webhook_proxy_url: str = ""  # call through this proxy, which then decides what may be reached

    # Paying by card, through a provider that speaks as docs/money.md says; who has none takes cash.
    payment_provider_url: str = ""  # where the provider, or a bridge to it, answers; empty: no cards
    payment_provider_key: str = ""  # proves to it who we are
    payment_webhook_secrets: tuple[str, ...] = ()  # whsec_…: sign its words; two while one replaces the other
    payment_within_s: float = 10.0  # it answers a call by then, or the call is made again
    payment_retry_s: float = 15.0  # … first after this long, then after twice as long each time
    checkout_lapses_after_s: float = 900.0  # a checkout that nobody has paid ends
    commission_basis_points: int = 1_500  # the platform's part of the items' price, in 1/100 of a percent

    # What is kept, and for how long.
    archive_after_s: float = 15 * 86_400.0  # an order over for this long moves to the archive
    keep_personal_s: float = 90 * 86_400.0  # names, phones, addresses, words and pictures of old orders
    keep_tracks_s: float = 30 * 86_400.0  # where couriers were
    archive_url: str = ""  # its Parquet files: s3://bucket/prefix or file:///directory; empty: in data_dir

    # People's patience.
    accept_within_s: float = 180.0  # a silent merchant's order expires
    take_within_s: float = 60.0  # a courier who has not answered an assignment loses it to the next
    assign_again_s: float = 3.0  # nobody free: look again this often
    ready_grace_s: float = 180.0  # a kitchen this far beyond its own time is reminded
    pickup_within_s: float = 480.0  # food that is ready longer than this is fetched late
    receipt_remind_s: float = 600.0  # a customer who has not confirmed the receipt is reminded
    receipt_within_s: float = 7200.0  # … and then taken by their silence: the order is complete
    token_ttl_s: float = 900.0  # an access token is good for this long; a refresh token brings the next
    session_ttl_s: float = 30 * 86_400.0  # who has signed in by password must do so again after this

    def __post_init__(self) -> None:
        for setting in fields(self):
            value = getattr(self, setting.name)
            if is_number(setting.default) and not 0 < value < LARGEST:
                raise StartupError(
                    f"{env_name(setting.name)} must be a number above 0 and below {LARGEST:,}, not {value}."
                )
        if self.log_level.lower() not in LOG_LEVELS:
            raise StartupError(
                f"{env_name('log_level')} must be one of {', '.join(LOG_LEVELS)}, not {self.log_level!r}."
            )
        if self.secret and len(self.secret.encode()) < MIN_SECRET_BYTES:
            raise StartupError(f"{env_name('secret')} must be at least {MIN_SECRET_BYTES} bytes long.")
        if not 0 < self.port < 65_536:
            raise StartupError(f"{env_name('port')} must be a port between 1 and 65535, not {self.port}.")
        if not 1 <= self.position_partitions <= 64:
            raise StartupError(
                f"{env_name('position_partitions')} must be 1 to 64, not {self.position_partitions}."
            )
        if not 0 < self.ageing_after_s <= self.gone_after_s:
            raise StartupError(
                f"{env_name('ageing_after_s')} must be positive and not above {env_name('gone_after_s')}."
            )

    @property
    def address(self) -> str:
        """Where a browser or program on this machine finds us: http://127.0.0.1:8700."""
        host = LOOPBACK if self.host in EVERY_ADDRESS else self.host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def embedded_database(self) -> bool:
        """Whether we start our own PostgreSQL."""
        return not self.database_url

    @property
    def embedded_redis(self) -> bool:
        """Whether we start our own Valkey."""
        return not self.redis_url

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ, **overrides: Any) -> "Settings":
        """Settings from SONGDA_… variables, DATABASE_URL and REDIS_URL; StartupError names a bad one."""
        values: dict[str, Any] = {}
        for setting in fields(cls):
            text = environment.get(env_name(setting.name))
            if text is not None and text != "":
                values[setting.name] = _parse(setting.name, setting.default, text)
        return cls(**{**values, **overrides})


def env_name(setting_name: str) -> str:
    """The environment variable that sets `setting_name`."""
    for setting in fields(Settings):
        if setting.name == setting_name and "env" in setting.metadata:
            return str(setting.metadata["env"])
    return f"SONGDA_{setting_name.upper()}"


def is_number(default: object) -> bool:
    """Whether a setting with this default is a number; True and False are not."""
    return isinstance(default, int | float) and not isinstance(default, bool)


def _parse(name: str, default: object, text: str) -> object:
    if isinstance(default, bool):
        return _parse_switch(name, text)
    try:
        if isinstance(default, int):
            return int(text)
        if isinstance(default, float):
            return float(text)
    except ValueError as error:
        raise StartupError(f"{env_name(name)} must be a number, not {text!r}.") from error
    if isinstance(default, tuple):
        return _parse_list(name, text)
    if isinstance(default, Path):
        return Path(text).expanduser()
    return text


def _parse_switch(name: str, text: str) -> bool:
    if text.strip().lower() not in SWITCHES:
        raise StartupError(f"{env_name(name)} must be one of {', '.join(SWITCHES)}, not {text!r}.")
    return SWITCHES[text.strip().lower()]


def _parse_list(name: str, text: str) -> tuple[object, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if name != "map_center":
        return tuple(parts)
    try:
        lng, lat = (float(part) for part in parts)
    except ValueError as error:
        raise StartupError(
            f"{env_name(name)} must be two numbers, longitude and latitude, not {text!r}."
        ) from error
    return lng, lat
