import { verify } from 'permea:webhooks'

const TYPES = { create: 'created', update: 'updated', remove: 'deleted' }

export default async function handle(request) {
  const { payload } = await verify.linear({ request, secret: request.state.secret })
  const { action, type, data } = payload
  if (type !== 'Issue' || TYPES[action] === undefined) return { events: [] }
  return { events: [{ type: TYPES[action], record: data }] }
}
