#!/usr/bin/env bash
# httpx-sse 0.4.3 (PyPI): a block without data, such as a sign of life ("event: ping") or an id alone, is handed out as an event with
# empty data. WHATWG HTML (9.2.6) has nothing dispatched then: browsers, eventsource-parser 3.1.1 (npm) and sseclient-py 1.9.0
# say nothing. event.json() raises at the first sign of life of such a sender.
# Guess before: no event without data, as in the browser.
# Seen: httpx-sse ping "" / message "" / message "{}", sseclient-py message "{}", eventsource-parser message "{}".
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent eventsource-parser@3.1.1 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet sseclient-py==1.9.0 httpx==0.28.1 httpx-sse==0.4.3 >/dev/null
printf 'event: ping\n\nid: 7\n\ndata: {}\n\n' > stream
cat > try.py <<'PY'
import httpx, sseclient
from httpx_sse import EventSource
stream = open("stream", "rb").read()
told = lambda events: " / ".join(f'{event.event} "{event.data}"' for event in events)
response = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=stream)
print("httpx-sse", told(EventSource(response).iter_sse()))
class Source:
    def __iter__(self): return iter([stream])
    def close(self): pass
print("sseclient-py", told(sseclient.SSEClient(Source()).events()))
PY
cat > try.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { createParser } from 'eventsource-parser'
const events = []
createParser({ onEvent: (event) => events.push(`${event.event ?? 'message'} "${event.data}"`) }).feed(readFileSync('stream', 'utf8'))
console.log('eventsource-parser', events.join(' / '))
JS
seen=$(python/bin/python try.py; node try.mjs); echo "$seen"
[ "$seen" = $'httpx-sse ping "" / message "" / message "{}"\nsseclient-py message "{}"\neventsource-parser message "{}"' ]
