import type { FlowNode, FlowNodes } from '@permea/contract'
import { expect, test } from 'vitest'
import { loadNodeTypes } from './node-type.ts'
import { isStreamed } from './streaming.ts'

const types = await loadNodeTypes()
const item = { $var: '$.input.loop.item.id' }

function flow(changes: Record<string, Partial<FlowNode>>): FlowNodes {
  const nodes: FlowNodes = {
    start: { type: 'api-trigger', links: [{ key: 'people' }] },
    people: { type: 'list-data-records', config: { dataSource: { key: 'people' } }, links: [{ key: 'loop' }] },
    loop: { type: 'for-each-v2', config: { items: { $var: '$.input.people' }, rootNodeKey: 'tell' } },
    tell: { type: 'api-request-to-your-app', config: { request: { uri: '/x', body: { people: item } } } },
    after: { type: 'transform-data', config: { output: 1 } },
  }
  return Object.fromEntries(Object.entries(nodes).map(([key, node]) => [key, { ...node, ...changes[key] }]))
}
const loopOf = (config: object) => ({ config: { items: { $var: '$.input.people' }, rootNodeKey: 'tell', ...config } })
const tell = (body: unknown) => ({ tell: { config: { request: { uri: '/x', body } } } })

test('a list goes into a for-each page by page where nothing else looks at it', () => {
  expect(isStreamed('people', flow({}), types)).toBe(true)
  expect(isStreamed('people', flow({ loop: loopOf({ items: { $var: 'input.people' } }) }), types)).toBe(true)
  const code = 'export default ({ input }) => input.loop.item.salespeople'
  expect(isStreamed('people', flow({ tell: { type: 'run-javascript', config: { code } } }), types)).toBe(true)
})

const gathered: [string, Record<string, Partial<FlowNode>>][] = [
  ['something comes after the for-each', { loop: { ...loopOf({}), links: [{ key: 'after' }] } }],
  ['the list goes to two nodes', { people: { links: [{ key: 'loop' }, { key: 'after' }] } }],
  ['the link has a condition', { people: { links: [{ key: 'loop', filter: { $var: '$.output' } }] } }],
  ['the list goes elsewhere', { people: { links: [{ key: 'after' }] } }],
  ['the list goes nowhere', { people: { links: [{ key: 'constructor' }] } }],
  ['the items are another list', { loop: loopOf({ items: { $var: '$.input.start.items' } }) }],
  ['the items are a part of it', { loop: loopOf({ items: { $var: '$.input.people[0].items' } }) }],
  ['the items are made of it', { loop: loopOf({ items: { $jsonata: 'input.people' } }) }],
  ['an inner node counts the list', tell({ all: { $var: '$.input.people.length' } })],
  ['an inner node takes all of the input', tell({ all: { $var: '$.input' } })],
  ['an inner node takes everything', tell({ all: { $var: '$' } })],
  ['an expression takes all of the input', tell({ all: { $jsonata: '$count($keys(input))' } })],
  ['an expression names it', tell({ all: { $jsonata: 'input.(people)' } })],
  [
    'code names it',
    { tell: { type: 'run-javascript', config: { code: 'export default ({ input: { people } }) => people' } } },
  ],
  ['a condition inside names it', { tell: { links: [{ key: 'after', filter: { $var: '$.input.people[0]' } }] } }],
]

test.each(gathered)('a list is put out as a whole where %s', (_, changes) => {
  expect(isStreamed('people', flow(changes), types)).toBe(false)
})
