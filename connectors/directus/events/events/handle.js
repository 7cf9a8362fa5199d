import { timingSafeEqual } from 'node:crypto'

const same = (mine, theirs) => mine.length === theirs.length && timingSafeEqual(Buffer.from(mine), Buffer.from(theirs))
const TYPES = { create: 'created', update: 'updated', delete: 'deleted' }

export default ({ data, headers, state }) => {
  if (!same(`Bearer ${state.secret}`, headers.authorization ?? ''))
    throw Object.assign(new Error('the secret is wrong'), { key: 'webhook_not_verified' })
  const { event, collection, payload } = data
  const type = TYPES[event.split('.').at(-1)] ?? event
  // An update names its items in `keys`, a deletion has them for its payload, a creation has one `key`.
  const keys = data.keys ?? (type === 'deleted' ? payload : [data.key])
  return { events: keys.map((key) => ({ type, collection, key, record: type === 'deleted' ? null : payload })) }
}
