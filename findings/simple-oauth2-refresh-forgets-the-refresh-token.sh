#!/usr/bin/env bash
# simple-oauth2 5.1.0 (npm): refresh() gives a token without the refresh token where the answer has none, as RFC 6749 (section 6)
# allows: the old one goes on counting. Whoever stores what refresh() gave can renew once and never again.
# @badgateway/oauth2-client 3.3.1 keeps it in the same case.
# Seen: "simple-oauth2 undefined", "@badgateway/oauth2-client r1".
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent simple-oauth2@5.1.0 @badgateway/oauth2-client@3.3.1 >/dev/null
cat > try.mjs <<'JS'
import http from 'node:http'
import { OAuth2Client } from '@badgateway/oauth2-client'
import { AuthorizationCode } from 'simple-oauth2'
const server = http.createServer((_request, response) =>
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"access_token":"a2","token_type":"bearer","expires_in":3600}'))
await new Promise((done) => server.listen(0, '127.0.0.1', done))
const url = `http://127.0.0.1:${server.address().port}`
const one = new AuthorizationCode({ client: { id: 'i', secret: 's' }, auth: { tokenHost: url } })
const two = new OAuth2Client({ server: url, clientId: 'i', clientSecret: 's', tokenEndpoint: '/token' })
const renewed = await one.createToken({ access_token: 'a1', refresh_token: 'r1', expires_in: 1 }).refresh()
console.log('simple-oauth2', renewed.token.refresh_token)
const other = await two.refreshToken({ accessToken: 'a1', refreshToken: 'r1', expiresAt: 1 })
console.log('@badgateway/oauth2-client', other.refreshToken)
server.close()
JS
seen=$(node try.mjs); echo "$seen"
[ "$seen" = $'simple-oauth2 undefined\n@badgateway/oauth2-client r1' ]
