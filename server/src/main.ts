import { writeFile } from 'node:fs/promises'
import { flushCompileCache } from 'node:module'
import path from 'node:path'
import { Server as TlsServer } from 'node:tls'
import { type Config, ConfigProblem, readConfig } from './config.ts'
import { buildConsole, CONSOLE_DIR } from './console/building.ts'
import type { Engine } from './engine-options.ts'
import { createExample, EXAMPLE_CUSTOMER, EXAMPLE_EVENT, exampleWebhook, pointExampleAt } from './example/example.ts'
import { type ExampleReceiver, startExampleReceiver } from './example/receiver.ts'
import { systemClock } from './platform/clock.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from './platform/embedded-postgres.ts'
import { freePort } from './platform/free-port.ts'
import { keepHeapSmall } from './platform/heap.ts'
import { createIds } from './platform/ids.ts'
import { createLog, type Log } from './platform/log.ts'
import { sealingKey } from './platform/sealing.ts'
import { type InstallationSecrets, keepSecrets } from './platform/secrets-file.ts'
import { keepCertificateCurrent, readCertificate, readCertificates } from './platform/tls-files.ts'
import { type Tracing, traceFields } from './platform/tracing.ts'
import { productVersion } from './platform/version.ts'
import type { Workspace } from './workspaces/workspace.ts'

const IMPATIENT_AFTER_MS = 1000
const LOOK_AGAIN_MS = 500
const ADMIN_TOKEN_SECONDS = 86_400
const CUSTOMER_TOKEN_SECONDS = 7 * 86_400
const EXAMPLE_TOKEN_SECONDS = 60

/** Whether the operator wants the whole story of a failure. */
let isDebugging = false

try {
  await main()
} catch (error) {
  process.stderr.write(`permea: ${lineOf(error as Error)}\n`)
  process.exit(1)
}

function asConfigProblem(error: Error): never {
  throw new ConfigProblem(error.message)
}

/** One clear line for what an operator can mend; the whole story for what only we can. */
function lineOf(error: Error): string {
  if (error instanceof ConfigProblem) return error.message
  return isDebugging ? (error.stack ?? error.message) : error.message
}

async function main(): Promise<void> {
  keepHeapSmall()
  // What is loaded decides how large the heap becomes: the engine comes after the bounds are set.
  const { createEngine, isDatabaseAway, migrateAll } = await import('./engine.ts')
  const config = await withPort(readConfig())
  isDebugging = config.logLevel === 'debug'
  let tracing: Tracing | null = null
  const log = createLog(config.logLevel, config.tracing === null ? null : () => traceFields(tracing?.here() ?? null))
  const secrets = await keepSecrets(config.dataDir)
  const postgres = config.databaseUrl === null ? await startPostgres(config, log) : null
  const receiver = config.hasExample
    ? await startExampleReceiver(systemClock.now, receiverPortBeside(config.port))
    : null
  const databaseUrl = config.databaseUrl ?? postgres?.urlOf('postgres') ?? ''
  const mayWait = (cause: unknown) => config.intakeLog !== null && isDatabaseAway(cause)
  const migrating = () =>
    migrateAll(databaseUrl, log).catch((cause: Error) => {
      if (config.databaseUrl === null || mayWait(cause)) throw cause
      throw new ConfigProblem(`DATABASE_URL cannot be used: ${cause.message}`)
    })
  // With an intake log events are taken in while the database is away, also by a process that starts meanwhile.
  const isMigrated = await migrating().then(
    () => true,
    (cause: unknown) => {
      if (mayWait(cause)) return false
      throw cause
    },
  )
  log.info({ version: productVersion() }, 'starting')
  tracing = await startTracing(config, log)
  const engine = await createEngine({
    databaseUrl,
    databaseReplica: config.databaseReplica,
    publicUrl: config.publicUrl,
    tls: config.tls === null ? null : await readCertificate(config.tls).catch(asConfigProblem),
    sealingKeys: [...config.encryptionKeys, secrets.encryptionKey].map(sealingKey),
    egressAllow:
      receiver === null
        ? config.egressAllow
        : [...config.egressAllow, { network: '127.0.0.1', prefixBits: 32, port: receiver.port }],
    egressCertificates:
      config.egressCaFile === null ? [] : await readCertificates(config.egressCaFile).catch(asConfigProblem),
    trustedProxies: config.trustedProxies,
    roles: config.roles,
    console: config.hasConsole
      ? { dir: CONSOLE_DIR, adminPassword: config.adminPassword, traceUrl: config.traceUrl }
      : null,
    mail: config.mail,
    singleSignOn: config.singleSignOn,
    intakeLog: config.intakeLog,
    tracing,
    retentionDays: config.retentionDays,
    payloadRetentionDays: config.payloadRetentionDays,
    auditRetentionDays: config.auditRetentionDays,
    clock: systemClock,
    random: Math.random,
    log,
  })
  if (!isMigrated) {
    await listen(engine, config)
    stopOnSignal(engine, receiver, postgres, log)
    log.warn({}, 'the database cannot be reached; events are taken into the intake log meanwhile')
    await untilDatabaseIsBack(migrating, mayWait)
  }
  const { workspace, isNew } = await openWorkspace(engine, config, secrets, receiver)
  engine.console?.serve(workspace.key)
  await engine.start()
  // Where NODE_COMPILE_CACHE is set: otherwise a process that is killed leaves nothing of it to the next one.
  flushCompileCache()
  if (isMigrated) await listen(engine, config)
  const { server } = engine.app
  if (config.tls !== null && server instanceof TlsServer) keepCertificateCurrent(server, config.tls, log)
  if (isNew && workspace.isExample) await sendExampleEvent(engine, workspace)
  if (isMigrated) stopOnSignal(engine, receiver, postgres, log)
  process.stdout.write(await greeting(engine, config, workspace, receiver))
  if (engine.console !== null) buildConsole(log)
}

async function untilDatabaseIsBack(
  migrating: () => Promise<void>,
  mayWait: (cause: unknown) => boolean,
): Promise<void> {
  for (;;) {
    try {
      return await migrating()
    } catch (cause) {
      if (!mayWait(cause)) throw cause
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
    }
  }
}

/** What spans need is loaded only where the environment asks for them. */
async function startTracing({ tracing }: Config, log: Log): Promise<Tracing | null> {
  if (tracing === null) return null
  const { createTracing } = await import('./platform/tracing-sdk.ts')
  return createTracing({ ...tracing, version: productVersion(), log })
}

async function startPostgres(config: Config, log: Log): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({ dataDir: `${config.dataDir}/postgres`, log, isKeptRunning: true })
}

/** The workspace of this installation, made where there is none yet, with the example in it if that is wanted. */
async function openWorkspace(
  engine: Engine,
  config: Config,
  secrets: InstallationSecrets,
  receiver: ExampleReceiver | null,
): Promise<{ workspace: Workspace; isNew: boolean }> {
  const { workspaceStore, database } = engine
  const existing = await workspaceStore.all(database.db).catch((cause: Error) => {
    throw new ConfigProblem(`PERMEA_ENCRYPTION_KEYS does not open the secrets in this database (${cause.message})`)
  })
  const main = existing.find((each) => each.isMain) ?? existing[0]
  const key = config.workspace?.key ?? main?.key ?? secrets.workspaceKey
  const isNew = !existing.some((each) => each.key === key)
  if (isNew) {
    const now = systemClock.now()
    await workspaceStore.insert(database.db, {
      id: createIds(systemClock).next(),
      key,
      name: 'Permea',
      secret: config.workspace?.secret ?? secrets.workspaceSecret,
      publicKeys: [],
      jwksUri: null,
      appBaseUri: null,
      logoUri: null,
      webhookUri: null,
      enabledWebhookEvents: [],
      settings: {},
      type: 'production',
      isExample: receiver !== null && existing.length === 0,
      isMain: existing.length === 0,
      quotas: {},
      createdAt: now,
      updatedAt: now,
      archivedAt: null,
    })
    const created = await workspaceStore.byKey(database.db, key)
    if (created?.isExample === true) await createExample({ ...engine, clock: systemClock }, created)
  }
  const workspace = await workspaceStore.byKey(database.db, key)
  if (workspace === null) throw new Error(`workspace ${key} could not be made`)
  // The one that the operator names is the one that the operator owns.
  if (config.workspace !== null && !workspace.isMain)
    await database.transaction((tx) => workspaceStore.makeMain(tx, workspace.id))
  if (workspace.isExample && receiver !== null)
    await pointExampleAt({ ...engine, clock: systemClock }, workspace, receiver.url)
  return { workspace, isNew }
}

/** One event of the example, the way your application would send it, so that there is something to look at. */
async function sendExampleEvent(engine: Engine, workspace: Workspace): Promise<void> {
  const url = await exampleWebhook({ ...engine, clock: systemClock }, workspace)
  if (url === null) return
  const token = await engine.tokens.sign(workspace, { id: EXAMPLE_CUSTOMER }, EXAMPLE_TOKEN_SECONDS)
  await engine.app.inject({
    method: 'POST',
    url,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    payload: EXAMPLE_EVENT,
  })
}

/** A port of 0 is one that is free. It has to be known before the engine is built: the URLs that it hands out name it. */
async function withPort(config: Config): Promise<Config> {
  if (config.port !== 0) return config
  const port = await freePort(config.host).catch((error: Error) => {
    throw listenProblem(error, config)
  })
  return { ...config, port, publicUrl: config.publicUrl.replace(/:0(?=\/|$)/, `:${port}`) }
}

async function listen(engine: Engine, config: Config): Promise<void> {
  await engine.app.listen({ port: config.port, host: config.host }).catch((error: Error) => {
    throw listenProblem(error, config)
  })
  // Commands that are run beside it find it by this.
  await writeFile(path.join(config.dataDir, 'address'), `${config.publicUrl}\n`)
}

function listenProblem(error: NodeJS.ErrnoException, { host, port }: Config): Error {
  if (error.code === 'EADDRINUSE') return new ConfigProblem(`PORT ${port} is in use on ${host}`)
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
    return new ConfigProblem(`HOST ${host} is not an address of this machine`)
  return error
}

function stopOnSignal(
  engine: Engine,
  receiver: ExampleReceiver | null,
  postgres: EmbeddedPostgres | null,
  log: Log,
): void {
  let stoppingSinceMs: number | null = null
  const stop = async (signal: string) => {
    if (stoppingSinceMs !== null) {
      // npm passes Ctrl-C on to a process that got it already: only a later one means impatience.
      if (performance.now() - stoppingSinceMs > IMPATIENT_AFTER_MS) process.exit(1)
      return
    }
    stoppingSinceMs = performance.now()
    log.info({ signal }, 'stopping')
    await engine.stop()
    await receiver?.stop()
    await postgres?.stop()
    log.info({}, 'stopped')
    process.exit(0)
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(signal))
}

/** With a PostgreSQL of its own the engine is one person's: who sees its output may sign in. */
function consoleLines(engine: Engine, { databaseUrl, publicUrl }: Config): string[] {
  if (engine.console === null) return []
  if (databaseUrl !== null) return [`  Console          ${publicUrl}/console`]
  return [`  Console          ${engine.console.oneTimeLink()}`, '                   (signs in once, within an hour)']
}

/** What a person needs to go on from here. */
async function greeting(
  engine: Engine,
  config: Config,
  workspace: Workspace,
  receiver: ExampleReceiver | null,
): Promise<string> {
  const { publicUrl } = config
  const lines = [
    '',
    `  Permea is running on ${publicUrl}`,
    '',
    ...consoleLines(engine, config),
    `  API reference    ${publicUrl}/docs   (${publicUrl}/openapi.json)`,
    `  Health           ${publicUrl}/healthz  /readyz  /metrics`,
    `  Workspace key    ${workspace.key}`,
  ]
  if (config.workspace === null) lines.push(`  Workspace secret in ${config.dataDir}/secrets.json`)
  const webhook =
    receiver === null || !workspace.isExample
      ? null
      : await exampleWebhook({ ...engine, clock: systemClock }, workspace)
  if (webhook !== null && receiver !== null) {
    const customerToken = await engine.tokens.sign(workspace, { id: EXAMPLE_CUSTOMER }, CUSTOMER_TOKEN_SECONDS)
    const adminToken = await engine.tokens.sign(workspace, { isAdmin: true }, ADMIN_TOKEN_SECONDS)
    lines.push(
      '',
      `  One event of the example has come in already. Post another one of its customer ${EXAMPLE_CUSTOMER}:`,
      '',
      `curl -sS -w '\\n' -X POST ${publicUrl}${webhook} \\`,
      `  -H 'Authorization: Bearer ${customerToken}' \\`,
      `  -H 'Content-Type: application/json' \\`,
      `  -d '{"orderId": "1002", "total": 17}'`,
      '',
      '  It launches a flow that calls the example receiver. See the run:',
      '',
      `curl -sS -w '\\n' '${publicUrl}/flow-runs?limit=1' -H 'Authorization: Bearer ${adminToken}'`,
      '',
      `  and what the receiver got: ${receiver.url}/`,
    )
  }
  return `${lines.join('\n')}\n\n`
}

/** The port after the engine's; any free one where the engine takes any. */
function receiverPortBeside(port: number): number {
  return port === 0 || port === 65_535 ? 0 : port + 1
}
