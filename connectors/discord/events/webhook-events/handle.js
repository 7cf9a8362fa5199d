import { handshakes, verify } from 'permea:webhooks'

export default async function handle(request) {
  const shaken = await handshakes.discord({ request, publicKey: request.state.publicKey })
  if (shaken) return shaken
  const { payload } = await verify.discord({ request, publicKey: request.state.publicKey })
  return { events: [payload] }
}
