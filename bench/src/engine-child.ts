import { createPermea } from '@permea/sdk'
import type { IntakeLogPlace } from '../../server/src/engine-options.ts'
import { type BenchEngine, startBenchEngine } from './bench-engine.ts'
import { answerParent, usageNow } from './child.ts'
import { defineInternal, enable, type InternalPaths } from './internal-scene.ts'

export interface EngineOptions {
  databaseUrl: string
  /** Your app: where `api-request-to-your-app` goes. */
  appUrl: string
  /** A receiver of one customer that never answers. */
  hangingUrl: string
  customers: number
  /** The log that it takes in by; null: straight into the database. */
  intakeLog: IntakeLogPlace | null
}

/** An engine with flows in it, ready for events. */
export interface Ready {
  port: number
  paths: InternalPaths
  tokens: string[]
  adminToken: string
  hangingToken: string
  loudToken: string
  workspaceId: string
}

let running: BenchEngine | null = null

async function start(options: EngineOptions): Promise<Ready> {
  const bench = await startBenchEngine(options)
  running = bench
  const { url, port, workspaceId, tokenOf } = bench
  const clientOf = (token: string) => createPermea({ baseUrl: url, token })
  const paths = await defineInternal(bench.admin, url, options.hangingUrl)
  const names = Array.from({ length: options.customers }, (_, index) => `customer-${index}`)
  const tokens = await Promise.all(names.map((id) => tokenOf({ id })))
  const loudToken = await tokenOf({ id: 'loud' })
  const hangingToken = await tokenOf({ id: 'hanging' })
  for (const token of tokens) await enable(clientOf(token), 'to-your-app')
  await enable(clientOf(loudToken), 'loud')
  await enable(clientOf(hangingToken), 'hanging')
  const adminToken = await tokenOf({ isAdmin: true })
  return { port, paths, tokens, adminToken, loudToken, hangingToken, workspaceId }
}

/** Runs that reached a final state, by state. */
async function finished(): Promise<{ completed: number; others: number }> {
  const { values } = (await running?.engine.metrics.runsFinished.get()) ?? { values: [] }
  const of = (isWanted: (state: unknown) => boolean) =>
    values.filter((each) => isWanted(each.labels.state)).reduce((sum, each) => sum + each.value, 0)
  return { completed: of((state) => state === 'completed'), others: of((state) => state !== 'completed') }
}

const asks = {
  start,
  usage: usageNow,
  finished,
  /** Resolves when everything that was taken in by the log is applied. */
  async applied() {
    await running?.engine.intakeLog?.settled()
  },
  async stop() {
    const stopping = running
    running = null
    await stopping?.engine.stop()
  },
}
export type EngineAsks = typeof asks

answerParent(asks)
