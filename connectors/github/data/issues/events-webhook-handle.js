import { verify } from 'permea:webhooks'

export default async function handle(request) {
  const { payload } = await verify.github({ request, secret: request.state.secret })
  const { action, issue } = payload
  // The first request says only that the webhook is there.
  if (issue === undefined) return { events: [] }
  const isGone = action === 'deleted' || action === 'transferred'
  return { events: [{ type: action === 'opened' ? 'created' : isGone ? 'deleted' : 'updated', record: issue }] }
}
