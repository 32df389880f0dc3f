"""Logs in, and shows what the tokens are for: python3 login.py http://localhost:7125 USER PASSWORD"""

import json
import sys
import urllib.request

SERVER, USER, PASSWORD = sys.argv[1:4]


def ask(path, token=None, body=None):
    """GET, or POST where there is a body. Gives what stands under "result"."""
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = "Bearer " + token
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(SERVER + path, data, headers)) as reply:
        return json.load(reply)["result"]


login = ask("/access/login", body={"username": USER, "password": PASSWORD})
user = ask("/access/user", login["token"])
print(user["username"], "is", user["role"])

# The token is good for an hour; the refresh token gives the next one.
token = ask("/access/refresh_jwt", body={"refresh_token": login["refresh_token"]})["token"]

# Where no header can be sent (links, pictures, streams): a token for one request within 5 seconds.
once = ask("/access/oneshot_token", token)
print("files:", ask("/server/files/list?root=gcodes&token=" + once))
