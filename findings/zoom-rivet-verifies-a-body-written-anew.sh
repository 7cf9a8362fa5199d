#!/usr/bin/env bash
# @zoom/rivet 0.4.0 (npm): receivers check the signature over JSON.stringify(JSON.parse(body)), not over what was sent.
# A genuine event is refused as soon as its JSON is written otherwise than JavaScript does (1.0, a space, an escaped slash).
# Seen: "as JavaScript writes it: 200", "1.0: 400", "an escaped slash: 400".
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent @zoom/rivet@0.4.0 >/dev/null
cat > try.mjs <<'JS'
import { createHmac } from 'node:crypto'
import { AwsLambdaReceiver } from '@zoom/rivet/users'
console.debug = () => {}
const receiver = new AwsLambdaReceiver({ webhooksSecretToken: 'made-up' })
receiver.init({ eventEmitter: { emit: async () => {} } })
const handle = receiver.start()
const told = async (body) => {
  const time = String(Math.floor(Date.now() / 1000))
  const signature = `v0=${createHmac('sha256', 'made-up').update(`v0:${time}:${body}`).digest('hex')}`
  const headers = { 'x-zm-signature': signature, 'x-zm-request-timestamp': time }
  return (await handle({ headers, body, isBase64Encoded: false }, {})).statusCode
}
console.log('as JavaScript writes it:', await told('{"event":"user.updated","payload":{"object":{"score":1.5}}}'))
console.log('1.0:', await told('{"event":"user.updated","payload":{"object":{"score":1.0}}}'))
console.log('an escaped slash:', await told('{"event":"user.updated","payload":{"object":{"url":"https:\\/\\/a"}}}'))
JS
seen=$(node try.mjs); echo "$seen"
[ "$seen" = $'as JavaScript writes it: 200\n1.0: 400\nan escaped slash: 400' ]
