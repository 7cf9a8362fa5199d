import { addApp, buildHouse, connectApp, startReceiver, until } from '@permea/testkit'
import { expect, test } from 'vitest'

test('functions in a process that serves no API reach it all the same', async () => {
  await using front = await buildHouse({ engine: { roles: new Set(['api', 'scheduler']) } })
  const client = await front.as('acme')
  const code = 'export default async ({ membrane }) => (await membrane.get("/self")).internalId'
  const instance = await client.flowInstances.create({
    body: {
      nodes: { t: { type: 'api-trigger', links: [{ key: 'js' }] }, js: { type: 'run-javascript', config: { code } } },
    },
  })
  await using back = await buildHouse({
    database: { url: front.databaseUrl, workspace: front.workspace },
    engine: { roles: new Set(['worker']) },
  })
  const answer = await fetch(`${back.url}/self`, {
    headers: { authorization: `Bearer ${await front.tokenOf({ id: 'acme' })}` },
  })
  expect(answer.status).toBe(404)
  const run = await client.flowRuns.create({ body: { flowInstanceId: instance.id } })
  await back.settle()
  await expect
    .poll(async () => (await client.flowRuns.get({ params: { id: run.id } })).state, { timeout: 30_000 })
    .toBe('completed')
  expect(await client.flowRuns.output({ params: { id: run.id } })).toMatchObject({ items: [{ data: '"acme"' }] })
})

test('of an answer no more is read than a function may have, and what it comes from is let go', async () => {
  await using app = await startReceiver()
  const piece = Buffer.alloc(1024 * 1024)
  let sent = 0
  const gone = Promise.withResolvers<void>()
  app.behave((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream' })
    const more = () => {
      while (!response.destroyed && response.write(piece)) sent += piece.length
    }
    response.on('drain', more)
    response.on('close', () => gone.resolve())
    more()
  })
  await using house = await buildHouse()
  await addApp(house, { url: app.url })
  const { client, connection } = await connectApp(house, { customer: 'acme' })
  const code = `export default ({ membrane }) => membrane.get('/connections/${connection.id}/proxy/endless').catch((error) => error.key)`
  expect(await client.actions.act({ body: { code } })).toMatchObject({ output: 'limit_exceeded' })
  await gone.promise
  expect(sent).toBeLessThan(64 * piece.length)
})

test('what functions receive from this API and from your app counts as held by functions while it is read', async () => {
  await using app = await startReceiver()
  const bytes = 3_000_000
  await using house = await buildHouse({ appBaseUri: app.url })
  await addApp(house, { url: app.url })
  const { client, connection } = await connectApp(house, { customer: 'acme' })
  const held = async () => {
    const metrics = await (await fetch(`${house.url}/metrics`)).text()
    return Number(/^permea_function_request_bytes (\d+)$/m.exec(metrics)?.[1])
  }
  const ways = [`membrane.get('/connections/${connection.id}/proxy/held')`, `internalApiClient.get('/held')`]
  for (const way of ways) {
    const ended = Promise.withResolvers<() => void>()
    app.behave((_request, response) => {
      response.writeHead(200, { 'content-length': bytes, 'content-type': 'text/plain' })
      response.write(Buffer.alloc(bytes - 1, 'x'), () => ended.resolve(() => response.end('x')))
    })
    const code = `export default async ({ membrane, internalApiClient }) => (await ${way}).length`
    const ran = client.actions.act({ body: { code } })
    const end = await ended.promise
    await until(`${way} has received it`, 10_000, async () => (await held()) >= bytes - 1)
    end()
    expect(await ran).toMatchObject({ output: bytes })
    expect(await held()).toBe(0)
  }
})
