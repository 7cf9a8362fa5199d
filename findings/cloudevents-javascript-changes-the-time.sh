#!/usr/bin/env bash
# cloudevents 10.0.0 (npm): reading an event changes its time, and gives one to an event that has none.
# The offset of the sender is gone, digits below the millisecond are cut, and an event without a time (it is optional)
# has another one at each reading. Whoever sorts, signs or compares by it does so by the reader's clock.
# Seen: "2023-12-31T22:00:00.000Z 2024-01-01T00:00:00.123Z invented".
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent cloudevents@10.0.0 >/dev/null
cat > read.cjs <<'JS'
const { HTTP } = require('cloudevents')
const read = (more) => HTTP.toEvent({
  headers: { 'content-type': 'application/cloudevents+json' },
  body: JSON.stringify({ specversion: '1.0', id: '1', source: '/shop', type: 'order.made', ...more }),
})
const none = read({}).time
console.log(
  read({ time: '2024-01-01T00:00:00+02:00' }).time,
  read({ time: '2024-01-01T00:00:00.123456789Z' }).time,
  Math.abs(Date.now() - Date.parse(none)) < 60_000 ? 'invented' : String(none),
)
JS
seen=$(node read.cjs); echo "$seen"
[ "$seen" = '2023-12-31T22:00:00.000Z 2024-01-01T00:00:00.123Z invented' ]
