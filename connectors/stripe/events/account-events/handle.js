import { verify } from 'permea:webhooks'

export default function handle(request) {
  verify.stripe({ request, secret: request.state.secret })
  return { events: [request.data] }
}
