"""Prints copies of a file on a fleet, and waits for their end:

python3 fleet.py http://localhost:7200 part.gcode COPIES API_KEY
"""

import collections
import json
import os
import sys
import time
import urllib.parse
import urllib.request

HUB, PATH, COPIES, KEY = sys.argv[1:5]


def call(method, path, body=None, content_type="application/json"):
    """Sends a request to the hub. Returns the content of "result"."""
    headers = {"X-Api-Key": KEY, "Content-Type": content_type}
    request = urllib.request.Request(HUB + path, body, headers, method=method)
    with urllib.request.urlopen(request) as reply:
        return json.load(reply)["result"]


def printers(**filters):
    """All printers that match, page by page."""
    while True:
        page = call("GET", "/fleet/printers?" + urllib.parse.urlencode(filters))
        yield from page["printers"]
        if page["next"] is None:
            return
        filters["cursor"] = page["next"]


ready = [printer["name"] for printer in printers(state="ready")]
print(len(ready), "printers are ready:", ", ".join(ready))

name = os.path.basename(PATH)
with open(PATH, "rb") as content:
    query = urllib.parse.urlencode({"name": name})
    stored = call("PUT", "/fleet/files?" + query, content.read(), "application/octet-stream")

order = {"file": stored["sha256"], "name": name, "copies": int(COPIES)}
batch = call("POST", "/fleet/jobs", json.dumps(order).encode())["batch"]

while True:
    jobs = call("GET", "/fleet/jobs?" + urllib.parse.urlencode({"batch": batch}))["jobs"]
    states = collections.Counter(job["state"] for job in jobs)
    print("jobs:", dict(states))
    # A held job waits for a person.
    if all(state in ("done", "failed", "cancelled", "held") for state in states):
        break
    time.sleep(2)
