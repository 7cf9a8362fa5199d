// A server sends PUT …/_matrix/app/v1/transactions/ID, again and again until the answer is 200 with an object.
import { timingSafeEqual } from 'node:crypto'

const same = (mine, theirs) => mine.length === theirs.length && timingSafeEqual(Buffer.from(mine), Buffer.from(theirs))

export default ({ data, method, path, headers, parameters }) => {
  if (!same(`Bearer ${parameters.token}`, headers.authorization ?? ''))
    throw Object.assign(new Error('the token is wrong'), { key: 'webhook_not_verified' })
  // It also asks whether there are users and rooms of ours, of which there are none.
  if (/\/(?:users|rooms)\//.test(path)) return { response: { status: 404, data: { errcode: 'M_NOT_FOUND' } } }
  if (method !== 'PUT') return { response: { data: {} } }
  const { types } = parameters
  return {
    events: data.events
      .filter(({ type }) => !types?.length || types.includes(type))
      .map((event) => ({
        type: event.type,
        id: event.event_id,
        at: new Date(event.origin_server_ts).toISOString(),
        room: event.room_id,
        sender: event.sender,
        ...(event.state_key === undefined ? {} : { stateKey: event.state_key }),
        record: event.content,
      })),
    response: { data: {} },
  }
}
