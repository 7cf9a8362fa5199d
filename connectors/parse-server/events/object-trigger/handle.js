import { timingSafeEqual } from 'node:crypto'

export default function handle({ headers, data, state }) {
  const given = Buffer.from(headers['x-parse-webhook-key'] ?? '')
  const expected = Buffer.from(state.webhookKey)
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw Object.assign(new Error('this request does not bring the webhook key of the Parse Server'), {
      key: 'webhook_not_verified',
    })
  const { triggerName, object, original = null } = data
  const type = triggerName === 'afterDelete' ? 'deleted' : original === null ? 'created' : 'updated'
  return {
    events: [{ type, record: object, original }],
    // Parse Server takes anything without `success` as a failure of the trigger.
    response: { status: 200, headers: { 'content-type': 'application/json' }, data: { success: true } },
  }
}
