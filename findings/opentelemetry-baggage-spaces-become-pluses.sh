#!/usr/bin/env bash
# opentelemetry-api 1.45.2 (PyPI) and @opentelemetry/core 2.12.1 (npm): W3C baggage (section 3.3.1.3) has values percent-encoded, so that
# a plus is a plus. Python encodes and decodes as forms do: a tenant "Blue Shop" that a Python service sets is "Blue+Shop" in a
# Node service, and "a+b", which other languages may send as it is, is "a b" in Python. Node also drops an entry with an
# empty value, which the grammar allows.
# Guess before: both write %20 and keep the plus.
# Seen: Python sends "tenant=Blue+Shop", Node reads "Blue+Shop"; of "tag=a+b,none=" Python reads "a b" and "", Node "a+b" alone.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent @opentelemetry/api@1.9.1 @opentelemetry/core@2.12.1 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet opentelemetry-api==1.45.2 >/dev/null
cat > try.py <<'PY'
import json, sys
from opentelemetry import baggage
from opentelemetry.baggage.propagation import W3CBaggagePropagator
propagator = W3CBaggagePropagator()
sent = {}
propagator.inject(sent, baggage.set_baggage("tenant", "Blue Shop"))
json.dump(sent, open("sent.json", "w"))
print("python sends", sent["baggage"])
print("python reads", json.dumps(dict(baggage.get_all(propagator.extract({"baggage": "tag=a+b,none="})))))
PY
cat > try.cjs <<'JS'
const { propagation, ROOT_CONTEXT, defaultTextMapGetter } = require('@opentelemetry/api')
const { W3CBaggagePropagator } = require('@opentelemetry/core')
const read = (carrier) => {
  const entries = propagation.getBaggage(new W3CBaggagePropagator().extract(ROOT_CONTEXT, carrier, defaultTextMapGetter)).getAllEntries()
  return JSON.stringify(Object.fromEntries(entries.map(([key, { value }]) => [key, value])))
}
console.log('node reads', read(require('./sent.json')), read({ baggage: 'tag=a+b,none=' }))
JS
seen=$(python/bin/python try.py; node try.cjs); echo "$seen"
[ "$seen" = $'python sends tenant=Blue+Shop\npython reads {"tag": "a b", "none": ""}\nnode reads {"tenant":"Blue+Shop"} {"tag":"a+b"}' ]
