import { verify } from 'permea:webhooks'

export default async function handle(request) {
  const { payload } = await verify.square({ request, secret: request.state.secret, url: request.webhookUri })
  return { events: [payload] }
}
