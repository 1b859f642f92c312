"""The floor: a bare websocket sink and source.  Every frame of courier N goes straight to customer N's socket.

No decoding, no record, no Redis: what remains is the price of two websockets on this machine.  Run as a process of its
own by the scenarios: `python -m load_tests.relay PORT`.
"""

import sys

import picows
import uvloop


class _Relay(picows.WSListener):
    def __init__(self, customers: dict[str, picows.WSTransport], path: str) -> None:
        self.customers = customers
        self.role, self.number = path.strip("/").split("/")

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        if self.role == "customer":
            self.customers[self.number] = transport

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type == picows.WSMsgType.TEXT:
            viewer = self.customers.get(self.number)
            if viewer is not None:
                viewer.send(picows.WSMsgType.TEXT, frame.get_payload_as_bytes())


async def relay(port: int) -> None:
    customers: dict[str, picows.WSTransport] = {}
    server = await picows.ws_create_server(
        lambda request: _Relay(customers, request.path.decode()), "127.0.0.1", port, backlog=4096
    )
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(relay(int(sys.argv[1])))
