import { addApp, buildHouse, connectApp, startReceiver } from '@permea/testkit'
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
    .poll(async () => (await client.flowRuns.get({ params: { id: run.id } })).state, { timeout: 15_000 })
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
