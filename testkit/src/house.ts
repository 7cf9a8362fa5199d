import { createPermea, type Permea } from '@permea/sdk'
import { type Config, ROLES } from '../../server/src/config.ts'
import { createEngine } from '../../server/src/engine.ts'
import type { Engine, EngineOptions } from '../../server/src/engine-options.ts'
import { type Clock, SettableClock, systemClock } from '../../server/src/platform/clock.ts'
import { sql } from '../../server/src/platform/database.ts'
import { freePort } from '../../server/src/platform/free-port.ts'
import { createIds } from '../../server/src/platform/ids.ts'
import { type Log, silentLog } from '../../server/src/platform/log.ts'
import { sealingKey } from '../../server/src/platform/sealing.ts'
import type { Workspace } from '../../server/src/workspaces/workspace.ts'
import { createTestDatabase } from './database.ts'
import { noteAnswer } from './endpoint-coverage.ts'

/** An engine on a database of its own, listening on a free port, with a workspace in it. */
export interface House extends AsyncDisposable {
  engine: Engine
  url: string
  databaseUrl: string
  workspace: Workspace
  /** Set where the house was built with `clock: 'settable'`. */
  clock: SettableClock
  /** A client with an admin token. */
  admin: Permea
  /** A client with the token of a customer. */
  as(internalId: string, claims?: { name?: string; fields?: Record<string, unknown> }): Promise<Permea>
  tokenOf(claims: Record<string, unknown>, lifeSeconds?: number): Promise<string>
  /** Resolves when every due job and run is done, and in the record. */
  settle(): Promise<void>
  /** Moves the clock, for queued jobs too, and settles. */
  advance(ms: number): Promise<void>
}

export interface HouseOptions {
  /** `settable` stands still until told; `system` runs. */
  clock?: 'settable' | 'system'
  /** Where the settable clock stands at first; now where absent. */
  startsAt?: Date
  appBaseUri?: string
  /** Ports on loopback that may be reached, beside every port by default. */
  egressAllow?: EngineOptions['egressAllow']
  database?: { url: string; workspace?: Workspace }
  engine?: Partial<EngineOptions>
  log?: Log
}

const LOOPBACK = [
  { network: '127.0.0.0', prefixBits: 8, port: null },
  { network: '::1', prefixBits: 128, port: null },
]

export async function buildHouse(options: HouseOptions = {}): Promise<House> {
  const own = options.database === undefined ? await createTestDatabase() : null
  const databaseUrl = options.database?.url ?? own?.url ?? ''
  const settable = new SettableClock(options.startsAt ?? systemClock.now())
  const clock: Clock = options.clock === 'settable' ? settable : systemClock
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const engine = await createEngine({
    databaseUrl,
    publicUrl: url,
    // Tests may share a busy machine; those of slow functions set their own.
    answerWithinMs: 10_000,
    sealingKeys: [sealingKey('a key for tests that is long enough')],
    egressAllow: options.egressAllow ?? LOOPBACK,
    roles: new Set<Config['roles'] extends Set<infer R> ? R : never>(ROLES),
    retentionDays: 30,
    // What there is of partitions is copied for every test.
    partitionDaysAhead: 0,
    clock,
    random: Math.random,
    log: options.log ?? silentLog,
    connectionsMax: 8,
    checkAnswers: true,
    tickMs: 200,
    onAnswered: noteAnswer,
    ...options.engine,
  })
  const workspace = options.database?.workspace ?? (await addWorkspace(engine, clock, options.appBaseUri ?? null))
  await engine.start()
  await engine.app.listen({ port, host: '127.0.0.1' })
  return houseOf({
    engine,
    url,
    databaseUrl,
    workspace,
    clock: settable,
    isSettable: options.clock === 'settable',
    drop: async () => own?.[Symbol.asyncDispose](),
  })
}

/** Another workspace in the same engine: for tests of what must not be seen across. */
export async function addWorkspace(engine: Engine, clock: Clock, appBaseUri: string | null): Promise<Workspace> {
  const id = createIds(clock).next()
  const workspace: Workspace = {
    id,
    key: `workspace-${id.slice(-12)}`,
    name: 'Test workspace',
    secret: `secret-of-${id}-that-is-long-enough`,
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
    createdAt: clock.now(),
    updatedAt: clock.now(),
    archivedAt: null,
  }
  await engine.workspaceStore.insert(engine.database.db, workspace)
  return workspace
}

/** The same engine seen from another workspace; disposing of it is left to the house it is of. */
export async function houseIn(house: House, workspace: Pick<Workspace, 'key' | 'secret'>): Promise<House> {
  const found = await house.engine.workspaceStore.byKey(house.engine.database.db, workspace.key)
  if (found === null) throw new Error(`there is no workspace ${workspace.key}`)
  const tokenOf = (claims: Record<string, unknown>, lifeSeconds = 7200) =>
    house.engine.tokens.sign(found, claims, lifeSeconds)
  const client = async (claims: Record<string, unknown>) =>
    createPermea({ baseUrl: house.url, token: await tokenOf(claims, 400 * 86_400) })
  return {
    ...house,
    workspace: found,
    admin: await client({ isAdmin: true }),
    as: (internalId, claims) => client({ id: internalId, ...claims }),
    tokenOf,
  }
}

async function houseOf(parts: {
  engine: Engine
  url: string
  databaseUrl: string
  workspace: Workspace
  clock: SettableClock
  isSettable: boolean
  drop(): Promise<void>
}): Promise<House> {
  const { engine, url, workspace } = parts
  const tokenOf = (claims: Record<string, unknown>, lifeSeconds = 7200) =>
    engine.tokens.sign(workspace, claims, lifeSeconds)
  const client = async (claims: Record<string, unknown>) => {
    const token = await tokenOf(claims, 400 * 86_400)
    return createPermea({ baseUrl: url, token })
  }
  const house: House = {
    ...parts,
    admin: await client({ isAdmin: true }),
    as: (internalId, claims) => client({ id: internalId, ...claims }),
    tokenOf,
    async settle() {
      do {
        await engine.intakeLog?.settled()
        await jobsDone(engine)
        await engine.externalSubscriptions.settled()
        await engine.pulls.settled()
        await engine.externalReceive.settled()
        await engine.runs.settled()
        await engine.deliveries.settled()
      } while (await hasDueJobs(engine))
      // Records that nobody waits for.
      await engine.refusedRequests.settled()
      await engine.functions.settled()
      await engine.appRequests.settled()
    },
    async advance(ms) {
      if (!parts.isSettable) throw new Error('this house has no settable clock')
      parts.clock.advance(ms)
      // The queue keeps the database's time: its jobs come nearer by as much.
      await sql`update graphile_worker._private_jobs set run_at = run_at - make_interval(secs => ${ms / 1000}) where locked_at is null`.execute(
        engine.database.db,
      )
      await house.settle()
    },
    async [Symbol.asyncDispose]() {
      await engine.stop()
      await parts.drop()
    },
  }
  return house
}

async function hasDueJobs(engine: Engine): Promise<boolean> {
  const { rows } = await sql<{ due: boolean }>`
    select exists (select 1 from graphile_worker._private_jobs where attempts < max_attempts and (locked_at is not null or run_at <= now())) as due`.execute(
    engine.database.db,
  )
  return rows[0]?.due === true
}

/** The queue has no event for "nothing left": its table is looked at until it says so. */
async function jobsDone(engine: Engine): Promise<void> {
  while (await hasDueJobs(engine)) await new Promise((resolve) => setTimeout(resolve, 10))
}
