#!/usr/bin/env bash
# requests-oauthlib 2.0.0 with oauthlib 4.0.1 (PyPI): the answer 502 with a page of a gateway, to a refresh, is told as MissingTokenError
# "(missing_token)", the class of an answer of the authorization server, with neither status nor body. A program that takes an OAuth2Error
# for the end of the connection asks its users to connect again after an outage of a minute. authlib 1.9.10 raises an HTTPError with
# the status. Both read "expires_in":0 as no expiry: the token has no expires_at.
# Guess before: an HTTP error from both.
# Seen: requests-oauthlib MissingTokenError (an OAuth2Error), authlib HTTPError 502; expires_at None None.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv python >/dev/null && python/bin/pip install --quiet requests-oauthlib==2.0.0 oauthlib==4.0.1 authlib==1.9.10 requests==2.34.2 >/dev/null
cat > try.py <<'PY'
import http.server, os, threading
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
from authlib.integrations.requests_client import OAuth2Session as Authlib
from oauthlib.oauth2 import OAuth2Error
from requests_oauthlib import OAuth2Session

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        outage = self.path == "/outage"
        self.send_response(502 if outage else 200)
        self.send_header("content-type", "text/html" if outage else "application/json")
        self.end_headers()
        self.wfile.write(b"<html>Bad gateway</html>" if outage else b'{"access_token":"a2","token_type":"Bearer","expires_in":0}')
    def log_message(self, *_): pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
one = lambda: OAuth2Session("i", token={"access_token": "a1", "refresh_token": "r1"})
other = lambda: Authlib("i", "s", token={"access_token": "a1", "refresh_token": "r1"})
for name, session in [("requests-oauthlib", one), ("authlib", other)]:
    try: session().refresh_token(f"{url}/outage")
    except Exception as error: print(name, type(error).__name__, isinstance(error, OAuth2Error))
print("expires_at", one().refresh_token(f"{url}/zero").get("expires_at"), other().refresh_token(f"{url}/zero").get("expires_at"))
PY
seen=$(python/bin/python -W ignore try.py); echo "$seen"
[ "$seen" = $'requests-oauthlib MissingTokenError True\nauthlib HTTPError False\nexpires_at None None' ]
