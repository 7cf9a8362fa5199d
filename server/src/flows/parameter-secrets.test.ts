import { createPermea, type PermeaError } from '@permea/sdk'
import { answering, buildHouse, startReceiver } from '@permea/testkit'
import { expect, test } from 'vitest'
import { keptParameters, PARAMETERS_CHARS_MAX, shownParameters } from './parameter-secrets.ts'

const SECRET = 'sk-live-4711-of-the-vendor'

test('a secret among parameters is shown to nobody, kept where it is given as shown, and used by runs', async () => {
  await using receiver = await startReceiver()
  receiver.behave(answering(200, {}))
  await using house = await buildHouse()
  const customer = await house.as('anna')
  const nodes = {
    start: { type: 'api-trigger', links: [{ key: 'send' }] },
    send: {
      type: 'custom-http-request',
      config: {
        request: {
          uri: receiver.url,
          method: 'POST',
          headers: { 'x-api-key': { $var: '$.flowInstance.parameters.apiKey' } },
        },
      },
    },
  }
  const flow = await house.admin.flows.create({
    body: { key: 'f', nodes, parameters: { apiKey: SECRET, tone: 'kind' } },
  })
  expect(flow.parameters).toEqual({ apiKey: '***', tone: 'kind' })
  const { id, parameters } = await customer.flowInstances.create({ body: { flowKey: 'f', enabled: true } })
  expect(parameters).toEqual({ apiKey: '***', tone: 'kind' })
  const body = { parameters: { apiKey: '***', tone: 'short' } }
  expect(await customer.flowInstances.patch({ params: { id }, body })).toMatchObject({ ...body, state: 'READY' })
  await customer.flowRuns.create({ body: { flowInstanceId: id } })
  await house.settle()
  expect(receiver.received.map(({ headers }) => headers['x-api-key'])).toEqual([SECRET])
  const seen = createPermea({ baseUrl: house.url, token: await house.tokenOf({ id: 'anna' }) })
  expect(JSON.stringify(await seen.flows.list())).not.toContain(SECRET)

  // As after an import into another workspace: nothing runs before it is given.
  const asked = await house.admin.flows.create({ body: { key: 'g', nodes, parameters: { apiKey: '***' } } })
  expect(asked).toMatchObject({ state: 'CONFIGURATION_ERROR', errors: [{ data: { path: 'parameters.apiKey' } }] })
})

test('long parameters are refused', async () => {
  await using house = await buildHouse()
  const parameters = { text: 'x'.repeat(PARAMETERS_CHARS_MAX) }
  const refused = await house.admin.flows
    .create({ body: { key: 'f', parameters } })
    .catch((error: PermeaError) => error)
  expect(refused).toMatchObject({ key: 'invalid_input', data: { problems: [{ field: 'parameters' }] } })
  expect(shownParameters(keptParameters({ a: 1 }, null))).toEqual({ a: 1 })
})
