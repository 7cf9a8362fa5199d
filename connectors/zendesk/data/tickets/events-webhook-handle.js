import { verify } from 'permea:webhooks'

// What a webhook says of a record is written otherwise than the API writes it; the id is the same.
export default async function handle(request) {
  const { payload } = await verify.zendesk({ request, secret: request.state.secret })
  return { events: [{ type: request.recordEvent.type, record: { id: String(payload.detail.id) } }] }
}
