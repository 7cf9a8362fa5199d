#!/usr/bin/env bash
# cloudevents 10.0.0 (npm) and cloudevents 2.2.0 (PyPI): the subject that Python sends in binary mode reads differently
# in JavaScript. The HTTP binding (CloudEvents 1.0.2, 3.1.3.2) has attributes percent-encoded in headers: Python does so,
# JavaScript neither encodes what it sends nor decodes what it reads. No error is raised on either side.
# Seen: sent "Grüße x", on the wire "Gr%C3%BC%C3%9Fe%20x", read "Gr%C3%BC%C3%9Fe%20x"; JavaScript sends "50% off" as it is.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent cloudevents@10.0.0 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet cloudevents==2.2.0 >/dev/null
cat > send.py <<'PY'
import json
from cloudevents.core.bindings.http import to_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
attributes = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "order.made", "subject": "Grüße x", "datacontenttype": "application/json"}
message = to_binary(CloudEvent(attributes, {"a": 1}), JSONFormat())
print(json.dumps({"headers": message.headers, "body": message.body.decode()}))
PY
python/bin/python send.py > message.json
cat > read.cjs <<'JS'
const { CloudEvent, HTTP } = require('cloudevents')
const message = require('./message.json')
const sent = HTTP.binary(new CloudEvent({ id: '1', source: '/shop', type: 'order.made', subject: '50% off', data: 1 }))
console.log(message.headers['ce-subject'], HTTP.toEvent(message).subject, sent.headers['ce-subject'])
JS
seen=$(node read.cjs); echo "$seen"
[ "$seen" = 'Gr%C3%BC%C3%9Fe%20x Gr%C3%BC%C3%9Fe%20x 50% off' ]
