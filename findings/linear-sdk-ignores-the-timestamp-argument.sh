#!/usr/bin/env bash
# @linear/sdk 98.0.0 (npm): LinearWebhookClient.verify(rawBody, signature, timestamp) takes a timestamp and does not use
# it. The age is that of `webhookTimestamp` in the body: a request with a fresh body passes beside an argument of 1970,
# and an old body is refused beside the time of now.
# Seen: "fresh body, old argument: true", "old body, fresh argument: Invalid webhook timestamp".
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent @linear/sdk@98.0.0 >/dev/null
cat > try.cjs <<'JS'
const { createHmac } = require('node:crypto')
const { LinearWebhookClient } = require('@linear/sdk/webhooks')
const client = new LinearWebhookClient('secret')
function verified(webhookTimestamp, argument) {
  const body = Buffer.from(JSON.stringify({ webhookTimestamp }))
  const signature = createHmac('sha256', 'secret').update(body).digest('hex')
  try {
    return client.verify(body, signature, String(argument))
  } catch (error) {
    return error.message
  }
}
console.log('fresh body, old argument:', verified(Date.now(), 1000))
console.log('old body, fresh argument:', verified(1000, Date.now()))
JS
seen=$(node try.cjs); echo "$seen"
[ "$seen" = $'fresh body, old argument: true\nold body, fresh argument: Invalid webhook timestamp' ]
