#!/usr/bin/env bash
# cloudevents 2.2.0 (PyPI): an extension that is true is sent as "ce-paid: True" in binary mode. CloudEvents (1.0.2, type system) writes it
# "true", and so does cloudevents 10.0.0 (npm). A subscription filter or a receiver that compares with "true" misses the events of
# Python. An event without a time gets the time of reading, in Python as in JavaScript.
# Guess before: true.
# Seen: Python "True", JavaScript "true"; time invented.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent cloudevents@10.0.0 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet cloudevents==2.2.0 >/dev/null
printf '{"specversion":"1.0","id":"1","source":"/shop","type":"order.made","paid":true}' > event.json
cat > try.py <<'PY'
from cloudevents.core.bindings.http import HTTPMessage, from_structured, to_binary
from cloudevents.core.formats.json import JSONFormat
message = HTTPMessage(headers={"content-type": "application/cloudevents+json"}, body=open("event.json", "rb").read())
event = from_structured(message, JSONFormat())
print("Python", to_binary(event, JSONFormat()).headers["ce-paid"], "invented" if event.get_time() else "no time")
PY
cat > try.cjs <<'JS'
const { HTTP } = require('cloudevents')
const body = require('node:fs').readFileSync('event.json', 'utf8')
const event = HTTP.toEvent({ headers: { 'content-type': 'application/cloudevents+json' }, body })
console.log('JavaScript', String(HTTP.binary(event).headers['ce-paid']), event.time ? 'invented' : 'no time')
JS
seen=$(python/bin/python try.py; node try.cjs); echo "$seen"
[ "$seen" = $'Python True invented\nJavaScript true invented' ]
