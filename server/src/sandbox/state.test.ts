import { afterAll, expect, test } from 'vitest'
import { SettableClock } from '../platform/clock.ts'
import { fn, openTrial } from './trial.ts'

const clock = new SettableClock(new Date('2026-03-04T05:06:07.089Z'))
const trial = openTrial({ clock, children: 1 })
const { returned, run } = trial
afterAll(() => trial.sandbox.stop())

test('what a call changes is gone with it', async () => {
  const code = `
    let counter = 0
    const kept = []
    export default async function ({ secret }) {
      const before = {
        counter, kept: kept.length, global: typeof globalThis.left, proto: typeof {}.left, array: typeof [].left,
        json: JSON.stringify({ a: 1 }), own: typeof crypto.left, buffer: typeof Buffer.prototype.left, fn: handler.left,
      }
      counter += 1
      kept.push(secret)
      globalThis.left = secret
      Object.prototype.left = secret
      Array.prototype.left = () => secret
      JSON.stringify = () => secret
      crypto.left = secret
      Buffer.prototype.left = secret
      handler.left = secret
      return before
    }
    function handler() {}`
  const first = await returned(code, { args: { secret: 's1' } })
  expect(first).toEqual({
    counter: 0,
    kept: 0,
    global: 'undefined',
    proto: 'undefined',
    array: 'undefined',
    json: '{"a":1}',
    own: 'undefined',
    buffer: 'undefined',
  })
  for (let round = 0; round < 3; round += 1) expect(await returned(code, { args: { secret: 's2' } })).toEqual(first)
})

test('a call that was stopped leaves nothing to the next', async () => {
  const code = `
    let state = 'clean'
    export default async ({ mode }) => {
      const before = state
      state = 'dirty'
      if (mode === 'loop') for (;;);
      if (mode === 'memory') { const a = []; for (;;) a.push(new Uint8Array(1e6).fill(7)) }
      if (mode === 'throw') throw new Error(mode)
      if (mode === 'grow') return [before, new Uint8Array(8e6).fill(1).length]
      return before
    }`
  for (const mode of ['loop', 'memory', 'throw', 'grow', 'grow', 'never']) {
    await run(code, { args: { mode }, owner: mode })
    expect(await returned(code, { args: {}, owner: 'other' })).toBe('clean')
  }
})

test('timers and requests of a call that ended do not reach the next', async () => {
  const leaving = `export default async ({ mode }) => {
    if (mode === 'leave') { setTimeout(() => { globalThis.left = 1 }, 20); return 'left' }
    await new Promise((resolve) => setTimeout(resolve, 60))
    return typeof globalThis.left
  }`
  expect(await returned(leaving, { args: { mode: 'leave' } })).toBe('left')
  expect(await returned(leaving)).toBe('undefined')
})

test('chance differs from call to call, in every form it has', async () => {
  const code = `import { randomBytes, randomUUID, randomInt } from 'node:crypto'
    export default async () => {
      const key = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, true, ['sign'])
      return [
        Math.random(), Math.random(), crypto.randomUUID(), randomUUID(), randomBytes(8).toString('hex'), randomInt(1e12),
        crypto.getRandomValues(new Uint8Array(8)).join(), Buffer.from(await crypto.subtle.exportKey('raw', key)).toString('hex'),
      ]
    }`
  const drawn = (await Promise.all(Array.from({ length: 20 }, () => returned(code)))) as unknown[][]
  const all = drawn.flat()
  expect(new Set(all).size).toBe(all.length)
  for (const [first, second] of drawn) {
    expect(first).toBeGreaterThanOrEqual(0)
    expect(second).toBeLessThan(1)
  }
})

test('the clock is the engine’s, and stands still while the function computes', async () => {
  const code = fn(
    'const a = Date.now(); for (let i = 0; i < 1e6; i++); return [a, Date.now(), new Date().toISOString(), performance.now() === performance.now()]',
  )
  const nowMs = clock.now().getTime()
  expect(await returned(code)).toEqual([nowMs, nowMs, '2026-03-04T05:06:07.089Z', true])
  clock.advance(86_400_000)
  expect(await returned(code)).toEqual([nowMs + 86_400_000, nowMs + 86_400_000, '2026-03-05T05:06:07.089Z', true])
})

test('local time is UTC', async () => {
  expect(await returned(fn('return [new Date().getTimezoneOffset(), new Date(2026, 0, 1).toISOString()]'))).toEqual([
    0,
    '2026-01-01T00:00:00.000Z',
  ])
})

test('calls of one function that overlap do not share memory', async () => {
  const code = `let mine = null
    export default async ({ id }) => {
      const before = mine
      mine = id
      await new Promise((resolve) => setTimeout(resolve, 5 + (id % 7)))
      return [before, mine]
    }`
  const all = await Promise.all(Array.from({ length: 40 }, (_, id) => returned(code, { args: { id } })))
  expect(all).toEqual(Array.from({ length: 40 }, (_, id) => [null, id]))
})

test('functions with the same file name and other code are apart', async () => {
  const results = await Promise.all(
    Array.from({ length: 50 }, (_, n) => returned(`export default () => ${n}`, { owner: `owner-${n % 5}` })),
  )
  expect(results).toEqual(Array.from({ length: 50 }, (_, n) => n))
})
