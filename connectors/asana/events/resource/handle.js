import { handshakes, verify } from 'permea:webhooks'

export default async function handle(request) {
  const shaken = await handshakes.asana({ request })
  if (shaken) return shaken
  const { payload } = await verify.asana({ request, secret: request.state.secret })
  return { events: payload.events ?? [] }
}
