import { timingSafeEqual } from 'node:crypto'

const same = (mine, theirs) => mine.length === theirs.length && timingSafeEqual(Buffer.from(mine), Buffer.from(theirs))
const TYPES = {
  'entry.create': 'created',
  'entry.update': 'updated',
  'entry.delete': 'deleted',
  'entry.publish': 'published',
  'entry.unpublish': 'unpublished',
}

// An entry is known by its documentId: the draft and each published version have another `id`.
export default ({ data, headers, state, parameters }) => {
  if (!same(`Bearer ${state.secret}`, headers.authorization ?? ''))
    throw Object.assign(new Error('the secret is wrong'), { key: 'webhook_not_verified' })
  const { event, createdAt, uid, entry } = data
  if (event === 'trigger-test' || (parameters.uid && uid !== parameters.uid)) return { events: [] }
  return { events: [{ type: TYPES[event] ?? event, at: createdAt, uid, documentId: entry?.documentId, record: entry }] }
}
