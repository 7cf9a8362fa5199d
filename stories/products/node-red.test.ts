import { until } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { asked, createProductProcess, type ProductProcess, packaged } from './product-process.ts'
import { type ProductStory, startProductStory } from './product-story.ts'

let red: ProductProcess
let story: ProductStory
const closing = new AsyncDisposableStack()

beforeAll(async () => {
  red = closing.use(
    await createProductProcess({
      command: ({ port, directory }) => [
        process.execPath,
        packaged('node-red/red.js'),
        ...['--userDir', directory, '--port', String(port), '-D', 'uiHost=127.0.0.1'],
      ],
      ready: '/settings',
    }),
  )
  await red.start()
  story = closing.use(await startProductStory([red.port]))
}, 120_000)

afterAll(() => closing.disposeAsync())

interface Node {
  type: string
  label?: string
  func?: string
}

test('what a flow of Node-RED is sent becomes a signed delivery, and the flow is gone after the subscription', {
  timeout: 180_000,
}, async () => {
  const { payloads, requests } = await story.drive(
    {
      connectorKey: 'node-red',
      input: { url: red.url },
      parameters: () => ({ path: '/orders' }),
      async destinations() {
        const { flows } = (await asked(`${red.url}/flows`, { headers: { 'Node-RED-API-Version': 'v2' } })) as {
          flows: Node[]
        }
        return flows.flatMap(({ func }) => /url: "([^"]+)"/.exec(func ?? '')?.[1] ?? [])
      },
      // A flow that is there answers a moment later.
      cause: () =>
        until('Node-RED has the path', 30_000, async () => {
          const { status } = await fetch(`${red.url}/orders`, {
            method: 'POST',
            body: '{"order":7,"total":"9.99"}',
            headers: { 'content-type': 'application/json' },
          })
          return status !== 404
        }),
    },
    1,
  )
  expect(payloads).toEqual([{ type: 'received', record: { order: 7, total: '9.99' } }])
  expect(requests[0]?.request.headers.authorization).toBe('***')
})
