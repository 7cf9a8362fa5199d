import { createHmac, timingSafeEqual } from 'node:crypto'

const MAX_AGE_SECONDS = 300

export default function handle({ headers, rawBody, data, parameters }) {
  if (!parameters.signingSecret) throw new Error('the integration has no parameter signingSecret')
  verify(headers, rawBody, parameters.signingSecret)
  if (data.type === 'url_verification') return { response: { status: 200, data: { challenge: data.challenge } } }
  if (data.type !== 'event_callback') return { events: [] }
  const payload = { eventId: data.event_id, eventTime: data.event_time, teamId: data.team_id, event: data.event }
  // In shared channels an event is for several workspaces.
  const teams = new Set([data.team_id, ...(data.authorizations ?? []).map((each) => each.team_id)])
  const events = [...teams]
    .filter((team) => typeof team === 'string')
    .flatMap((team) => [
      { selector: team, payload },
      { selector: `${team}/${data.event.type}`, payload },
    ])
  return { events, response: { status: 200 } }
}

// https://api.slack.com/authentication/verifying-requests-from-slack
function verify(headers, rawBody, secret) {
  const sentAt = Number(headers['x-slack-request-timestamp'])
  if (!(Math.abs(Date.now() / 1000 - sentAt) <= MAX_AGE_SECONDS))
    throw new Error('the request was signed too long ago, or not by Slack')
  const base = `v0:${headers['x-slack-request-timestamp']}:${rawBody}`
  const expected = Buffer.from(`v0=${createHmac('sha256', secret).update(base).digest('hex')}`)
  const given = Buffer.from(headers['x-slack-signature'] ?? '')
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw new Error('the signature of this request is not Slack’s')
}
