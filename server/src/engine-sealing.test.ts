import { buildHouse, connectApp, type House, startReceiver, until } from '@permea/testkit'
import { expect, test } from 'vitest'
import { sealWhatIsOld } from './engine-sealing.ts'
import { asJson, sql } from './platform/database.ts'
import { packArchive } from './workspace-files/archive.ts'

/** Found again wherever it stands, in whatever form. */
const MARK = 'mark9Kx'
let count = 0
const secret = () => {
  count += 1
  return `${MARK}-${count}-of-nobody`
}

/** A record with a secret under each name that people give them, in each form that configurations have. */
const secrets = () => ({
  password: secret(),
  client_secret: secret(),
  apiKey: secret(),
  authorization: `Bearer ${secret()}`,
  headers: [{ name: 'X-Api-Key', value: secret() }],
  uri: `https://user:${secret()}@app.example/x?access_token=${secret()}`,
  form: `grant_type=x&client_secret=${secret()}`,
  text: JSON.stringify({ refreshToken: secret() }),
})

const code = () => `
  // Don't look.
  const apiKey = '${secret()}'
  export default async () => {
    const headers = { 'X-Api-Key': "${secret()}", authorization: \`Bearer ${secret()}\` }
    headers['x-auth-token'] = '${secret()}'
    await fetch('https://app.example/?api_key=${secret()}')
    return { state: {}, ok: headers.token === '${secret()}' }
  }`
const jsonata = () => ({ $jsonata: `($clientSecret := "${secret()}"; { "password": "${secret()}", "n": 1 })` })

/** Every row of every table, as text; archives by their bytes. */
async function everythingIn({ engine }: House): Promise<string> {
  const { db } = engine.database
  const { rows: tables } = await sql<{ name: string }>`
    select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema')`.execute(db)
  const texts = await Promise.all(
    tables.map(async ({ name }) => {
      const { rows } = await sql<{ row: string }>`select t::text as row from ${sql.raw(name)} t`.execute(db)
      return rows.map(({ row }) => `${name}: ${row}`).join('\n')
    }),
  )
  return texts.join('\n')
}

/** Where a secret stands in the open, or a text that only one who reads archives would find. */
const openIn = (text: string) =>
  text.split('\n').filter((line) => line.includes(MARK) || line.includes(Buffer.from(MARK).toString('hex')))

/** Puts secrets into every place that may hold one. */
async function fill(house: House, appUrl: string) {
  const { admin } = house
  const connector = await admin.connectors.create({
    body: {
      key: 'crm',
      options: {
        key: {
          type: 'client-credentials',
          inputSchema: { type: 'object', properties: { apiKey: { type: 'string' } } },
          makeApiClient: { type: 'mapping', mapping: { baseUri: appUrl, headers: { 'X-Api-Key': secret() } } },
        },
      },
      operations: { find: { name: 'Find', run: code() } },
      data: {
        tasks: {
          name: 'Tasks',
          methods: {
            list: {
              run: {
                type: 'rest-api-mapping',
                mapping: { path: '/x', method: 'GET', requestMapping: { headers: secrets() } },
              },
            },
          },
        },
      },
    } as never,
  })
  await admin.integrations.create({ body: { key: 'crm', connectorKey: 'crm', parameters: secrets() } })
  const { client, connection } = await connectApp(house, { customer: 'acme', key: 'main' })
  const nodes = {
    trigger: { type: 'api-trigger', links: [{ key: 'send' }] },
    send: {
      type: 'custom-http-request',
      config: {
        request: { uri: `${appUrl}/x`, method: 'POST', headers: { Authorization: secret() }, body: secrets() },
      },
      links: [{ key: 'make' }],
    },
    make: { type: 'transform-data', config: { output: jsonata() }, links: [{ key: 'code' }] },
    code: { type: 'run-javascript', config: { code: code() } },
  }
  const flow = await admin.flows.create({ body: { key: 'f', name: 'f', nodes, parameters: secrets() } })
  const instance = await client.flowInstances.create({
    body: {
      flowKey: 'f',
      parameters: secrets(),
      nodes: { ...nodes, code: { type: 'run-javascript', config: { code: code() } } },
    },
  })
  await admin.actions.create({
    body: {
      key: 'a',
      name: 'a',
      type: 'run-javascript',
      config: { code: code(), ...secrets() },
      outputMapping: jsonata(),
    },
  })
  await admin.appEventTypes.create({
    body: {
      key: 't',
      subscribeRequest: { uri: '/x', method: 'POST', headers: { 'X-Api-Key': secret() }, body: secrets() },
      tenantIdFormula: jsonata(),
      userIdFormula: jsonata(),
      example: secrets(),
    },
  })
  await admin.externalEventTypes.create({
    body: {
      key: 'e',
      subscribe: code(),
      handle: code(),
      unsubscribe: {
        type: 'rest-api-mapping',
        mapping: { path: '/x', method: 'POST', requestMapping: { headers: { 'X-Api-Key': secret() } } },
      },
      refresh: code(),
      example: secrets(),
    } as never,
  })
  await client.externalEventSubscriptions.create({
    body: { connectionId: connection.id, externalEventTypeKey: 'e', parameters: secrets() } as never,
  })
  await admin.dataSources.create({ body: { key: 's', collectionKey: 'tasks', collectionParameters: secrets() } })
  await admin.fieldMappings.create({
    body: { key: 'm', dataSourceKey: 's', importValue: secrets(), exportValue: jsonata() } as never,
  })
  await admin.appDataSchemas.create({ body: { key: 'd', schema: { type: 'object' }, code: code() } as never })
  return { client, connector, flow, instance }
}

async function imported(house: House, files: Record<string, string>): Promise<void> {
  const form = new FormData()
  form.set('file', new Blob([new Uint8Array(packArchive(new Map(Object.entries(files))))]), 'workspace.zip')
  const headers = { authorization: `Bearer ${await house.tokenOf({ isAdmin: true })}` }
  const answer = await fetch(`${house.url}/import`, { method: 'POST', headers, body: form })
  const { jobId, accessKey } = (await answer.json()) as { jobId: string; accessKey: string }
  await until('the import is done', 20_000, async () => {
    const job = await house.admin.workspaceFiles.backgroundJob({ params: { job: `${jobId}:${accessKey}` } })
    return job.finishedAt === undefined ? undefined : job
  })
}

test('no literal secret stands in the database in the open, whichever place it was given in', {
  timeout: 180_000,
}, async () => {
  await using app = await startReceiver()
  await using house = await buildHouse()
  const { client, connector, flow, instance } = await fill(house, app.url)
  await imported(house, { 'membrane/flows/x.yml': `key: x\nname: x\nparameters:\n  password: ${secret()}\n` })
  await house.settle()
  expect(openIn(await everythingIn(house))).toEqual([])

  // Who may see them sees what was given, and what runs has it.
  const params = { selector: connector.id }
  expect(JSON.stringify(await house.admin.connectors.get({ params }))).toContain(MARK)
  const found = await client.flowInstances.get({ params: { id: instance.id } })
  expect(found.parameters).toMatchObject({ password: '***', authorization: '***' })
  expect(JSON.stringify((await client.flows.get({ params: { selector: flow.id } })).parameters)).not.toContain(MARK)

  // As an older version stored it, or one that still runs beside.
  for (const [table, columns] of Object.entries(ONCE_OPEN)) await storeOpenly(house, table, columns)
  expect(openIn(await everythingIn(house)).length).toBeGreaterThan(10)
  await sealWhatIsOld(house.engine.database, house.engine.sealing)
  expect(openIn(await everythingIn(house))).toEqual([])
  expect(JSON.stringify(await house.admin.connectors.get({ params }))).toContain(MARK)
})

const ONCE_OPEN: Record<string, string[]> = {
  connectors: ['definition'],
  flows: ['parameters', 'custom_nodes'],
  flow_instances: ['parameters', 'custom_nodes'],
  flow_versions: ['nodes'],
  actions: ['config', 'output_mapping'],
  app_event_types: ['subscribe_request', 'tenant_id_formula', 'user_id_formula', 'example'],
  external_event_types: ['subscribe', 'handle', 'unsubscribe', 'refresh', 'example'],
  external_event_subscriptions: ['parameters'],
  data_elements: ['content'],
}

async function storeOpenly({ engine }: House, table: string, columns: readonly string[]): Promise<void> {
  const { db } = engine.database
  const { rows } = await sql<Record<string, unknown>>`
    select id, ${sql.raw(columns.join(', '))} from ${sql.raw(table)}`.execute(db)
  for (const row of rows)
    for (const column of columns)
      await sql`
        update ${sql.raw(table)} set ${sql.raw(column)} = ${asJson(row[column])}, is_sealed = false where id = ${row.id}`.execute(
        db,
      )
}
