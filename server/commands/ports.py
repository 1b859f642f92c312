"""Listening sockets: one a worker on the same port (SO_REUSEPORT), so that each has its own accept queue."""

import errno
import socket

from server.errors import StartupError
from server.settings import LOOPBACK

NEAR, LAST_PORT = 100, 65_535
BACKLOG = 4096  # a reconnect storm arrives all at once


def listening_socket(host: str, port: int, *, shared: bool) -> socket.socket:
    """A bound TCP socket; `shared` ones may stand beside others of ours.  StartupError when the port cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, port))
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise StartupError(_why(host, port, error)) from error
    return listener


def check_port_is_free(host: str, port: int) -> None:
    """StartupError when somebody listens there.  Asked without SO_REUSEPORT, which would quietly share the port with
    another Songda of the same user."""
    with listening_socket(host, port, shared=False) as listener:
        try:
            listener.listen(1)
        except OSError as error:
            raise StartupError(_why(host, port, error)) from error


def free_port_after(port: int, *, host: str = LOOPBACK) -> int:
    """The next port on which nobody listens now: for what stands beside a server, such as the demo's bank."""
    for near in range(port + 1, min(port + NEAR, LAST_PORT)):
        try:
            check_port_is_free(host, near)
        except StartupError:
            continue
        return near
    raise StartupError(f"None of the {NEAR} ports after {port} is free.")


def _why(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use by another program; stop it, or set SONGDA_PORT to another port."
    if error.errno == errno.EACCES:
        return f"This user may not open port {port}; ports below 1024 need more rights. Set SONGDA_PORT."
    return f"Cannot listen on {host} port {port}: {error.strerror or error}."
