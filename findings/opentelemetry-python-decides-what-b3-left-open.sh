#!/usr/bin/env bash
# opentelemetry-propagator-b3 and -jaeger 1.45.1 (PyPI) against @opentelemetry/propagator-b3 2.12.0 and -jaeger 2.12.0 (npm): a b3 header
# without a sampling state leaves the decision to the receiver (openzipkin/b3-propagation). Python takes it for "sampled" in the
# single header and for "not sampled" in the X-B3 headers; Node for "not sampled" in both. An uber-trace-id whose colons are
# percent-encoded, as clients of Jaeger write it, is no trace at all in Python; Node reads it.
# Guess before: one reading of both forms; both read the encoded header.
# Seen, single / multi / encoded: Python 1 / 0 / none, Node 0 / 0 / 1.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent @opentelemetry/api@1.9.1 @opentelemetry/propagator-b3@2.12.0 @opentelemetry/propagator-jaeger@2.12.0 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet opentelemetry-propagator-b3==1.45.1 opentelemetry-propagator-jaeger==1.45.1 >/dev/null
cat > headers.json <<'JSON'
[
  { "b3": "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1" },
  { "x-b3-traceid": "80f198ee56343ba864fe8b2a57d3eff7", "x-b3-spanid": "e457b5a2e4d86bd1" },
  { "uber-trace-id": "80f198ee56343ba864fe8b2a57d3eff7%3Ae457b5a2e4d86bd1%3A0%3A1" }
]
JSON
cat > try.py <<'PY'
import json
from opentelemetry import trace
from opentelemetry.propagators.b3 import B3MultiFormat, B3SingleFormat
from opentelemetry.propagators.jaeger import JaegerPropagator
told = []
for propagator, headers in zip([B3SingleFormat(), B3MultiFormat(), JaegerPropagator()], json.load(open("headers.json"))):
    context = trace.get_current_span(propagator.extract(headers)).get_span_context()
    told.append(str(int(context.trace_flags)) if context.is_valid else "none")
print("Python", " / ".join(told))
PY
cat > try.cjs <<'JS'
const { trace, ROOT_CONTEXT, defaultTextMapGetter } = require('@opentelemetry/api')
const { B3Propagator } = require('@opentelemetry/propagator-b3')
const { JaegerPropagator } = require('@opentelemetry/propagator-jaeger')
const propagators = [new B3Propagator(), new B3Propagator(), new JaegerPropagator()]
const told = require('./headers.json').map((headers, at) =>
  trace.getSpanContext(propagators[at].extract(ROOT_CONTEXT, headers, defaultTextMapGetter))?.traceFlags ?? 'none')
console.log('Node', told.join(' / '))
JS
seen=$(python/bin/python try.py; node try.cjs); echo "$seen"
[ "$seen" = $'Python 1 / 0 / none\nNode 0 / 0 / 1' ]
