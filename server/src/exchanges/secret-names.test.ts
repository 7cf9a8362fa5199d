import { expect, test } from 'vitest'
import { isSecretName } from './secret-names.ts'

test.each([
  ...['Authorization', 'proxy-authorization', 'Cookie', 'set-cookie', 'x-auth', 'x-auth-token', 'x-session'],
  ...['x-access-key', 'X-Api-Key', 'apiKey', 'api_key', 'apikey', 'x-hub-signature-256', 'stripe-signature'],
  ...['x-parse-webhook-key', 'password', 'user_password', 'passwd', 'pwd', 'pin', 'client_secret', 'clientSecret'],
  ...['clientsecret', 'accessToken', 'access_token', 'refreshtoken', 'id_token', 'webhook[secret]', 'privateKey'],
  ...['signingKey', 'credentials', 'x-twilio-signature', 'hmac', 'X-Shopify-Hmac-SHA256', 'sessionId', 'verify_token'],
])('what stands under %s is a secret', (name) => {
  expect(isSecretName(name)).toBe(true)
})

test.each([
  ...['key', 'code', 'name', 'author', 'authorName', 'token_type', 'tokenType', 'next_page_token', 'nextPageToken'],
  ...['error', 'error_description', 'idempotency-key', 'integrationKey', 'instanceKey', 'x-github-event', 'expires_at'],
  ...['access_key_id', 'clientId', 'client_id', 'keyboard', 'monkey', 'design', 'spinner', 'passenger', 'tokenized'],
  ...['max_tokens', 'maxOutputTokens', 'total_tokens', 'max_completion_tokens'],
])('what stands under %s is none', (name) => {
  expect(isSecretName(name)).toBe(false)
})

test.each(['key', 'code', 'sig', 'access_key', 'x-rest-key'])('in an address %s is a secret too', (name) => {
  expect(isSecretName(name, 'address')).toBe(true)
})
