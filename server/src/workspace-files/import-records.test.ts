import { buildHouse, until } from '@permea/testkit'
import { expect, test } from 'vitest'
import { packArchive } from './archive.ts'

const MARKER = 'marker-of-a-secret-in-a-file'

const flow = (name: string) => `
key: note
name: ${name}
nodes:
  trigger: { type: app-event-trigger, config: { appEvent: { key: order } }, links: [{ key: post }] }
  post:
    type: api-request-to-your-app
    config: { request: { uri: /orders, headers: { authorization: "Bearer ${MARKER}" } } }
`
const files = (name: string) =>
  new Map([
    ['membrane/app-event-types/order/spec.yaml', 'key: order\nname: Order\n'],
    ['membrane/flows/note/spec.yaml', flow(name)],
  ])

test('an import is in the audit log, and each element it changed, as what whoever asked for it did', async () => {
  await using house = await buildHouse()
  const { key: token } = await house.admin.apiKeys.create({ body: { name: 'CI', scope: 'developer' } })
  const [making] = (await house.admin.auditLog.list({ query: { action: 'apiKeys.create' } })).items
  expect(making?.after).toMatchObject({ name: 'CI', scope: 'developer', key: 'permea_***' })
  const imported = async (content: Map<string, string>, query = '') => {
    const response = await fetch(`${house.url}/import?partial=true${query}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/zip', 'user-agent': 'a pipeline' },
      body: new Uint8Array(packArchive(content)),
    })
    const { jobId } = (await response.json()) as { jobId: string }
    return until('the import is done', 30_000, async () => {
      const job = await house.admin.workspaceFiles.backgroundJob({ params: { job: `${jobId}:${jobId}` } })
      return job.finishedAt === undefined ? undefined : job
    })
  }
  const records = async () => (await house.admin.auditLog.list({ query: { actorKind: 'api-key' } })).items
  await imported(files('First'), '&dryRun=true')
  expect(await records()).toEqual([])

  const first = await imported(files('First'))
  expect(first.error).toBeUndefined()
  const asCi = { actor: { kind: 'api-key', name: 'CI', role: 'developer' }, userAgent: 'a pipeline', outcome: 'done' }
  expect(await records()).toMatchObject([
    { ...asCi, action: 'flows.create', after: { key: 'note', name: 'First' } },
    { ...asCi, action: 'appEventTypes.create', after: { key: 'order' }, address: '127.0.0.1' },
    { ...asCi, action: 'workspaceFiles.import', after: { jobId: first.id, partial: true, dryRun: false } },
  ])
  await imported(files('Second'))
  expect((await records())[0]).toMatchObject({
    ...{ ...asCi, action: 'flows.patch', before: { name: 'First' }, after: { name: 'Second' } },
    changed: expect.arrayContaining(['name']),
  })

  const count = (await records()).length
  const refused = await imported(new Map([['membrane/flows/note/spec.yaml', 'key: note\nname: 7\nnodes: {}\n']]))
  expect(JSON.stringify(refused)).toContain('name')
  // That it was asked for is there; what was refused is not.
  expect((await records()).slice(0, -count)).toMatchObject([{ action: 'workspaceFiles.import' }])

  const { rows } = await house.engine.database.pool.query<{ text: string }>(
    'select concat(r::text, d::text) as text from audit_records r join audit_details d using (workspace_id, sequence) union all select i::text from audit_intents i',
  )
  expect(rows.some(({ text }) => text.includes('flows.patch'))).toBe(true)
  expect(rows.filter(({ text }) => text.includes(MARKER) || text.includes(token))).toEqual([])
  expect((await house.admin.auditLog.verify()).isIntact).toBe(true)
})
