import { createPermea, type Permea } from '@permea/sdk'
import { ROLES, readConfig } from '../../server/src/config.ts'
import type { Engine, IntakeLogPlace } from '../../server/src/engine-options.ts'
import { systemClock } from '../../server/src/platform/clock.ts'
import { keepHeapSmall } from '../../server/src/platform/heap.ts'
import { createIds } from '../../server/src/platform/ids.ts'
import { silentLog } from '../../server/src/platform/log.ts'
import { sealingKey } from '../../server/src/platform/sealing.ts'
import type { Tracing } from '../../server/src/platform/tracing.ts'
import type { Workspace } from '../../server/src/workspaces/workspace.ts'
import { freePort } from './server-process.ts'

/** An engine in this process that listens, with a workspace in it. */
export interface BenchEngine {
  engine: Engine
  url: string
  port: number
  workspaceId: string
  admin: Permea
  tokenOf(claims: Record<string, unknown>): Promise<string>
  as(internalId: string): Promise<Permea>
}

/** Starts one on an empty database, set up as the server sets it up. */
export async function startBenchEngine(given: {
  databaseUrl: string
  appUrl: string | null
  intakeLog?: IntakeLogPlace | null
}): Promise<BenchEngine> {
  keepHeapSmall()
  const { createEngine, migrateAll } = await import('../../server/src/engine.ts')
  const { databaseUrl } = given
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  await migrateAll(databaseUrl, silentLog)
  const engine = await createEngine({
    databaseUrl,
    publicUrl: url,
    sealingKeys: [sealingKey('a key for benchmarks that is long enough')],
    egressAllow: [{ network: '127.0.0.0', prefixBits: 8, port: null }],
    roles: new Set(ROLES),
    retentionDays: 30,
    clock: systemClock,
    random: Math.random,
    log: silentLog,
    tracing: await tracingWanted(),
    intakeLog: given.intakeLog ?? null,
  })
  const workspace = workspaceNow(given.appUrl)
  await engine.workspaceStore.insert(engine.database.db, workspace)
  await engine.start()
  await engine.app.listen({ port, host: '127.0.0.1' })
  const tokenOf = (claims: Record<string, unknown>) => engine.tokens.sign(workspace, claims, 86_400)
  const clientOf = async (claims: Record<string, unknown>) =>
    createPermea({ baseUrl: url, token: await tokenOf(claims) })
  return {
    engine,
    url,
    port,
    workspaceId: workspace.id,
    admin: await clientOf({ isAdmin: true }),
    tokenOf,
    as: (id) => clientOf({ id }),
  }
}

/** With the variables of OpenTelemetry a measurement has what traces cost in it. */
async function tracingWanted(): Promise<Tracing | null> {
  const { tracing } = readConfig()
  if (tracing === null) return null
  const { createTracing } = await import('../../server/src/platform/tracing-sdk.ts')
  return createTracing({ ...tracing, version: 'bench', log: silentLog })
}

function workspaceNow(appBaseUri: string | null): Workspace {
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
    isMain: false,
    quotas: {},
    createdAt: now,
    updatedAt: now,
    archivedAt: null,
  }
}
