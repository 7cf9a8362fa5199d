import { verify } from 'permea:webhooks'

export default async function handle(request) {
  const { payload } = await verify.workos({ request, secret: request.state.secret })
  return { events: [payload] }
}
