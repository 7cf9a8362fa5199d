import { verify } from 'permea:webhooks'

export default async function handle(request) {
  const { payload } = await verify.coinbaseCommerce({ request, secret: request.state.secret })
  return { events: [payload.event] }
}
