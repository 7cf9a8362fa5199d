import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { MembraneClient } from '@membranehq/sdk'
import { buildHouse, type House } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

// Every method of every accessor of the published client is called once with texts and once with objects as selectors; a
// server that answers anything notes where. None of those places may be unknown to this engine.

/** Of the vendor's own console, and of what it sells. */
const NOT_HERE = [/^\/packages?(?:\/|$)/, /^\/screens?(?:\/|$)/]
/** What opens a window, or waits for one; and of the client itself verbs with any path. */
const LEFT_OUT = /^(?:_|fetch|on|open|embed|connect$|reconnect|createConnection|wait|close|constructor$)/i
const VERBS = /^(?:get|post|put|patch|delete)$/

let house: House
let anything: Server
const called = new Set<string>()

beforeAll(async () => {
  house = await buildHouse()
  anything = createServer((request, response) => {
    called.add(`${request.method} ${request.url}`)
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ id: 'x', key: 'x', state: 'completed', items: [], records: [] }))
    })
  })
  await new Promise<void>((resolve) => anything.listen(0, '127.0.0.1', resolve))
})

afterAll(async () => {
  anything.closeAllConnections()
  anything.close()
  await house[Symbol.asyncDispose]()
})

type Any = Record<string, unknown>

function membersOf(accessor: object): string[] {
  const names = new Set<string>()
  for (let at: object | null = accessor; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at))
    for (const name of Object.getOwnPropertyNames(at)) names.add(name)
  const isClient = accessor instanceof MembraneClient
  return [...names].filter((name) => !LEFT_OUT.test(name) && !(isClient && VERBS.test(name)))
}

const isAccessor = (value: unknown): value is Any =>
  typeof value === 'object' && value !== null && /Accessor$/.test(value.constructor.name)

/** Follows accessors to accessors; of each kind one by text and one by object. */
async function walk(at: object, selector: unknown, seen: Set<string>): Promise<void> {
  for (const name of membersOf(at)) {
    const member = (at as Any)[name]
    if (isAccessor(member)) await into(member, selector, seen)
    if (typeof member !== 'function') continue
    try {
      const answer: unknown = member.call(at, selector, { query: 'q', id: 'x' }, 'x')
      if (isAccessor(answer)) await into(answer, selector, seen)
      else await answer
    } catch {
      // What it asks for before it calls anything, or makes of such an answer, is no matter here.
    }
  }
}

async function into(accessor: Any, selector: unknown, seen: Set<string>): Promise<void> {
  const kind = `${accessor.constructor.name} ${typeof selector}`
  if (seen.has(kind)) return
  seen.add(kind)
  await walk(accessor, selector, seen)
}

test('wherever the published client calls, there is something', async () => {
  const token = await house.tokenOf({ isAdmin: true })
  const { port } = anything.address() as AddressInfo
  const client = new MembraneClient({ token, apiUri: `http://127.0.0.1:${port}` })
  for (const selector of ['x', { key: 'x' }]) await walk(client, selector, new Set())
  const places = [...called]
    .map((each) => each.split(' ') as [string, string])
    .filter(([, url]) => !NOT_HERE.some((not) => not.test(url.split('?')[0] ?? '')) && !url.includes('object%20Object'))
  expect(places.length).toBeGreaterThan(200)
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const unknown: string[] = []
  for (const [method, url] of places) {
    const body = method === 'GET' ? {} : { body: '{}' }
    const text = await (await fetch(house.url + url, { method, headers, ...body })).text()
    if (text.includes('there is nothing at')) unknown.push(`${method} ${url}`)
  }
  expect(unknown).toEqual([])
}, 60_000)
