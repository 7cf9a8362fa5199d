import { handshakes, verify } from 'permea:webhooks'

export default async function handle(request) {
  const shaken = await handshakes.asana({ request })
  if (shaken) return shaken
  const { payload } = await verify.asana({ request, secret: request.state.secret })
  const { type } = request.recordEvent
  // A task is added to sections, tags and the like too, and taken out of them.
  const isOfProject = ({ action, parent }) =>
    !['added', 'removed'].includes(action) || parent?.resource_type === 'project'
  const tasks = (payload.events ?? []).filter(({ resource }) => resource.resource_type === 'task').filter(isOfProject)
  // What changed at the same moment is told field by field.
  const ids = new Set(tasks.map(({ resource }) => resource.gid))
  return { events: [...ids].map((id) => ({ type, record: { id } })) }
}
