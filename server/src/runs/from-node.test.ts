import { expect, test } from 'vitest'
import { keptBefore } from './from-node.ts'
import type { NodeRun } from './node-run.ts'

const at = new Date(0)

function ran(path: string, status: NodeRun['status'] = 'completed'): NodeRun {
  const nodeKey = decodeURIComponent(path.slice(path.lastIndexOf('.') + 1))
  return {
    id: path,
    runId: '',
    nodeKey,
    path,
    status,
    item: null,
    outputs: '[1]',
    errors: [],
    logs: [],
    startedAt: at,
    endedAt: at,
    attempts: 1,
    next: null,
  }
}

const LINE = ['start', 'start>0.find', 'start>0.find>0.post', 'start>0.find>1.post', 'start>0.find>0.post>0.tell'].map(
  (path) => ran(path),
)
const pathsOf = (nodeRuns: readonly NodeRun[]) => nodeRuns.map(({ path }) => path)

test('what comes before a node stays, the node and what follows from it does not', () => {
  expect(pathsOf(keptBefore(LINE, 'post'))).toEqual(['start', 'start>0.find'])
  expect(pathsOf(keptBefore(LINE, 'tell'))).toEqual(pathsOf(LINE.slice(0, 4)))
  expect(keptBefore(LINE, 'start')).toEqual([])
})

test('what failed is done anew, wherever it stands', () => {
  const runs = [
    ...LINE.slice(0, 3),
    ran('start>0.find>1.post', 'failed'),
    ran('start>1.note', 'failed'),
    ran('start>2.skip', 'skipped'),
  ]
  expect(pathsOf(keptBefore(runs, 'nowhere'))).toEqual(['start', 'start>0.find', 'start>0.find>0.post', 'start>2.skip'])
})

test('of a list only the rounds that are done anew go, and what waits for all of them', () => {
  const runs = [
    'start',
    'start>0.each',
    'start>0.each>e0.look',
    'start>0.each>e0.look>0.send',
    'start>0.each>e1.look',
    'start>0.each>e1.look>0.send',
    'start>0.each>0.sum',
    'start>1.other',
  ].map((path) => ran(path))
  const failed = runs.map((each) => (each.path === 'start>0.each>e1.look>0.send' ? ran(each.path, 'failed') : each))
  expect(pathsOf(keptBefore(failed, 'nowhere'))).toEqual([
    'start',
    'start>0.each>e0.look',
    'start>0.each>e0.look>0.send',
    'start>0.each>e1.look',
    'start>1.other',
  ])
  expect(pathsOf(keptBefore(runs, 'sum'))).toEqual(pathsOf(runs.filter(({ nodeKey }) => nodeKey !== 'sum')))
  expect(pathsOf(keptBefore(runs, 'each'))).toEqual(['start', 'start>1.other'])
})

test('lists in lists', () => {
  const runs = ['a', 'a>e0.b', 'a>e0.b>e0.c', 'a>e0.b>e1.c', 'a>e0.b>0.d', 'a>e1.b', 'a>e1.b>e0.c', 'a>0.z'].map(
    (path) => ran(path),
  )
  const failed = runs.map((each) => (each.path === 'a>e0.b>e1.c' ? ran(each.path, 'failed') : each))
  expect(pathsOf(keptBefore(failed, 'nowhere'))).toEqual(['a>e0.b>e0.c', 'a>e1.b', 'a>e1.b>e0.c'])
})
