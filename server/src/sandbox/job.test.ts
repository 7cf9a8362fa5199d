import { expect, test } from 'vitest'
import { ByteBudget } from './byte-budget.ts'
import type { GuestAnswer, SandboxHost } from './call.ts'
import { type Ending, Job } from './job.ts'
import type { DoneReply, WaitingReply } from './messages.ts'
import { recordedHost } from './recorded-host.ts'

// What a child says that something has broken out of: the engine neither believes it nor falls over it.

const limits = {
  cpuMs: 250,
  wallMs: 15_000,
  memoryBytes: 1e6,
  argsBytes: 1e6,
  resultBytes: 100,
  logBytes: 100,
  hostCalls: 3,
  waitMs: 1000,
}

function begun(host: SandboxHost = recordedHost().host) {
  const ready = Promise.withResolvers<void>()
  let ending: Ending | null = null
  const job = new Job({
    id: 1,
    call: { code: '', fileName: 'f.js', owner: 'o', argsJson: '{}', clients: ['apiClient'], host },
    payer: 'p',
    owner: 'o',
    code: Buffer.alloc(0),
    hash: '',
    fileName: 'f.js',
    limits,
    requestBudget: new ByteBudget(1e6),
    keptBudget: new ByteBudget(1e6),
    nowMs: () => 0,
    onReady: () => ready.resolve(),
    onEnd: (_job, how) => {
      ending = how
    },
  })
  job.begin()
  return { job, ready: ready.promise, ending: () => ending }
}

const slice = { id: 1, cpuUs: 0, loadUs: 0, logs: [] as [string, string][], memoryBytes: 0, forgotten: [] }
const waiting = (more: Partial<WaitingReply> = {}): WaitingReply => ({
  ...slice,
  type: 'waiting',
  calls: [],
  wakeAtMs: null,
  ...more,
})
const done = (outcome: object): DoneReply => ({ ...slice, type: 'done', calls: [], outcome: outcome as never })
const asking = (text: string) =>
  [waiting({ calls: [{ kind: 'request', bytes: text.length }] }), Buffer.from(text)] as const
const answering = (answer: GuestAnswer): SandboxHost => ({
  request: () => Promise.resolve(answer),
  fetch: () => Promise.resolve(answer),
})
const request = JSON.stringify({ client: 'apiClient', request: { method: 'GET', uri: '/x' } })

test('a request that is no JSON, and an answer that cannot be written as JSON, fail like any other request', async () => {
  let deep: unknown = 1
  for (let depth = 0; depth < 200_000; depth += 1) deep = [deep]
  const cases = [
    [begun(), asking('{')],
    [begun(answering({ kind: 'failed', error: { message: 'no', data: deep } })), asking(request)],
  ] as const
  for (const [{ job, ready }, [reply, body]] of cases) {
    job.heard(reply, body)
    await ready
    const [answer] = job.resume().answers
    expect(JSON.parse(answer?.headJson ?? '')).toEqual({
      kind: 'failed',
      error: { message: 'the request could not be made' },
    })
  }
})

test('a child that goes beyond the limits of a call has crashed', () => {
  const many = Array.from({ length: 4 }, () => ({ kind: 'request' as const, bytes: 0 }))
  const cases: [WaitingReply | DoneReply, Buffer][] = [
    [waiting({ logs: [['info', 'x'.repeat(2000)]] }), Buffer.alloc(0)],
    [waiting({ calls: many }), Buffer.alloc(0)],
    [done({ kind: 'returned', hasResult: true }), Buffer.alloc(101)],
  ]
  for (const [reply, body] of cases) {
    const { job, ending } = begun()
    expect(() => job.heard(reply, body)).toThrow('than it may')
    expect(ending()).toMatchObject({ kind: 'failed', failure: 'crashed' })
  }
})

test('a failure whose parts are not what they should be is told all the same', () => {
  const { job, ending } = begun()
  job.heard(done({ kind: 'failed', failure: 'thrown', message: { toString: 1 }, stack: {}, key: [] }), Buffer.alloc(0))
  expect(ending()).toMatchObject({ kind: 'failed', failed: { message: '', stack: undefined, key: undefined } })
})
