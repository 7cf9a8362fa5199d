#!/usr/bin/env bash
# simple-oauth2 5.1.0 (npm): an answer with status 200 that holds an error and no token, as Slack and others write it, counts as a
# token. getToken() resolves, expired() says false, and the first that notices is the first request to the app.
# Seen: "resolved, expired false, access_token undefined".
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent simple-oauth2@5.1.0 >/dev/null
cat > try.mjs <<'JS'
import http from 'node:http'
import { AuthorizationCode } from 'simple-oauth2'
const server = http.createServer((_request, response) =>
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":false,"error":"invalid_code"}'))
await new Promise((done) => server.listen(0, '127.0.0.1', done))
const client = new AuthorizationCode({ client: { id: 'i', secret: 's' }, auth: { tokenHost: `http://127.0.0.1:${server.address().port}` } })
const token = await client.getToken({ code: 'c', redirect_uri: 'http://127.0.0.1/' })
console.log(`resolved, expired ${token.expired()}, access_token ${token.token.access_token}`)
server.close()
JS
seen=$(node try.mjs); echo "$seen"
[ "$seen" = 'resolved, expired false, access_token undefined' ]
