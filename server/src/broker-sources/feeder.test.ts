import { buildHouse, type House, until } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../platform/clock.ts'
import { silentLog } from '../platform/log.ts'
import { createMetrics } from '../platform/metrics.ts'
import type { Workspace } from '../workspaces/workspace.ts'
import { createFeeder } from './feeder.ts'

let house: House

beforeAll(async () => {
  house = await buildHouse()
  await house.admin.appEventTypes.create({ body: { key: 'order' } })
  await house.admin.brokerSources.create({
    body: { key: 'main', appEventTypeId: 'order', url: 'nats://127.0.0.1:9/orders' },
  })
})
afterAll(() => house[Symbol.asyncDispose]())

test('from the moment at which a workspace is being deleted, nothing of it is read', async () => {
  const { database, ownership } = house.engine
  let archivedAt: Date | null = null
  let looks = 0
  let connections = 0
  let closed = 0
  const feeder = createFeeder({
    ...{
      database,
      ownership,
      clock: systemClock,
      log: silentLog,
      metrics: createMetrics(),
      random: Math.random,
      tracing: null,
    },
    ...{ sealing: { open: (text: string) => text } as never, live: { changed() {} }, sweepMs: 20 },
    rates: { admit() {} } as never,
    quotas: { admit() {} },
    refusedRequests: { noteMessage() {} },
    accept: async () => [],
    directory: {
      async find(id) {
        looks += 1
        return { id, archivedAt } as Workspace
      },
    },
    outbound: {
      async read() {
        connections += 1
        const close = async () => {
          closed += 1
        }
        const ended = new Promise<Error>(() => {})
        return { kind: 'reading', reading: { ended, lag: async () => null, close } }
      },
    },
  })
  feeder.start()
  await until('it is read', 20_000, () => connections === 1)
  archivedAt = new Date()
  await until('it is let go', 20_000, () => closed === 1)
  const before = looks
  await until('it was looked for again', 20_000, () => looks > before + 3)
  expect([connections, closed]).toEqual([1, 1])
  // That it is not read hangs on the workspace alone.
  archivedAt = null
  await until('it is read again', 20_000, () => connections === 2)
  await feeder.stop()
  expect(closed).toBe(2)
})
