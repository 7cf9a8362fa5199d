import { verify } from 'permea:webhooks'

export default async function handle(request) {
  const { payload } = await verify.stripe({ request, secret: request.state.secret })
  return { events: [{ type: payload.type.split('.').at(-1), record: payload.data.object }] }
}
