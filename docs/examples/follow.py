"""Follows a printer until Ctrl-C: python3 follow.py ADDRESS [API key]

ADDRESS is the server's unix socket, as ~/printer_data/comms/moonraker.sock, or ws://localhost:7125/websocket.
The socket needs nothing but Python; a WebSocket needs the package websocket-client.
"""

import json
import socket
import sys
import time

OBJECTS = {"print_stats": ["state"], "extruder": ["temperature", "target"]}


class UnixSocket:
    """Messages that end with the byte 0x03."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)

    def send(self, text):
        self.socket.sendall(text.encode() + b"\x03")

    def __iter__(self):
        waiting = b""
        while data := self.socket.recv(65536):
            *messages, waiting = (waiting + data).split(b"\x03")
            yield from messages
        raise ConnectionError("the server closed the connection")


def connect(address):
    if "://" not in address:
        return UnixSocket(address)
    from websocket import create_connection

    return create_connection(address)


def follow(address, key):
    connection = connect(address)
    status = {}

    def send(name, method, params):
        connection.send(json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": name}))

    def subscribe():
        send("subscribe", "printer.objects.subscribe", {"objects": OBJECTS})

    def change(changes):
        for name, fields in changes.items():
            status.setdefault(name, {}).update(fields)
        print("status:", json.dumps(status), flush=True)

    identity = {"client_name": "follow.py", "version": "1.0", "type": "other", "url": "https://example.com"}
    send("identify", "server.connection.identify", {**identity, **({"api_key": key} if key else {})})
    subscribe()
    for text in connection:
        message = json.loads(text)
        if "error" in message:
            print("error:", message["id"], message["error"]["message"], flush=True)
        elif message.get("id") == "subscribe":
            change(message["result"]["status"])
        elif message.get("method") == "notify_status_update":
            change(message["params"][0])
        elif message.get("method") == "notify_gcode_response":
            print("console:", message["params"][0], flush=True)
        elif message.get("method") == "notify_klippy_ready":
            subscribe()  # a subscription ends with Klippy


while True:
    try:
        follow(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
    except KeyboardInterrupt:
        break
    except Exception as error:
        print("lost:", error, flush=True)
        time.sleep(2)
