"""Uploads a file, prints it, and waits for the end: python3 print.py http://localhost:7125 part.gcode [API key]"""

import json
import os
import sys
import time
import urllib.request
import uuid

SERVER, PATH = sys.argv[1:3]
HEADERS = {"X-Api-Key": sys.argv[3]} if len(sys.argv) > 3 else {}


def call(path, data=None, headers=None):
    request = urllib.request.Request(SERVER + path, data, {**HEADERS, **(headers or {})})
    with urllib.request.urlopen(request) as reply:
        return json.load(reply)["result"]


def upload(path, fields, progress):
    """Sends a file without reading all of it into memory."""
    boundary = uuid.uuid4().hex
    part = f"--{boundary}\r\nContent-Disposition: form-data; name="
    head = "".join(f'{part}"{name}"\r\n\r\n{value}\r\n' for name, value in fields.items())
    head += f'{part}"file"; filename="{os.path.basename(path)}"\r\n'
    head += "Content-Type: application/octet-stream\r\n\r\n"
    tail = f"\r\n--{boundary}--\r\n".encode()
    size = os.path.getsize(path)

    def body():
        yield head.encode()
        with open(path, "rb") as file:
            while block := file.read(65536):
                yield block
                progress(file.tell(), size)
        yield tail

    length = len(head.encode()) + size + len(tail)
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Content-Length": str(length)}
    return call("/server/files/upload", body(), headers)


def newest_job():
    jobs = call("/server/history/list?limit=1")["jobs"]
    return jobs[0] if jobs else {"job_id": None}


before = newest_job()["job_id"]
reply = upload(PATH, {"print": "true"}, lambda sent, size: print(f"{100 * sent // size} % sent"))
if not reply["print_started"]:
    sys.exit("uploaded, but not started: is the printer ready and idle?")
while (job := newest_job())["job_id"] == before or job["status"] == "in_progress":
    time.sleep(0.5)
print(job["filename"], job["status"], f"after {job['total_duration']:.0f} s")
