import { answering, buildHouse, startReceiver } from '@permea/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SettableClock } from '../platform/clock.ts'
import { createThrottle } from './throttle.ts'

const never = new AbortController().signal

test('turns come no faster than the throttle says, wherever one asks from, also after the clock was set back', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.double({ min: 0.01, max: 1000, noNaN: true }),
      fc.array(fc.integer({ min: -3_600_000, max: 600_000 }), { maxLength: 30 }),
      async (perSecond, steps) => {
        const clock = new SettableClock(new Date(1_700_000_000_000))
        const throttle = createThrottle(clock)
        const everyMs = 1000 / perSecond
        let turns: number[] = []
        for (const step of [0, ...steps]) {
          clock.advance(step)
          if (step < 0) turns = []
          const nowMs = clock.now().getTime()
          const asked = throttle('destination', perSecond, never)
          let answer: Date | null | 'waits' = 'waits'
          void asked.then((given) => {
            answer = given
          })
          // A turn within a second is waited for by the clock; letting it pass shows when it was.
          await Promise.resolve()
          await Promise.resolve()
          if (answer === 'waits') clock.advance(1000)
          const given = await asked
          if (given === null) turns.push(clock.now().getTime())
          else expect(given.getTime()).toBeGreaterThan(nowMs + 1000)
          if (given !== null) expect(given.getTime()).toBeLessThanOrEqual(nowMs + 1000 + everyMs)
        }
        const first = turns[0] ?? 0
        const last = turns.at(-1) ?? 0
        expect(turns.length).toBeLessThanOrEqual((last - first + 1000) / everyMs + 2)
      },
    ),
    { numRuns: 200 },
  )
})

test('destinations that may be sent to seldom do not keep the others from being sent to', async () => {
  await using receiver = await startReceiver()
  await using house = await buildHouse()
  receiver.behave(answering(200))
  const create = (path: string, more: object) =>
    house.admin.notificationEndpoints.create({
      body: { url: `${receiver.url}${path}`, eventTypes: ['alert.created'], concurrency: 100, ...more },
    })
  for (let slow = 0; slow < 12; slow += 1) await create('/slow', { throttlePerSecond: 0.01 })
  const tell = (count: number) =>
    house.engine.database.transaction(async (tx) => {
      for (let made = 0; made < count; made += 1)
        await house.engine.alerts.raise(tx, {
          workspaceId: house.workspace.id,
          key: `of a test ${count} ${made}`,
          type: 'flow_failing',
          severity: 'warning',
          description: 'for a test',
          customerId: null,
          contextKey: null,
          details: null,
        })
    })
  await tell(100)
  await receiver.waitFor(12, (request) => request.path === '/slow')
  await create('/fast', {})
  await tell(1)
  await receiver.waitFor(1, (request) => request.path === '/fast')
  expect(receiver.received.filter((request) => request.path === '/slow')).toHaveLength(12)
  const { items } = await house.admin.deliveries.list({ query: { state: 'pending', limit: 1000 } })
  expect(items).toHaveLength(1000)
})
