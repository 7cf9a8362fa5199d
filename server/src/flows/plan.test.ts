import type { FlowNode, FlowNodes } from '@permea/contract'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { loadNodeTypes } from './node-type.ts'
import { flowProblems, planFlow } from './plan.ts'

const types = await loadNodeTypes()

const trigger = (...links: string[]): FlowNode => ({ type: 'api-trigger', links: links.map((key) => ({ key })) })
const step = (...links: string[]): FlowNode => ({
  type: 'transform-data',
  config: { output: 1 },
  links: links.map((key) => ({ key })),
})
/** A map without a prototype would hide what an ordinary object does to strange keys. */
const nodesOf = (entries: [string, FlowNode][]): FlowNodes => Object.fromEntries(entries)

const refusals: { what: string; nodes: FlowNodes; nodeKey: string; says: RegExp }[] = [
  {
    what: 'a type that is not there',
    nodes: { t: trigger('a'), a: { type: 'magic' } },
    nodeKey: 'a',
    says: /no node type "magic"/,
  },
  {
    what: 'a link to nowhere',
    nodes: { t: trigger('a'), a: step('gone') },
    nodeKey: 'a',
    says: /"gone", which is not there/,
  },
  {
    what: 'a link to a trigger',
    nodes: { t: trigger('a'), a: step('t') },
    nodeKey: 'a',
    says: /cannot lead to the trigger "t"/,
  },
  { what: 'no trigger at all', nodes: { a: step('b'), b: step() }, nodeKey: '', says: /no trigger/ },
  {
    what: 'a circle',
    nodes: { t: trigger('a'), a: step('b'), b: step('c'), c: step('b') },
    nodeKey: 'b',
    says: /circle/,
  },
  { what: 'a link to itself', nodes: { t: trigger('a'), a: step('a') }, nodeKey: 'a', says: /circle/ },
  {
    what: 'a circle that no trigger reaches',
    nodes: { t: trigger(), a: step('b'), b: step('a') },
    nodeKey: 'a',
    says: /circle/,
  },
  {
    what: 'a node that no trigger reaches',
    nodes: { t: trigger('a'), a: step(), lonely: step() },
    nodeKey: 'lonely',
    says: /no trigger leads/,
  },
  {
    what: 'a circle through a sub-flow',
    nodes: {
      t: trigger('each'),
      each: { type: 'for-each-v2', config: { items: [1], rootNodeKey: 'in' } },
      in: step('each'),
    },
    nodeKey: 'each',
    says: /circle/,
  },
  {
    what: 'a sub-flow that is not there',
    nodes: { t: trigger('each'), each: { type: 'for-each-v2', config: { items: [1], rootNodeKey: 'gone' } } },
    nodeKey: 'each',
    says: /no node "gone"/,
  },
  {
    what: 'a sub-flow that starts at a trigger',
    nodes: { t: trigger('each'), each: { type: 'for-each-v2', config: { items: [1], rootNodeKey: 't' } } },
    nodeKey: 'each',
    says: /cannot start at a trigger/,
  },
  {
    what: 'a for-each without items and root',
    nodes: { t: trigger('each'), each: { type: 'for-each-v2' } },
    nodeKey: 'each',
    says: /a list .* is needed/,
  },
  {
    what: 'an event trigger without its event',
    nodes: { t: { type: 'app-event-trigger' } },
    nodeKey: 't',
    says: /key of an app event type/,
  },
  {
    what: 'a schedule that is none',
    nodes: { t: { type: 'schedule-trigger', config: { cron: 'often' } } },
    nodeKey: 't',
    says: /./,
  },
  {
    what: 'a time zone that is none',
    nodes: { t: { type: 'schedule-trigger', config: { cron: '0 9 * * *', timeZone: 'Mars/Base' } } },
    nodeKey: 't',
    says: /no time zone "Mars\/Base"/,
  },
  {
    what: 'a request without address',
    nodes: { t: trigger('a'), a: { type: 'custom-http-request', config: { request: {} } } },
    nodeKey: 'a',
    says: /an address/,
  },
  {
    what: 'a request that is none',
    nodes: { t: trigger('a'), a: { type: 'custom-http-request', config: { request: [] } } },
    nodeKey: 'a',
    says: /a request/,
  },
]

describe('is refused, and the problem names the node', () => {
  test.each(refusals)('$what', ({ nodes, nodeKey, says }) => {
    const problems = flowProblems(nodes, types)
    expect(problems.map((each) => each.nodeKey)).toContain(nodeKey)
    expect(problems.find((each) => each.nodeKey === nodeKey)?.message).toMatch(says)
  })

  test('a link whose filter cannot work', () => {
    const nodes = { t: { type: 'api-trigger', links: [{ key: 'a', filter: { $nonsense: 1 } }] }, a: step() }
    const [problem] = flowProblems(nodes, types)
    if (problem !== undefined) expect(problem).toMatchObject({ nodeKey: 't' })
  })

  test('too many nodes', () => {
    const nodes = nodesOf(Array.from({ length: 501 }, (_, index) => [`n${index}`, trigger()]))
    expect(flowProblems(nodes, types)).toMatchObject([{ nodeKey: '', message: expect.stringMatching(/at most 500/) }])
  })
})

test('nothing is wrong with a draft, a diamond, several triggers and links that lead nowhere yet', () => {
  expect(flowProblems({}, types)).toEqual([])
  expect(flowProblems({ t: trigger('a', 'b'), a: step('c'), b: step('c'), c: step() }, types)).toEqual([])
  expect(flowProblems({ t: trigger('a'), u: trigger('a'), a: { ...step(), links: [{}, { key: '' }] } }, types)).toEqual(
    [],
  )
})

describe.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])('the key %s', (key) => {
  test('is a key like any other', () => {
    const nodes = nodesOf([
      ['t', trigger(key)],
      [key, step()],
    ])
    expect(flowProblems(nodes, types)).toEqual([])
    expect([...planFlow(nodes, types).keys()]).toEqual(['t', key])
  })

  test('finds nothing where there is no such node', () => {
    expect(flowProblems({ t: trigger(key) }, types)).toMatchObject([{ nodeKey: 't' }])
    const each: FlowNode = { type: 'for-each-v2', config: { items: [1], rootNodeKey: key } }
    expect(flowProblems({ t: trigger('each'), each }, types)).toMatchObject([{ nodeKey: 'each' }])
    expect(flowProblems({ t: trigger('a'), a: { type: key } }, types)).toMatchObject([{ nodeKey: 'a' }])
  })
})

test('for any links: a flow is taken just when no way leads in a circle and a trigger leads everywhere', () => {
  const graph = fc.array(fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 3 }), { minLength: 7, maxLength: 7 })
  fc.assert(
    fc.property(graph, (links) => {
      const nodes = nodesOf([
        ['t', trigger('n0')],
        ...links.map((to, index): [string, FlowNode] => [`n${index}`, step(...to.map((each) => `n${each}`))]),
      ])
      const waysFrom = (from: number, seen = new Set<number>()): Set<number> => {
        for (const to of links[from] ?? []) {
          if (seen.has(to)) continue
          seen.add(to)
          waysFrom(to, seen)
        }
        return seen
      }
      const hasCircle = links.some((_, index) => waysFrom(index).has(index))
      const reached = waysFrom(0).add(0)
      expect(flowProblems(nodes, types).length === 0).toBe(!hasCircle && reached.size === links.length)
    }),
  )
})

test('a way of five hundred nodes is checked', () => {
  const long = nodesOf([
    ['t', trigger('n0')],
    ...Array.from({ length: 499 }, (_, index): [string, FlowNode] => [
      `n${index}`,
      step(...(index < 498 ? [`n${index + 1}`] : [])),
    ]),
  ])
  expect(flowProblems(long, types)).toEqual([])
})
