import { verify } from 'permea:webhooks'

export default (request) => {
  const { id, payload } = verify.mlflow({ request, secret: request.state.secret })
  const { entity, action, timestamp, data } = payload
  return { events: [{ type: `${entity}.${action}`, id, at: timestamp, record: data }] }
}
