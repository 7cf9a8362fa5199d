#!/usr/bin/env bash
# replicate 1.4.0 (npm): validateWebhook(request, secret) reads the body of the request that it is given, not a copy.
# The handler that verified a request cannot read it any more: request.text() and request.json() raise afterwards.
# Seen: "true, then TypeError".
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent replicate@1.4.0 >/dev/null
cat > try.mjs <<'JS'
import { createHmac } from 'node:crypto'
import { validateWebhook } from 'replicate'
const key = Buffer.from('a-made-up-secret-of-32-bytes-ok!')
const time = String(Math.floor(Date.now() / 1000))
const body = '{"id":"p1","status":"succeeded"}'
const signature = createHmac('sha256', key).update(`msg_1.${time}.${body}`).digest('base64')
const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': time, 'webhook-signature': `v1,${signature}` }
const request = new Request('http://localhost/', { method: 'POST', headers, body })
const isGenuine = await validateWebhook(request, `whsec_${key.toString('base64')}`)
const read = await request.json().then(() => 'read', (error) => error.name)
console.log(`${isGenuine}, then ${read}`)
JS
seen=$(node try.mjs); echo "$seen"
[ "$seen" = 'true, then TypeError' ]
