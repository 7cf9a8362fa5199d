#!/usr/bin/env bash
# PyJWT 2.15.1, joserfc 1.8.0 (PyPI) against jose 6.2.18, jsonwebtoken 9.0.3, fast-jwt 6.3.6 (npm): a token whose "iat" lies one minute
# ahead, as of an issuer whose clock is fast, is refused by the two of Python and taken by the three of Node. RFC 7519 (4.1.6) has
# "iat" to tell the age, and asks for a refusal by "exp" and "nbf" only. A sender that works with one receiver fails with another.
# Guess before: all take it.
# Seen: refused refused, taken taken taken.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent jose@6.2.18 jsonwebtoken@9.0.3 fast-jwt@6.3.6 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet PyJWT==2.15.1 joserfc==1.8.0 >/dev/null
cat > try.mjs <<'JS'
import { createHmac } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createVerifier } from 'fast-jwt'
import { jwtVerify } from 'jose'
import jsonwebtoken from 'jsonwebtoken'
const key = Buffer.from('a-made-up-secret-of-32-bytes-ok!')
const now = Math.floor(Date.now() / 1000)
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
const signed = `${part({ alg: 'HS256' })}.${part({ iat: now + 60, exp: now + 600 })}`
const token = `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
writeFileSync('token', token)
for (const verify of [() => jwtVerify(token, key), () => jsonwebtoken.verify(token, key), () => createVerifier({ key })(token)])
  console.log('node', await Promise.resolve().then(verify).then(() => 'taken', () => 'refused'))
JS
cat > try.py <<'PY'
import jwt
from joserfc import jwt as other
from joserfc.jwk import OctKey
key, token = b"a-made-up-secret-of-32-bytes-ok!", open("token").read()
def told(work):
    try: work()
    except Exception as error: return f"refused {type(error).__name__}"
    return "taken"
print("PyJWT", told(lambda: jwt.decode(token, key, algorithms=["HS256"])))
print("joserfc", told(lambda: other.JWTClaimsRegistry().validate(other.decode(token, OctKey.import_key(key), algorithms=["HS256"]).claims)))
PY
seen=$(node try.mjs; python/bin/python try.py); echo "$seen"
[ "$seen" = $'node taken\nnode taken\nnode taken\nPyJWT refused ImmatureSignatureError\njoserfc refused InvalidClaimError' ]
