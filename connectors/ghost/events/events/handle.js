import { verify } from 'permea:webhooks'

export default (request) => {
  const { data, state, parameters } = request
  verify.ghost({ request, secret: state.secret })
  // `event` stands beside the thing from some Ghost 6 on, not before.
  const [kind, change] = Object.entries(data).find(([name]) => name !== 'event')
  const isGone = Object.keys(change.current ?? {}).length === 0
  return {
    events: [
      {
        type: parameters.event,
        kind,
        id: isGone ? change.previous.id : change.current.id,
        record: isGone ? null : change.current,
        previous: change.previous,
      },
    ],
  }
}
