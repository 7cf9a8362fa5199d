import { verify } from 'permea:webhooks'

export default function handle(request) {
  const { data, parameters } = request
  if (!parameters.signingSecret) throw new Error('the integration has no parameter signingSecret')
  verify.slack({ request, secret: parameters.signingSecret })
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
