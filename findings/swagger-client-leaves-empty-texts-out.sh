#!/usr/bin/env bash
# swagger-client 3.37.3 (npm, what Swagger UI calls with): a query parameter whose value is the empty text is not sent, even a required one.
# OpenAPI 3.0 (style values) has "color=" for it; openapi-fetch 0.17.0 (npm) sends that. A filter for "without a note" becomes a request
# for everything.
# Guess before: "note=" from both.
# Seen: swagger-client /orders?open=false&from=0, openapi-fetch /orders?note=&open=false&from=0.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent swagger-client@3.37.3 openapi-fetch@0.17.0 >/dev/null
cat > try.mjs <<'JS'
import openapiFetch from 'openapi-fetch'
import swaggerClient from 'swagger-client'
const parameter = (name, type) => ({ name, in: 'query', required: true, schema: { type } })
const spec = {
  openapi: '3.0.3', info: { title: 'orders', version: '1' }, servers: [{ url: 'http://localhost' }],
  paths: { '/orders': { get: { operationId: 'list', parameters: [parameter('note', 'string'), parameter('open', 'boolean'), parameter('from', 'integer')], responses: {} } } },
}
const client = openapiFetch({ baseUrl: 'http://localhost', fetch: async (request) => (console.log('openapi-fetch', request.url), new Response('{}')) })
const query = { note: '', open: false, from: 0 }
console.log('swagger-client', swaggerClient.buildRequest({ spec, operationId: 'list', parameters: query }).url)
await client.GET('/orders', { params: { query } })
JS
seen=$(node try.mjs); echo "$seen"
[ "$seen" = $'swagger-client http://localhost/orders?open=false&from=0\nopenapi-fetch http://localhost/orders?note=&open=false&from=0' ]
