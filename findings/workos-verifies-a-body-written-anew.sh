#!/usr/bin/env bash
# @workos-inc/node 8.13.0 (npm): webhooks.constructEvent() checks the signature over JSON.stringify(payload), not over what was sent.
# Given the body as it came, a genuine request is refused; given the parsed body, a genuine request is refused as soon as
# the sender writes JSON otherwise than JavaScript does (a space, 1.0, an escaped slash).
# Seen: "parsed: event", "as it came: SignatureVerificationException", "1.0, parsed: SignatureVerificationException".
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent @workos-inc/node@8.13.0 >/dev/null
cat > try.mjs <<'JS'
import { createHmac } from 'node:crypto'
import { WorkOS } from '@workos-inc/node'
const { webhooks } = new WorkOS('sk_made_up')
const signed = (body) => {
  const time = Date.now()
  return `t=${time}, v1=${createHmac('sha256', 'made-up').update(`${time}.${body}`).digest('hex')}`
}
const told = (payload, body) =>
  webhooks.constructEvent({ payload, sigHeader: signed(body), secret: 'made-up' }).then(() => 'event', (error) => error.name === 'Error' ? error.constructor.name : error.name)
const plain = '{"id":"e1","event":"user.created","data":{"id":"u1"},"created_at":"2024-01-01T00:00:00.000Z"}'
const decimal = plain.replace('"u1"', '"u1","metadata":{"score":1.0}')
console.log('parsed:', await told(JSON.parse(plain), plain))
console.log('as it came:', await told(plain, plain))
console.log('1.0, parsed:', await told(JSON.parse(decimal), decimal))
JS
seen=$(node try.mjs); echo "$seen"
[ "$seen" = $'parsed: event\nas it came: SignatureVerificationException\n1.0, parsed: SignatureVerificationException' ]
