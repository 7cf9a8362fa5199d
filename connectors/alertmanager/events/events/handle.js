// One request holds all alerts of a group; each becomes an event. A group is sent again when any of it changes, so the
// same firing alert comes more than once: fingerprint + startsAt + status says which is which.
import { timingSafeEqual } from 'node:crypto'

const same = (mine, theirs) => mine.length === theirs.length && timingSafeEqual(Buffer.from(mine), Buffer.from(theirs))

export default ({ data, headers, parameters }) => {
  if (parameters.token && !same(`Bearer ${parameters.token}`, headers.authorization ?? ''))
    throw Object.assign(new Error('the token is wrong'), { key: 'webhook_not_verified' })
  if (data?.version !== '4') throw new Error(`version 4 of the payload was expected, not ${data?.version}`)
  return {
    events: data.alerts.map((alert) => ({
      type: alert.status,
      id: `${alert.fingerprint}:${alert.startsAt}:${alert.status}`,
      group: data.groupKey,
      record: {
        labels: alert.labels,
        annotations: alert.annotations,
        startsAt: alert.startsAt,
        endsAt: alert.status === 'resolved' ? alert.endsAt : null,
      },
    })),
  }
}
