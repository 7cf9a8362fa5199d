#!/usr/bin/env bash
# @easypost/api 8.9.0 (npm): validateWebhook() writes ".0" behind whole numbers named "weight" before it verifies, since
# EasyPost sends them so. A body that was signed as it came, with a whole weight, is refused.
# Seen: "weight 614.0: taken", "weight 614: refused".
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent @easypost/api@8.9.0 >/dev/null
cat > try.cjs <<'JS'
const { createHmac } = require('node:crypto')
const EasyPost = require('@easypost/api')
const { Utils } = new (EasyPost.default ?? EasyPost)('key')
for (const weight of ['614.0', '614']) {
  const body = Buffer.from(`{"result":{"weight":${weight}}}`)
  const signature = `hmac-sha256-hex=${createHmac('sha256', 'secret').update(body).digest('hex')}`
  try {
    Utils.validateWebhook(body, { 'X-Hmac-Signature': signature }, 'secret')
    console.log(`weight ${weight}: taken`)
  } catch {
    console.log(`weight ${weight}: refused`)
  }
}
JS
seen=$(node try.cjs); echo "$seen"
[ "$seen" = $'weight 614.0: taken\nweight 614: refused' ]
