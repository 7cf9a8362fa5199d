// A webhook of Directus is a flow: a trigger, and one operation of type `request`. The flow is made first, without effect,
// then the operation that belongs to it, then both are joined and the flow is switched on.
import { createHash, randomBytes } from 'node:crypto'

const idOf = (text) => {
  const hex = createHash('sha256').update(text).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

export default async ({ apiClient, webhookUri, parameters }) => {
  const secret = randomBytes(24).toString('base64url')
  const flow = idOf(`${webhookUri} flow`)
  const operation = idOf(`${webhookUri} operation`)
  const { data: known } = await apiClient.get(
    '/flows',
    { 'filter[id][_eq]': flow, fields: 'id' },
    { returnFullResponse: true },
  )
  if (known.data.length > 0) await apiClient.delete(`/flows/${flow}`)
  await apiClient.post('/flows', {
    id: flow,
    name: `Events of ${parameters.collection}`,
    status: 'inactive',
    trigger: 'event',
    accountability: 'all',
    options: {
      type: 'action',
      scope: parameters.events ?? ['items.create', 'items.update', 'items.delete'],
      collections: [parameters.collection],
    },
  })
  await apiClient.post('/operations', {
    id: operation,
    flow,
    key: 'send',
    name: 'Send',
    type: 'request',
    position_x: 20,
    position_y: 1,
    options: {
      method: 'POST',
      url: webhookUri,
      headers: [{ header: 'Authorization', value: `Bearer ${secret}` }],
      body: '{{$trigger}}',
    },
  })
  await apiClient.patch(`/flows/${flow}`, { operation, status: 'active' })
  return { state: { flow, secret } }
}
