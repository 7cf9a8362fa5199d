import { verify } from 'permea:webhooks'

export default async function handle(request) {
  const { payload } = await verify.shopify({ request, secret: request.state.secret })
  return { events: [{ type: request.recordEvent.type, record: payload }] }
}
