import { timingSafeEqual } from 'node:crypto'

const same = (mine, theirs) => mine.length === theirs.length && timingSafeEqual(Buffer.from(mine), Buffer.from(theirs))

export default ({ data, headers, parameters }) => {
  if (parameters.token && !same(`Bearer ${parameters.token}`, headers.authorization ?? ''))
    throw Object.assign(new Error('the token is wrong'), { key: 'webhook_not_verified' })
  const wanted = (data?.events ?? []).filter(
    ({ action, target }) => !parameters.tagsOnly || (action !== 'pull' && target?.tag !== undefined),
  )
  return {
    events: wanted.map(({ id, timestamp, action, target }) => ({
      type: action,
      id,
      at: timestamp,
      record: { repository: target.repository, tag: target.tag, digest: target.digest, mediaType: target.mediaType },
    })),
  }
}
