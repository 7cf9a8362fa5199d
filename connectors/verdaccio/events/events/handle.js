// The body is whatever `content` in config.yaml says; this expects type, name, published, latest and by, as in docs/use/connectors.md.
import { timingSafeEqual } from 'node:crypto'

const same = (mine, theirs) => mine.length === theirs.length && timingSafeEqual(Buffer.from(mine), Buffer.from(theirs))

export default ({ data, headers, parameters }) => {
  if (parameters.token && !same(`Bearer ${parameters.token}`, headers.authorization ?? ''))
    throw Object.assign(new Error('the token is wrong'), { key: 'webhook_not_verified' })
  if (typeof data?.name !== 'string') throw new Error('the body does not follow the template')
  return {
    events: [
      {
        type: data.type,
        record: { name: data.name, published: data.published, latest: data.latest || null },
        by: data.by,
      },
    ],
  }
}
