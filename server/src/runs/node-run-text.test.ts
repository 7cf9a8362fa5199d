import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { NodeRun } from './node-run.ts'
import { countsOf, nodeRunsOfText, nodeRunsText } from './node-run-text.ts'

const RUN = '0190a0a0-0000-7000-8000-000000000001'
const FIRST_MS = Date.UTC(2026, 0, 1)

const json = fc.jsonValue({ maxDepth: 2 })
const nodeRun = fc
  .record({
    key: fc.string({ minLength: 1, unit: 'binary' }),
    depth: fc.nat(3),
    status: fc.constantFrom('completed' as const, 'failed' as const, 'skipped' as const),
    item: fc.option(json, { nil: undefined }),
    outputs: fc.option(fc.array(json, { maxLength: 3 }), { nil: null }),
    message: fc.option(fc.string({ unit: 'binary' }), { nil: null }),
    logs: fc.array(fc.dictionary(fc.string(), json), { maxLength: 2 }),
    afterMs: fc.integer({ min: -5000, max: 10_000_000 }),
    tookMs: fc.nat(100_000),
    attempts: fc.integer({ min: 1, max: 7 }),
    next: fc.option(fc.string({ unit: 'binary' }), { nil: null }),
  })
  .map((each) => {
    const startedMs = FIRST_MS + each.afterMs
    return {
      nodeKey: each.key.toWellFormed(),
      path: `${'loop>e2.'.repeat(each.depth)}${encodeURIComponent(each.key.toWellFormed())}`,
      status: each.status,
      item: each.item === undefined ? null : JSON.stringify(each.item),
      outputs: each.outputs === null ? null : JSON.stringify(each.outputs),
      errors: each.message === null ? [] : [{ type: 'flow_run' as const, message: each.message }],
      logs: each.logs,
      startedAt: new Date(startedMs),
      endedAt: new Date(startedMs + each.tookMs),
      attempts: each.attempts,
      next: each.next,
    }
  })

const withIds = (list: (Omit<NodeRun, 'id' | 'runId' | 'next'> & { next?: string | null })[]): NodeRun[] =>
  list.map((each, index) => ({
    next: null,
    ...each,
    id: `0190a0a0-0000-7000-8000-${String(index).padStart(12, '0')}`,
    runId: RUN,
  }))

test('node runs are read from the row of their run as they were recorded', () => {
  fc.assert(
    fc.property(fc.array(nodeRun, { maxLength: 6 }).map(withIds), (nodeRuns) => {
      const read = nodeRunsOfText(RUN, nodeRunsText(nodeRuns) ?? '')
      // As JSON, in which -0 is 0.
      expect(JSON.parse(JSON.stringify(read))).toEqual(JSON.parse(JSON.stringify(nodeRuns)))
    }),
  )
})

test('counts tell of each node how often it ran, failed and gave something', () => {
  const of = (path: string, status: NodeRun['status'], outputs: string | null) => ({
    nodeKey: path,
    path,
    status,
    item: null,
    outputs,
    errors: [],
    logs: [],
    startedAt: new Date(FIRST_MS),
    endedAt: new Date(FIRST_MS),
    attempts: 1,
  })
  const counts = countsOf(
    withIds([
      of('a', 'completed', null),
      of('b', 'completed', '[1,2]'),
      of('b', 'failed', null),
      of('c', 'skipped', null),
    ]),
  )
  expect(counts).toEqual({
    a: { state: 'completed', runs: 1, erroredRuns: 0, outputs: 1 },
    b: { state: 'failed', runs: 2, erroredRuns: 1, outputs: 2 },
    c: { state: 'completed', runs: 1, erroredRuns: 0, outputs: 0 },
  })
})

test('what is too long for the row of a run has rows of its own', () => {
  const long = withIds([
    {
      nodeKey: 'a',
      path: 'a',
      status: 'completed',
      item: null,
      outputs: JSON.stringify(['x'.repeat(1_100_000)]),
      errors: [],
      logs: [],
      startedAt: new Date(FIRST_MS),
      endedAt: new Date(FIRST_MS),
      attempts: 1,
    },
  ])
  expect(nodeRunsText(long)).toBeNull()
})
