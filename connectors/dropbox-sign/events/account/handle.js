import { handshakes, verify } from 'permea:webhooks'

// The sender looks for this text in every answer.
const TAKEN = { status: 200, headers: { 'content-type': 'text/plain' }, data: 'Hello API Event Received' }

export default async function handle(request) {
  // The test comes while the registration is under way, before there is a state.
  if (request.state.secret === undefined) return { response: TAKEN }
  const shaken = await handshakes.dropboxSign({ request, secret: request.state.secret })
  if (shaken) return shaken
  const { payload } = verify.dropboxSign({ request, secret: request.state.secret })
  return { events: [payload], response: TAKEN }
}
