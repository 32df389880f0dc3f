#!/bin/sh
# Logs in and shows how to use the tokens: sh login.sh http://localhost:7125 USER PASSWORD
set -eu
server=$1
json='Content-Type: application/json'
text() { printf '"%s"' "$(printf %s "$1" | sed 's/[\\"]/\\&/g')"; }
field() { sed -E "s/.*\"$1\": ?\"([^\"]*)\".*/\1/"; }

login=$(curl -fsS -H "$json" -d "{\"username\": $(text "$2"), \"password\": $(text "$3")}" "$server/access/login")
token=$(echo "$login" | field token)
refresh=$(echo "$login" | field refresh_token)
curl -fsS -H "Authorization: Bearer $token" "$server/access/user"
echo

# The token is valid for an hour; the refresh token gets the next one.
token=$(curl -fsS -H "$json" -d "{\"refresh_token\": \"$refresh\"}" "$server/access/refresh_jwt" | field token)

# For links, pictures and streams, which cannot send a header: a token for one request within 5 seconds.
once=$(curl -fsS -H "Authorization: Bearer $token" "$server/access/oneshot_token" | field result)
curl -fsS "$server/server/files/list?root=gcodes&token=$once"
echo
