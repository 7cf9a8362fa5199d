import { buildHouse } from '@permea/testkit'
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
