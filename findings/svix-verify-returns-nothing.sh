#!/usr/bin/env bash
# svix 2.5.0 (npm): Webhook.verify() gives undefined for a genuine request.
# standardwebhooks 1.1.1, by the same people and for the same scheme, gives the parsed payload.
# `const event = webhook.verify(body, headers)` therefore holds nothing after the update, and no error says so.
# Seen: "svix undefined", "standardwebhooks {"a":1}".
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent svix@2.5.0 standardwebhooks@1.1.1 >/dev/null
cat > try.cjs <<'JS'
const { Webhook: Svix } = require('svix')
const { Webhook: Standard } = require('standardwebhooks')
const now = new Date()
const body = '{"a":1}'
const told = (Webhook) => {
  const webhook = new Webhook('whsec_YS1tYWRlLXVwLTMyLWJ5dGUtc2VjcmV0LWZvci1zdml4')
  const time = String(Math.floor(now / 1000))
  const signature = webhook.sign('msg_1', now, body)
  const value = webhook.verify(body, { 'webhook-id': 'msg_1', 'webhook-timestamp': time, 'webhook-signature': signature,
    'svix-id': 'msg_1', 'svix-timestamp': time, 'svix-signature': signature })
  return JSON.stringify(value) ?? 'undefined'
}
console.log('svix', told(Svix))
console.log('standardwebhooks', told(Standard))
JS
seen=$(node try.cjs); echo "$seen"
[ "$seen" = $'svix undefined\nstandardwebhooks {"a":1}' ]
