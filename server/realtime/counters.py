"""What the sockets of this process count.  Frames are counted in plain numbers by the hub and added once a
beat: a counter's lock and file cost more than the frame.
"""

from prometheus_client import Counter, Gauge, Histogram

SOCKETS = Gauge("songda_sockets", "Open sockets", multiprocess_mode="livesum")
TOPICS = Gauge("songda_topics", "Topics that somebody listens to", multiprocess_mode="livesum")
FRAMES_IN = Counter("songda_frames_in_total", "Frames received, of any kind")
WRITES_OUT = Counter(
    "songda_socket_writes_total", "Writes to sockets, each with all frames that were waiting"
)
BYTES_OUT = Counter("songda_socket_bytes_total", "Bytes written to sockets")
REFUSED = Counter("songda_refusals_total", "Frames answered with an error, by its code", ["code"])
CLOSED = Counter("songda_closes_total", "Sockets closed by us, by close code", ["code"])
EVICTED = Counter("songda_evictions_total", "Sockets aborted, by why", ["why"])
JOIN_TIME = Histogram(
    "songda_join_seconds",
    "From a join to its snapshot",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)
