"""Queries the state of a printer: python3 first_call.py http://localhost:7125 [API key]"""

import json
import sys
import urllib.error
import urllib.parse
import urllib.request

SERVER = sys.argv[1]
HEADERS = {"X-Api-Key": sys.argv[2]} if len(sys.argv) > 2 else {}


class ApiError(Exception):
    """The server replied with an error: its code and its message."""


def call(path, query=None, body=None):
    """Sends a GET, or a POST if there is a body. Returns the content of "result"."""
    url = SERVER + path + ("?" + urllib.parse.urlencode(query) if query else "")
    data = None if body is None else json.dumps(body).encode()
    headers = HEADERS if data is None else {**HEADERS, "Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as reply:
            return json.load(reply)["result"]
    except urllib.error.HTTPError as error:
        raise ApiError(error.code, json.load(error)["error"]["message"]) from None


print("Klippy is", call("/server/info")["klippy_state"])
status = call("/printer/objects/query", {"print_stats": "state", "extruder": "temperature,target"})["status"]
print("print:", status["print_stats"]["state"], "nozzle:", status["extruder"]["temperature"])
print(call("/printer/gcode/script", body={"script": "M117 Hello"}))
try:
    call("/server/files/metadata", {"filename": "no such file.gcode"})
except ApiError as error:
    print("error:", *error.args)
