import { timingSafeEqual } from 'node:crypto'

const same = (mine, theirs) => mine.length === theirs.length && timingSafeEqual(Buffer.from(mine), Buffer.from(theirs))

export default ({ data, headers, state }) => {
  if (!same(`Bearer ${state.secret}`, headers.authorization ?? ''))
    throw Object.assign(new Error('the secret is wrong'), { key: 'webhook_not_verified' })
  return { events: [{ type: 'received', record: data }] }
}
