import { request } from 'node:http'
import type { BackgroundJob } from '@permea/contract'
import { createPermea } from '@permea/sdk'
import { addWorkspace, buildHouse, type House, startReceiver, until } from '@permea/testkit'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { systemClock } from '../platform/clock.ts'
import { ARCHIVE_LIMITS, packArchive, readArchive } from './archive.ts'
import type { ImportResult } from './import-files.ts'

/** One workspace of the house, as a person with an admin token has it. */
interface Hand {
  token: string
  house: House
}

async function handIn(house: House): Promise<Hand> {
  return { house, token: await house.tokenOf({ isAdmin: true }) }
}

async function otherHand(house: House): Promise<Hand> {
  const workspace = await addWorkspace(house.engine, systemClock, null)
  return { house, token: await house.engine.tokens.sign(workspace, { isAdmin: true }, 600) }
}

async function done({ house, token }: Hand, response: Response): Promise<BackgroundJob> {
  expect(response.status).toBe(200)
  const { jobId, accessKey } = (await response.json()) as { jobId: string; accessKey: string }
  const permea = createPermea({ baseUrl: house.url, token })
  return until('the job is done', 20_000, async () => {
    const job = await permea.workspaceFiles.backgroundJob({ params: { job: `${jobId}:${accessKey}` } })
    return job.finishedAt === undefined ? undefined : job
  })
}

async function exported(hand: Hand): Promise<Map<string, string>> {
  const headers = { authorization: `Bearer ${hand.token}` }
  const job = await done(hand, await fetch(`${hand.house.url}/export`, { headers }))
  expect(job.error).toBeUndefined()
  const archive = await fetch(String(job.result?.downloadUrl))
  return await readArchive(new Uint8Array(await archive.arrayBuffer()))
}

async function imported(
  hand: Hand,
  files: Record<string, unknown> | Map<string, string>,
  query = '',
): Promise<BackgroundJob> {
  const given = files instanceof Map ? [...files] : Object.entries(files)
  const texts = given.map(([path, value]) => [path, typeof value === 'string' ? value : stringify(value)] as const)
  const form = new FormData()
  form.set('file', new Blob([new Uint8Array(packArchive(new Map(texts)))]), 'workspace.zip')
  const headers = { authorization: `Bearer ${hand.token}` }
  return done(hand, await fetch(`${hand.house.url}/import${query}`, { method: 'POST', headers, body: form }))
}

const resultOf = (job: BackgroundJob) => job.result as unknown as ImportResult

const SHOP = {
  'membrane/connectors/0b6f3f0e-6f5b-4a63-9a3e-5b1f6f0d9a01/0b6f3f0e-6f5b-4a63-9a3e-5b1f6f0d9a01.yml': {
    uuid: '0b6f3f0e-6f5b-4a63-9a3e-5b1f6f0d9a01',
    key: 'desk',
    name: 'Desk',
    type: 'client-credentials',
    parametersSchema: { type: 'object', properties: { secret: { type: 'string' } }, required: ['secret'] },
    makeApiClient: { type: 'mapping', mapping: { baseUri: 'https://desk.example.com' } },
    inputSchema: { type: 'object', properties: { apiKey: { type: 'string' } } },
    getCredentialsFromConnectionParameters: {
      type: 'mapping',
      mapping: { apiKey: { $var: '$.connectionInput.apiKey' } },
    },
  },
  'membrane/connectors/0b6f3f0e-6f5b-4a63-9a3e-5b1f6f0d9a01/development/src/operations/ping/spec.yml': { name: 'Ping' },
  'membrane/connectors/0b6f3f0e-6f5b-4a63-9a3e-5b1f6f0d9a01/development/src/operations/ping/run.js':
    'export default async function run({ input }) {\n  return input\n}\n',
  'membrane/integrations/desk/spec.yaml': {
    uuid: '7c2d1a40-0c1e-4f57-8b0a-000000000001',
    key: 'desk',
    name: 'Desk',
    connectorUuid: '0b6f3f0e-6f5b-4a63-9a3e-5b1f6f0d9a01',
  },
  'membrane/app-event-types/order/spec.yaml': { key: 'order', name: 'Order', tenantIdFormula: { $var: '$.of' } },
  'membrane/actions/ping/spec.yaml': {
    uuid: '7c2d1a40-0c1e-4f57-8b0a-000000000042',
    key: 'ping',
    name: 'Ping',
    type: 'connector-operation',
    config: { operationKey: 'ping' },
  },
  'membrane/integrations/desk/actions/ping/spec.yaml': {
    key: 'ping',
    name: 'Ping',
    integrationUuid: '7c2d1a40-0c1e-4f57-8b0a-000000000001',
    parentUuid: '7c2d1a40-0c1e-4f57-8b0a-000000000042',
    isCustomized: false,
  },
  'membrane/flows/note/spec.yaml': {
    uuid: '7c2d1a40-0c1e-4f57-8b0a-000000000052',
    key: 'note',
    name: 'Note',
    nodes: {
      trigger: { type: 'app-event-trigger', config: { appEvent: { key: 'order' } }, links: [{ key: 'post' }] },
      post: {
        type: 'api-request-to-your-app',
        config: { request: { uri: '/orders', body: { $var: '$.input.trigger' } } },
      },
    },
  },
  'membrane/integrations/desk/flows/note/spec.yaml': {
    key: 'note',
    integrationUuid: '7c2d1a40-0c1e-4f57-8b0a-000000000001',
    parentUuid: '7c2d1a40-0c1e-4f57-8b0a-000000000052',
    isCustomized: true,
    nodes: {
      trigger: { type: 'app-event-trigger', config: { appEvent: { key: 'order' } }, links: [{ key: 'post' }] },
      post: { type: 'api-request-to-your-app', config: { request: { uri: '/desk-orders' } } },
    },
  },
}

test('what was imported is exported, and comes out the same from another workspace, byte by byte', async () => {
  await using house = await buildHouse()
  const here = await handIn(house)
  const first = await imported(here, SHOP)
  expect(first.error).toBeUndefined()
  expect(resultOf(first).comparison).toMatchObject({ update: [], delete: [] })
  expect(resultOf(first).toBeSet).toEqual([{ integrationKey: 'desk', message: expect.stringContaining('not set') }])
  const once = await exported(here)
  expect([...once.keys()]).toContain('membrane/integrations/desk/flows/note/spec.yaml')
  const there = await otherHand(house)
  expect((await imported(there, once)).error).toBeUndefined()
  expect(await exported(there)).toEqual(once)
})

test('the same import twice changes nothing', async () => {
  await using house = await buildHouse()
  const hand = await handIn(house)
  await imported(hand, SHOP)
  const again = resultOf(await imported(hand, SHOP))
  expect(again.comparison).toEqual({ create: [], update: [], delete: [], unchanged: 7 })
  const files = await exported(hand)
  expect(resultOf(await imported(hand, files)).comparison).toMatchObject({ create: [], update: [], delete: [] })
})

test('a dry run says what would be done, with the differences, and does nothing', async () => {
  await using house = await buildHouse()
  const hand = await handIn(house)
  await imported(hand, SHOP)
  const {
    'membrane/actions/ping/spec.yaml': _,
    'membrane/integrations/desk/actions/ping/spec.yaml': __,
    ...rest
  } = SHOP
  const changed = { ...rest, 'membrane/app-event-types/order/spec.yaml': { key: 'order', name: 'An order' } }
  const job = await imported(hand, changed, '?dryRun=true&diff=true')
  const { comparison, diff } = resultOf(job)
  expect(comparison.update.map((each) => each.key)).toEqual(['order'])
  expect(comparison.delete.map((each) => [each.type, each.key, each.integrationKey])).toEqual(
    expect.arrayContaining([
      ['action', 'ping', undefined],
      ['action', 'ping', 'desk'],
    ]),
  )
  expect(diff).toContain('-name: Order\n')
  expect(diff).toContain('+name: An order\n')
  expect(diff).toContain('-tenantIdFormula:')
  expect((await house.admin.appEventTypes.get({ params: { selector: 'order' } })).name).toBe('Order')
})

test('without partial, what the files do not have is archived, and comes back with them', async () => {
  await using house = await buildHouse()
  const hand = await handIn(house)
  await imported(hand, SHOP)
  const before = await exported(hand)
  const { 'membrane/flows/note/spec.yaml': _, 'membrane/integrations/desk/flows/note/spec.yaml': __, ...rest } = SHOP
  expect(resultOf(await imported(hand, rest, '?partial=true')).comparison.delete).toEqual([])
  expect((await imported(hand, rest)).error).toBeUndefined()
  expect((await house.admin.flows.list({ query: {} })).items).toEqual([])
  expect((await imported(hand, before)).error).toBeUndefined()
  expect(await exported(hand)).toEqual(before)
})

test('secrets of integrations are not exported, and stay when files come in', async () => {
  await using house = await buildHouse()
  const hand = await handIn(house)
  await imported(hand, SHOP)
  await house.admin.integrations.patch({
    params: { selector: 'desk' },
    body: {
      parameters: { secret: 'hunter2-of-the-desk' },
      optionsConfig: { default: { parameters: { secret: 'hunter3-of-the-desk' } } },
    },
  })
  const files = await exported(hand)
  expect([...files.values()].join('')).not.toMatch(/hunter[23]/)
  const back = await imported(hand, files)
  expect(resultOf(back).toBeSet).toEqual([])
  expect(await house.admin.integrations.parameters({ params: { selector: 'desk' } })).toEqual({
    secret: 'hunter2-of-the-desk',
  })
})

test.each([
  ['YAML that is not closed', { 'flows/a/spec.yaml': 'key: a\nnodes: {a\n' }, 'flows/a/spec.yaml', 3],
  ['a tag that stands for code', { 'flows/a/spec.yaml': 'key: a\nname: !!js/function "x"\n' }, 'flows/a/spec.yaml', 2],
  [
    'aliases of aliases',
    {
      'flows/a/spec.yaml': `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c]\n`,
    },
    'flows/a/spec.yaml',
    null,
  ],
  ['a key twice', { 'flows/a/spec.yaml': 'key: a\nkey: b\n' }, 'flows/a/spec.yaml', 2],
  ['a list', { 'flows/a/spec.yaml': '- a\n' }, 'flows/a/spec.yaml', 1],
  [
    'an element twice',
    { 'flows/a/spec.yaml': 'key: a\n', 'flows/b/spec.yaml': 'name: b\nkey: a\n' },
    'flows/b/spec.yaml',
    2,
  ],
  [
    'an integration that is nowhere',
    { 'integrations/x/flows/a/spec.yaml': 'key: a\n' },
    'integrations/x/flows/a/spec.yaml',
    null,
  ],
])('%s is refused with the file and line, and nothing is imported', async (_what, files, file, line) => {
  await using house = await buildHouse()
  const hand = await handIn(house)
  const job = await imported(hand, { 'app-event-types/order/spec.yaml': 'key: order\n', ...files })
  expect(job.status).toBe('failed')
  expect(job.error).toMatchObject({ key: 'invalid_archive', data: { problems: [{ file, line }] } })
  expect((await house.admin.appEventTypes.list({ query: {} })).items).toEqual([])
})

test('what the API refuses is named with its field and place in the file; the rest is imported', async () => {
  await using house = await buildHouse()
  const hand = await handIn(house)
  const bad = {
    'flows/bad/spec.yaml': 'key: bad\nnodes:\n  start:\n    type: no-such-node\n',
    'field-mappings/odd/spec.yaml': 'key: odd\ndirection: sideways\n',
  }
  const job = await imported(hand, { 'app-event-types/order/spec.yaml': 'key: order\n', ...bad })
  expect(job).toMatchObject({ status: 'completed', result: { isPartial: true } })
  expect(job.error).toBeUndefined()
  const refused = [
    {
      type: 'field-mapping',
      key: 'odd',
      field: 'direction',
      file: 'field-mappings/odd/spec.yaml',
      line: 2,
      message: expect.any(String),
    },
    {
      type: 'flow',
      key: 'bad',
      field: 'nodes.start.type',
      file: 'flows/bad/spec.yaml',
      line: 4,
      message: expect.stringContaining('start'),
    },
  ]
  expect(resultOf(job).errors).toEqual(refused)
  expect((await house.admin.appEventTypes.list({ query: {} })).items.map((each) => each.key)).toEqual(['order'])

  const none = await imported(hand, bad, '?partial=true')
  expect(none).toMatchObject({ status: 'failed', result: { isPartial: false } })
  expect(none.error).toMatchObject({ key: 'invalid_archive', data: { problems: refused } })
})

test('references to what is nowhere, and circles, are named', async () => {
  await using house = await buildHouse()
  const hand = await handIn(house)
  const job = await imported(
    hand,
    {
      'flows/lost/spec.yaml': {
        key: 'lost',
        nodes: { a: { type: 'app-event-trigger', config: { appEvent: { key: 'nowhere' } } } },
      },
    },
    '?dryRun=1',
  )
  expect(resultOf(job).warnings).toEqual([
    { file: 'flows/lost/spec.yaml', line: 7, message: 'nodes.a.config.appEvent: there is no app-event-type nowhere' },
  ])
  const circle = await imported(hand, {
    'integrations/x/spec.yaml': { key: 'x' },
    'integrations/x/external-event-types/a/spec.yaml': {
      uuid: '7c2d1a40-0c1e-4f57-8b0a-00000000000a',
      key: 'a',
      parentUuid: '7c2d1a40-0c1e-4f57-8b0a-00000000000b',
    },
    'integrations/x/external-event-types/b/spec.yaml': {
      uuid: '7c2d1a40-0c1e-4f57-8b0a-00000000000b',
      key: 'b',
      parentUuid: '7c2d1a40-0c1e-4f57-8b0a-00000000000a',
    },
  })
  expect(circle.error?.message).toContain(
    'goes in a circle: external-event-type:a:x → external-event-type:b:x → external-event-type:a:x',
  )
})

test('only admins import and export, and jobs are of their workspace', async () => {
  await using house = await buildHouse()
  const hand = await handIn(house)
  const customer = { authorization: `Bearer ${await house.tokenOf({ id: 'acme' })}` }
  expect((await fetch(`${house.url}/import`, { method: 'POST', headers: customer, body: 'x' })).status).toBe(403)
  expect((await fetch(`${house.url}/import`, { method: 'POST', body: 'x' })).status).toBe(401)
  expect((await fetch(`${house.url}/export`, { headers: customer })).status).toBe(403)
  const headers = { authorization: `Bearer ${hand.token}` }
  const { jobId } = (await (await fetch(`${house.url}/export`, { headers })).json()) as { jobId: string }
  await house.settle()
  const other = await otherHand(house)
  const theirs = createPermea({ baseUrl: house.url, token: other.token })
  await expect(theirs.workspaceFiles.backgroundJob({ params: { job: `${jobId}:${jobId}` } })).rejects.toMatchObject({
    key: 'not_found',
  })
  expect((await fetch(`${house.url}/background-jobs/${jobId}/archive.zip?key=AAAA`)).status).toBe(404)
  expect((await fetch(`${house.url}/import?dryRun=perhaps`, { method: 'POST', headers, body: 'x' })).status).toBe(400)
  expect((await fetch(`${house.url}/import`, { method: 'POST', headers })).status).toBe(400)
})

test('what another system exports comes in: shared uuids, connectors of its own, schemas of elsewhere, two layouts', async () => {
  await using house = await buildHouse()
  const hand = await handIn(house)
  const uuid = '7c2d1a40-0c1e-4f57-8b0a-0000000000a1'
  const files = {
    'integrations/crm/spec.yaml': {
      uuid: '7c2d1a40-0c1e-4f57-8b0a-0000000000c1',
      key: 'crm',
      name: 'Crm',
      connectorUuid: uuid,
    },
    'actions/create-Job Titles/spec.yaml': {
      uuid,
      key: 'create-Job Titles',
      type: 'create-data-record',
      inputSchema: { type: 'object', required: true, properties: { fields: { $ref: 'contacts' } }, anyOf: [] },
    },
    'integrations/crm/actions/create-Job Titles/spec.yaml': {
      uuid,
      key: 'create-Job Titles',
      parentId: '68a8a2e78508b934a6350c9a',
      isCustomized: false,
    },
    'integrations/crm/flows/alone/spec.yaml': {
      key: 'alone',
      parentUuid: '7c2d1a40-0c1e-4f57-8b0a-0000000000ff',
      nodes: {
        start: { type: 'api-trigger', inputSchema: null, links: [{ key: 'run' }] },
        run: { type: 'integration-specific-operation' },
      },
    },
    'data-sources/deals/spec.yaml': { key: 'deals', udm: 'deals' },
    'dataSources/deals/deals.yaml': { key: 'deals', udm: 'older' },
    'field-mappings/deals/spec.yaml': {
      key: 'deals',
      dataSourceKey: 'deals',
      defaultImportValue: { id: { $var: '$.id' }, name: { $var: '$.name' } },
    },
    'integrations/crm/field-mappings/deals/spec.yaml': {
      key: 'deals',
      customized: true,
      universalFieldMappingId: '68a8a2e78508b934a6350c9b',
      defaultImportValue: { id: { $var: '$.uid' } },
    },
    'integrations/crm/data-sources/deals/spec.yaml': {
      key: 'deals',
      universalDataSourceId: '68a8a2e78508b934a6350c9c',
      collectionKey: 'deals',
      somethingNew: { a: 1 },
    },
  }
  const first = await imported(hand, files)
  expect(first.error).toBeUndefined()
  const said = resultOf(first).warnings.map((each) => `${each.file} ${each.message}`)
  expect(said).toEqual([
    expect.stringMatching(/^integrations\/crm\/flows\/alone\/spec.yaml parentUuid: there is no flow/),
    `integrations/crm/spec.yaml connectorUuid: there is no connector ${uuid}`,
    'dataSources/deals/deals.yaml stands in a newer layout too, which counts',
  ])
  const { items } = await house.admin.actions.list({ query: {} })
  expect(items.map((each) => [each.layer, each.key, each.state])).toEqual([
    ['integration', 'create-Job Titles', 'CONFIGURATION_ERROR'],
    ['universal', 'create-Job Titles', 'READY'],
  ])
  expect(new Set(items.map((each) => each.uuid)).size).toBe(2)
  expect((await house.admin.dataSources.get({ params: { selector: 'deals' } })).udm).toBe('deals')
  const again = await imported(hand, files)
  expect(resultOf(again).comparison).toMatchObject({ create: [], update: [], delete: [], unchanged: 8 })
})

test('secrets in nodes are in no file; what is exported and imported again keeps them, and elsewhere they are asked for', async () => {
  await using receiver = await startReceiver()
  await using house = await buildHouse()
  const here = await handIn(house)
  const uri = receiver.url
  const flow = (name: string, authorization: string) => ({
    key: 'send',
    name,
    nodes: {
      start: { type: 'api-trigger', links: [{ key: 'token' }] },
      token: { type: 'custom-http-request', config: { request: { uri, headers: { authorization } } } },
    },
  })
  const path = 'membrane/flows/send/spec.yaml'
  const first = resultOf(await imported(here, { [path]: flow('Send', 'of-the-vendor') }, '?diff=true'))
  expect(first.diff).toContain('***')
  expect(JSON.stringify(first)).not.toContain('of-the-vendor')
  const files = await exported(here)
  expect(files.get(path)).toContain('***')
  expect(resultOf(await imported(here, files)).comparison).toMatchObject({ update: [], unchanged: 1 })
  const again = resultOf(await imported(here, { [path]: flow('Send', 'of-the-vendor') }))
  expect(again.comparison).toMatchObject({ update: [], unchanged: 1 })

  const sent = async () => {
    const customer = await house.as('customer-x')
    await customer.flowRuns.create({
      body: {
        flowInstanceId: (
          await customer.flowInstances.getByQuery({ query: { flowKey: 'send', autoCreate: true, autoUpdate: true } })
        ).id,
      },
    })
    await house.settle()
    return receiver.received.at(-1)?.headers.authorization
  }
  expect(await sent()).toBe('of-the-vendor')
  const changed = flow('Send on', '***')
  Object.assign(changed.nodes.token.config.request, { method: 'POST' })
  expect(resultOf(await imported(here, { [path]: changed })).comparison.update).toHaveLength(1)
  expect(await sent()).toBe('of-the-vendor')
  expect(receiver.received.at(-1)?.method).toBe('POST')
  await imported(here, { [path]: flow('Send on', 'another') })
  expect(await sent()).toBe('another')

  const there = await otherHand(house)
  expect(resultOf(await imported(there, files)).toBeSet).toEqual([
    { flowKey: 'send', message: expect.stringContaining('config.request.headers.authorization') },
  ])
  expect(await exported(there)).toEqual(files)
})

test('an archive that says it is larger than may be is refused before it comes', async () => {
  await using house = await buildHouse()
  const { token } = await handIn(house)
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const headers = {
    ...{ authorization: `Bearer ${token}`, 'content-type': 'application/zip' },
    'content-length': String(ARCHIVE_LIMITS.archiveBytes + 1),
  }
  const sent = request(`${house.url}/import`, { method: 'POST', headers }, (answer) => {
    let text = `${answer.statusCode} `
    answer.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    answer.on('end', () => resolve(text))
  })
  sent.on('error', reject)
  sent.flushHeaders()
  expect(await promise).toMatch(/^413 .*payload_too_large/)
  sent.destroy()
})
