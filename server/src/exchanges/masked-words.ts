/** What stands in the place of a secret. */
export const MASKED = '***'

/** Who knows the address of a webhook may send: as it stands in texts, in JSON, and in URLs. */
const WEBHOOK_ADDRESS =
  /(webhooks(?:\\?\/|%2F)[a-z-]{1,60}(?:\\?\/|%2F))[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi

/** A text without the secret part of addresses of webhooks. */
export function withoutAddresses(text: string): string {
  return text.includes('webhooks') ? text.replaceAll(WEBHOOK_ADDRESS, `$1${MASKED}`) : text
}
