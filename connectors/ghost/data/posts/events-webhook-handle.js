import { verify } from 'permea:webhooks'

export default async function handle(request) {
  const { payload } = await verify.ghost({ request, secret: request.state.secret })
  const { type } = request.recordEvent
  const { current, previous } = payload.post
  // Of what is gone there is only what it was.
  return { events: [{ type, record: type === 'deleted' ? { id: previous.id ?? current.id } : current }] }
}
