import type { ServerResponse } from 'node:http'
import { addApp, buildHouse, connectApp, type House, type Receiver, startReceiver, until } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ConnectionFunctionCall } from '../connections/app-calls.ts'
import { fromWire } from '../platform/ids.ts'

// What functions receive from a connection's app counts like what they fetch; what others receive does not.

const ANSWER_BYTES = 9_000_000
/** Of the 64 MiB that one function may hold. */
const ANSWERS_THAT_FIT = 7

let app: Receiver
let house: House

beforeAll(async () => {
  app = await startReceiver()
  house = await buildHouse()
  await addApp(house, { url: app.url })
})

afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})

async function heldBytes(): Promise<number> {
  const metrics = await (await fetch(`${house.url}/metrics`)).text()
  return Number(/^permea_function_request_bytes (\d+)$/m.exec(metrics)?.[1])
}

const SIX = `export default async ({ apiClient }) => {
  const answers = await Promise.allSettled([1, 2, 3, 4, 5, 6].map(() => apiClient.get('/long', {}, { responseType: 'arraybuffer' })))
  return answers.map(({ value, reason }) => reason === undefined ? value.byteLength : [reason.type, reason.key])
}`

test('what a function receives through its API client counts, and a mapping beside it is answered all the same', async () => {
  const { connection: made } = await connectApp(house, { customer: 'acme' })
  const connection = await house.engine.connections.byId(house.workspace.id, fromWire('con', made.id) ?? '')
  if (connection === null) throw new Error('the connection is not there')
  const begun: ServerResponse[] = []
  app.behave(({ path }, response) => {
    if (path !== '/long') return void response.end('short')
    begun.push(response)
    response.writeHead(200, { 'content-length': ANSWER_BYTES, 'content-type': 'application/octet-stream' })
    response.write(Buffer.alloc(ANSWER_BYTES - 1))
  })
  const call = (definition: ConnectionFunctionCall['definition']) =>
    house.engine.appRequests.callFunction(connection, {
      definition,
      slot: 'test',
      sourceId: null,
      limits: { cpuMs: 10_000, memoryBytes: 128 * 1024 * 1024 },
    })

  const calls = [call({ type: 'javascript', code: SIX }), call({ type: 'javascript', code: SIX })]
  const refused = 2 * 6 - ANSWERS_THAT_FIT
  await until('what does not fit is dropped', 10_000, () => begun.filter((each) => each.destroyed).length === refused)
  await until(
    'what fits is there but for its end',
    10_000,
    async () => (await heldBytes()) > ANSWERS_THAT_FIT * ANSWER_BYTES,
  )
  expect(await heldBytes()).toBeLessThanOrEqual(64 * 1024 * 1024)
  const mapping = { type: 'rest-api-mapping' as const, mapping: { path: '/short', method: 'GET' } }
  expect(await call(mapping)).toMatchObject({ kind: 'returned', value: 'short' })
  for (const response of begun) response.end('.')

  const outcomes = await Promise.all(calls)
  const told = outcomes.flatMap((outcome) => (outcome.kind === 'returned' ? (outcome.value as unknown[]) : [outcome]))
  expect(told.filter((each) => each === ANSWER_BYTES)).toHaveLength(ANSWERS_THAT_FIT)
  const others = told.filter((each) => each !== ANSWER_BYTES)
  expect(others).toEqual(others.map(() => ['custom_code', 'limit_exceeded']))
  expect(await heldBytes()).toBe(0)

  await house.engine.appRequests.settled()
  const { items } = await house.admin.externalApiLogs.list({ query: { limit: 100 } })
  const errors = items.map(({ error }) => error).filter((error) => error !== undefined && error !== null)
  expect(JSON.stringify(errors)).toContain('more is being received than may be held at the same time')
})
