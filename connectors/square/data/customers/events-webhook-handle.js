import { verify } from 'permea:webhooks'

export default async function handle(request) {
  const { payload } = await verify.square({ request, secret: request.state.secret, url: request.webhookUri })
  const { type, data } = payload
  const kind = type.split('.').at(-1)
  return { events: [{ type: kind, record: data.object?.customer ?? { id: data.id } }] }
}
