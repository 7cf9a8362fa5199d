import { addApp, answering, buildHouse, connectApp, startReceiver } from '@permea/testkit'
import { expect, test } from 'vitest'

const failure = (call: Promise<unknown>) =>
  call.then(
    () => expect.fail('it was not refused'),
    (error: unknown) => error,
  )

test('what is not complete yet is saved with what is missing, and refused when it is enabled or run, naming the node', async () => {
  await using app = await startReceiver()
  await using house = await buildHouse({ appBaseUri: app.url })
  const { flows } = house.admin
  const nodes = {
    start: { type: 'api-trigger', links: [{ key: 'tell' }, { key: 'gone' }] },
    tell: { type: 'api-request-to-your-app', links: [] },
    apart: { type: 'create-data-record', config: { dataSource: {}, fieldMapping: {} } },
  }
  const flow = await flows.create({ body: { key: 'receive-created-Job Candidates-events', name: 'Receive', nodes } })
  expect(flow).toMatchObject({ state: 'READY', key: 'receive-created-Job Candidates-events' })
  expect(flow.errors).toBeUndefined()
  expect(flow.incomplete?.map((each) => each.data)).toMatchObject([
    { nodeKey: 'start', path: 'links[1]' },
    { nodeKey: 'tell', path: 'config.request' },
    { nodeKey: 'apart', path: 'config.dataSource' },
    { nodeKey: 'apart', path: 'links' },
  ])
  expect(await flows.get({ params: { selector: flow.key ?? '' } })).toEqual(flow)

  const client = await house.as('acme')
  // A node for records needs a connection, whatever it lacks besides.
  const alone = { start: { type: 'api-trigger', links: [{ key: 'tell' }] }, tell: { type: 'api-request-to-your-app' } }
  const instance = await client.flowInstances.create({ body: { key: 'mine', nodes: alone } })
  expect(instance).toMatchObject({ enabled: false, state: 'CONFIGURATION_ERROR' })
  const params = { id: instance.id }
  const message = expect.stringMatching(/node "tell", config.request/)
  for (const call of [
    () => client.flowInstances.patch({ params, body: { enabled: true } }),
    () => client.flowInstances.create({ body: { key: 'other', nodes: alone, enabled: true } }),
    () => client.flowRuns.create({ body: { flowInstanceId: instance.id } }),
  ])
    expect(await failure(call())).toMatchObject({ key: 'invalid_flow', message })
  const whole = { ...alone, tell: { ...alone.tell, config: { request: { uri: '/told', method: 'POST' } } } }
  app.behave(answering(200))
  expect(await client.flowInstances.patch({ params, body: { nodes: whole, enabled: true } })).toMatchObject({
    enabled: true,
    state: 'READY',
  })
  await client.flowRuns.create({ body: { flowInstanceId: instance.id } })
  await house.settle()
  expect(app.received.map((each) => each.path)).toEqual(['/told'])
})

test('an action that is not complete is saved, and fails when it is run, naming what is missing', async () => {
  await using app = await startReceiver()
  await using house = await buildHouse()
  await addApp(house, { url: app.url })
  const { client, connection } = await connectApp(house, { customer: 'acme' })
  for (const config of [undefined, {}, { dataSource: {}, fieldMapping: {} }]) {
    const key = `create ${JSON.stringify(config)?.length ?? 0}`
    const action = await house.admin.actions.create({ body: { key, type: 'create-data-record', config } })
    expect(action).toMatchObject({ state: 'READY', incomplete: [{ key: 'invalid_action' }] })
    const run = client.actions.run({ params: { selector: key }, query: { connectionId: connection.id }, body: {} })
    expect(await failure(run)).toMatchObject({ message: expect.stringMatching(/^config.dataSource/) })
  }
})
