#!/usr/bin/env bash
# jose 6.2.18, jwks-rsa 4.1.0, get-jwks 11.0.3 (npm), PyJWT 2.15.1, joserfc 1.8.0 (PyPI): "kid" is optional in keys and tokens
# (RFC 7517, 7515). With a set of one key, jose, jwks-rsa and joserfc take that key for a token without an id. get-jwks does so
# only where the key has none either. PyJWKClient says of keys without ids that there are no signing keys, and refuses the token
# in both cases. A workspace that publishes such a set is verified by some of its partners and not by others.
# Seen: no id anywhere: ok ok ok refused ok; id in the set only: ok ok refused refused ok.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent jose@6.2.18 jwks-rsa@4.1.0 get-jwks@11.0.3 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet 'pyjwt[crypto]==2.15.1' joserfc==1.8.0 >/dev/null
cat > try.py <<'PY'
import json, sys, urllib.request, jwt
from joserfc import jwt as jose
from joserfc.jwk import KeySet
url, token = sys.argv[1:]
def pyjwt():
    key = jwt.PyJWKClient(url).get_signing_key_from_jwt(token).key
    jwt.decode(token, key, algorithms=["ES256"])
def joserfc():
    jose.decode(token, KeySet.import_key_set(json.load(urllib.request.urlopen(url))), algorithms=["ES256"])
def told(verify):
    try: verify(); return "ok"
    except Exception: return "refused"
print(told(pyjwt), told(joserfc))
PY
cat > try.mjs <<'JS'
import { execFile } from 'node:child_process'
import http from 'node:http'
import { promisify } from 'node:util'
import buildGetJwks from 'get-jwks'
import * as jose from 'jose'
import jwks from 'jwks-rsa'
let document
const server = http.createServer((_request, response) =>
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document)))
await new Promise((done) => server.listen(0, '127.0.0.1', done))
const domain = `http://127.0.0.1:${server.address().port}`
const { publicKey, privateKey } = await jose.generateKeyPair('ES256', { extractable: true })
const key = await jose.exportJWK(publicKey)
const token = await new jose.SignJWT({ sub: 'u' }).setProtectedHeader({ alg: 'ES256' }).setExpirationTime('1h').sign(privateKey)
const told = (promise) => promise.then(() => 'ok', () => 'refused')
for (const keys of [[key], [{ ...key, kid: 'k1' }]]) {
  document = { keys }
  const here = [
    await told(jose.jwtVerify(token, jose.createRemoteJWKSet(new URL(`${domain}/jwks`)))),
    await told(jwks({ jwksUri: `${domain}/jwks` }).getSigningKey(undefined)),
    await told(buildGetJwks({ jwksPath: '/jwks' }).getPublicKey({ domain, alg: 'ES256', kid: undefined })),
  ]
  const { stdout } = await promisify(execFile)('python/bin/python', ['try.py', `${domain}/jwks`, token])
  console.log([...here, stdout.trim()].join(' '))
}
server.close()
JS
seen=$(node try.mjs); echo "$seen"
[ "$seen" = $'ok ok ok refused ok\nok ok refused refused ok' ]
