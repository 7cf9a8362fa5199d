#!/usr/bin/env bash
# @paddle/paddle-node-sdk 3.10.0 (npm): webhooks.unmarshal() keeps the names within custom_data for types that it knows,
# and turns them into camelCase for a type that is newer than the package: your own data changes its names with the type.
# Seen: customer.created {"plan_code":1}, customer.merged {"planCode":1}.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent @paddle/paddle-node-sdk@3.10.0 >/dev/null
cat > try.mjs <<'JS'
import { createHmac } from 'node:crypto'
import { Paddle } from '@paddle/paddle-node-sdk'
const { webhooks } = new Paddle('made-up')
for (const type of ['customer.created', 'customer.merged']) {
  const body = JSON.stringify({ event_id: 'evt_1', notification_id: 'ntf_1', event_type: type,
    occurred_at: '2024-01-01T00:00:00.000Z', data: { id: 'ctm_1', custom_data: { plan_code: 1 } } })
  const time = Math.floor(Date.now() / 1000)
  const signature = `ts=${time};h1=${createHmac('sha256', 'made-up').update(`${time}:${body}`).digest('hex')}`
  const event = await webhooks.unmarshal(body, 'made-up', signature)
  console.log(type, JSON.stringify(event.data.customData))
}
JS
seen=$(node try.mjs); echo "$seen"
[ "$seen" = $'customer.created {"plan_code":1}\ncustomer.merged {"planCode":1}' ]
