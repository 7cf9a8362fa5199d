#!/usr/bin/env bash
# twilio 6.3.1 (npm): of a form with a name several times, each value counts once and in sorted order for the signature.
# To=+2&To=+1&To=+2 has the signature of To=+1&To=+2. An implementation that goes through the pairs as they came, as the
# description "append each name and value" suggests, refuses such a request.
# Seen: "deduplicated and sorted: true", "as they came: false".
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent twilio@6.3.1 >/dev/null
cat > try.cjs <<'JS'
const { createHmac } = require('node:crypto')
const { getExpectedTwilioSignature } = require('twilio')
const url = 'https://hooks.example.com/x'
const theirs = getExpectedTwilioSignature('token', url, { To: ['+2', '+1', '+2'] })
const mac = (text) => createHmac('sha1', 'token').update(url + text).digest('base64')
console.log('deduplicated and sorted:', theirs === mac('To+1To+2'))
console.log('as they came:', theirs === mac('To+2To+1To+2'))
JS
seen=$(node try.cjs); echo "$seen"
[ "$seen" = $'deduplicated and sorted: true\nas they came: false' ]
