import { handshakes, verify } from 'permea:webhooks'

export default async function handle(request) {
  const shaken = await handshakes.head({ request })
  if (shaken) return shaken
  const { payload } = await verify.intercom({ request, secret: request.state.secret })
  return { events: [payload] }
}
