#!/usr/bin/env bash
# simple-oauth2 5.1.0, @badgateway/oauth2-client 3.3.1, arctic 3.7.0, oauth4webapi 3.8.8 (npm): the same client id and secret,
# four different Authorization headers. RFC 6749 (2.3.1) has both parts form-encoded: oauth4webapi and simple-oauth2 do so (they
# differ at "~"), arctic encodes neither, @badgateway/oauth2-client encodes the id only. A secret with "+", "/" or "%" that works
# with one of them is "invalid_client" with another. Ids that hold a colon are read wrongly from arctic's.
# Seen: "i%3Ad:s%2B%2F~", "i%3Ad:s+/~", "i:d:s+/~", "i%3Ad:s%2B%2F%7E".
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent simple-oauth2@5.1.0 @badgateway/oauth2-client@3.3.1 arctic@3.7.0 oauth4webapi@3.8.8 >/dev/null
cat > try.mjs <<'JS'
import http from 'node:http'
import { OAuth2Client as Badgateway } from '@badgateway/oauth2-client'
import { OAuth2Client as Arctic } from 'arctic'
import * as oauth4webapi from 'oauth4webapi'
import { AuthorizationCode } from 'simple-oauth2'
const server = http.createServer((request, response) => {
  console.log(Buffer.from(request.headers.authorization.slice(6), 'base64').toString())
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"access_token":"a","token_type":"bearer"}')
})
await new Promise((done) => server.listen(0, '127.0.0.1', done))
const url = `http://127.0.0.1:${server.address().port}`
const [id, secret] = ['i:d', 's+/~']
await new AuthorizationCode({ client: { id, secret }, auth: { tokenHost: url } }).getToken({ code: 'c', redirect_uri: url })
await new Badgateway({ server: url, clientId: id, clientSecret: secret, tokenEndpoint: '/token' }).authorizationCode.getToken({ code: 'c', redirectUri: url })
await new Arctic(id, secret, url).validateAuthorizationCode(`${url}/token`, 'c', null)
await oauth4webapi.refreshTokenGrantRequest({ issuer: url, token_endpoint: `${url}/token` }, { client_id: id },
  oauth4webapi.ClientSecretBasic(secret), 'r', { [oauth4webapi.allowInsecureRequests]: true })
server.close()
JS
seen=$(node try.mjs); echo "$seen"
[ "$seen" = $'i%3Ad:s%2B%2F~\ni%3Ad:s+/~\ni:d:s+/~\ni%3Ad:s%2B%2F%7E' ]
