"""Logs in and shows how to use the tokens: python3 login.py http://localhost:7125 USER PASSWORD"""

import json
import sys
import urllib.request

SERVER, USER, PASSWORD = sys.argv[1:4]


def call(path, token=None, body=None):
    """Sends a GET, or a POST if there is a body. Returns the content of "result"."""
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = "Bearer " + token
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(SERVER + path, data, headers)) as reply:
        return json.load(reply)["result"]


login = call("/access/login", body={"username": USER, "password": PASSWORD})
user = call("/access/user", login["token"])
print(user["username"], "is", user["role"])

# The token is valid for an hour; the refresh token gets the next one.
token = call("/access/refresh_jwt", body={"refresh_token": login["refresh_token"]})["token"]

# For links, pictures and streams, which cannot send a header: a token for one request within 5 seconds.
once = call("/access/oneshot_token", token)
print("files:", call("/server/files/list?root=gcodes&token=" + once))
