#!/usr/bin/env bash
# sseclient-py 1.9.0 (PyPI): when a connection breaks off within an event, what has come of it is handed out as a whole event. WHATWG HTML
# (9.2.6) has an event without its blank line dropped, and the last id kept for the events that follow without one: here
# they have no id, so that "continue after the last event" starts from nothing. httpx-sse 0.4.3 does both as written.
# Guess before: both drop the unfinished event and keep the id.
# Seen: sseclient-py [["8", "{}"], [null, "{\"paid\":"]], httpx-sse [["8", "{}"]]; for a second event without an id: null, "8".
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv python >/dev/null && python/bin/pip install --quiet sseclient-py==1.9.0 requests==2.34.2 httpx==0.28.1 httpx-sse==0.4.3 >/dev/null
cat > try.py <<'PY'
import http.server, json, threading
import httpx, requests, sseclient
from httpx_sse import connect_sse

bodies = {
    "/broken": b'id: 8\ndata: {}\n\ndata: {"paid":\n',
    "/second": b"id: 8\ndata: {}\n\ndata: []\n\n",
}

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self.wfile.write(bodies[self.path])
    def log_message(self, *_): pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
for path in bodies:
    url = f"http://127.0.0.1:{server.server_port}{path}"
    with requests.get(url, stream=True) as response:
        print(path, "sseclient-py", json.dumps([[event.id, event.data] for event in sseclient.SSEClient(response).events()]))
    with httpx.Client() as client, connect_sse(client, "GET", url) as source:
        print(path, "httpx-sse", json.dumps([[event.id, event.data] for event in source.iter_sse()]))
PY
seen=$(python/bin/python try.py); echo "$seen"
[ "$seen" = '/broken sseclient-py [["8", "{}"], [null, "{\"paid\":"]]
/broken httpx-sse [["8", "{}"]]
/second sseclient-py [["8", "{}"], [null, "[]"]]
/second httpx-sse [["8", "{}"], ["8", "[]"]]' ]
