import { handshakes, verify } from 'permea:webhooks'

export default async function handle(request) {
  const { state } = request
  // Whoever knows the URL could send another token: the first one counts.
  const shaken = state.secret ? null : await handshakes.notion({ request })
  if (shaken) return shaken
  const { payload } = verify.notion({ request, secret: state.secret })
  return { events: [payload] }
}
