import { type AddressInfo, createServer } from 'node:net'
import { createPermea, type Permea } from '@permea/sdk'
import { ROLES } from '../../server/src/config.ts'
import { createEngine, type Engine, migrateAll } from '../../server/src/engine.ts'
import { systemClock } from '../../server/src/platform/clock.ts'
import { keepHeapSmall } from '../../server/src/platform/heap.ts'
import { createIds } from '../../server/src/platform/ids.ts'
import { silentLog } from '../../server/src/platform/log.ts'
import { sealingKey } from '../../server/src/platform/sealing.ts'
import type { Workspace } from '../../server/src/workspaces/workspace.ts'
import { answerParent, usageNow } from './child.ts'

export interface EngineOptions {
  databaseUrl: string
  /** Your app: where `api-request-to-your-app` goes. */
  appUrl: string
  /** A receiver of one customer that never answers. */
  hangingUrl: string
  customers: number
}

/** An engine with flows in it, ready for events. */
export interface Ready {
  port: number
  /** Where events are sent: nobody wants them, or a flow posts them on. */
  paths: { nobodyWants: string; toYourApp: string; loud: string; hanging: string }
  tokens: string[]
  hangingToken: string
  loudToken: string
  workspaceId: string
}

let engine: Engine | null = null

async function start(options: EngineOptions): Promise<Ready> {
  // As the server does.
  keepHeapSmall()
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  await migrateAll(options.databaseUrl, silentLog)
  engine = await createEngine({
    databaseUrl: options.databaseUrl,
    publicUrl: url,
    sealingKeys: [sealingKey('a key for benchmarks that is long enough')],
    egressAllow: [{ network: '127.0.0.0', prefixBits: 8, port: null }],
    roles: new Set(ROLES),
    retentionDays: 30,
    clock: systemClock,
    random: Math.random,
    log: silentLog,
  })
  const workspace = workspaceNow(options.appUrl)
  await engine.workspaceStore.insert(engine.database.db, workspace)
  await engine.start()
  await engine.app.listen({ port, host: '127.0.0.1' })
  const tokenOf = (claims: Record<string, unknown>) => sign(workspace, claims)
  const clientOf = (token: string) => createPermea({ baseUrl: url, token })
  const paths = await define(clientOf(await tokenOf({ isAdmin: true })), url, options.hangingUrl)
  const names = Array.from({ length: options.customers }, (_, index) => `customer-${index}`)
  const tokens = await Promise.all(names.map((id) => tokenOf({ id })))
  const loudToken = await tokenOf({ id: 'loud' })
  const hangingToken = await tokenOf({ id: 'hanging' })
  for (const token of tokens) await enable(clientOf(token), 'to-your-app')
  await enable(clientOf(loudToken), 'loud')
  await enable(clientOf(hangingToken), 'hanging')
  return { port, paths, tokens, loudToken, hangingToken, workspaceId: workspace.id }
}

function sign(workspace: Workspace, claims: Record<string, unknown>): Promise<string> {
  if (engine === null) throw new Error('the engine is not started')
  return engine.tokens.sign(workspace, claims, 86_400)
}

async function enable(customer: Permea, flowKey: string): Promise<void> {
  await customer.flowInstances.getByQuery({ query: { flowKey, autoCreate: true } })
}

async function define(admin: Permea, url: string, hangingUrl: string): Promise<Ready['paths']> {
  const type = async (key: string) => {
    const { globalWebhookUri } = await admin.appEventTypes.create({ body: { key, name: key } })
    return globalWebhookUri.slice(url.length)
  }
  const flow = (key: string, eventKey: string, post: { type: string; config: unknown }) =>
    admin.flows.create({
      body: {
        key,
        name: key,
        nodes: {
          trigger: { type: 'app-event-trigger', config: { appEvent: { key: eventKey } }, links: [{ key: 'post' }] },
          post,
        },
      },
    })
  const request = (uri: string) => ({ request: { uri, method: 'POST', body: { $var: '$.input.trigger' } } })
  const paths = {
    nobodyWants: await type('nobody-wants'),
    toYourApp: await type('order-created'),
    loud: await type('loud'),
    hanging: await type('hanging'),
  }
  await flow('to-your-app', 'order-created', { type: 'api-request-to-your-app', config: request('/in') })
  await flow('loud', 'loud', { type: 'api-request-to-your-app', config: request('/loud') })
  await flow('hanging', 'hanging', { type: 'custom-http-request', config: request(hangingUrl) })
  return paths
}

function workspaceNow(appBaseUri: string): Workspace {
  const now = systemClock.now()
  return {
    id: createIds(systemClock).next(),
    key: 'bench',
    name: 'Bench',
    secret: 'a secret for benchmarks that is long enough',
    publicKeys: [],
    jwksUri: null,
    appBaseUri,
    logoUri: null,
    webhookUri: null,
    enabledWebhookEvents: [],
    settings: {},
    type: 'development',
    isExample: false,
    createdAt: now,
    updatedAt: now,
    archivedAt: null,
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Runs that reached a final state, by state. */
async function finished(): Promise<{ completed: number; others: number }> {
  const { values } = (await engine?.metrics.runsFinished.get()) ?? { values: [] }
  const of = (isWanted: (state: unknown) => boolean) =>
    values.filter((each) => isWanted(each.labels.state)).reduce((sum, each) => sum + each.value, 0)
  return { completed: of((state) => state === 'completed'), others: of((state) => state !== 'completed') }
}

const asks = {
  start,
  usage: usageNow,
  finished,
  async stop() {
    const running = engine
    engine = null
    await running?.stop()
  },
}
export type EngineAsks = typeof asks

answerParent(asks)
