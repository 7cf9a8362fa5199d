import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  addApp,
  answering,
  buildHouse,
  connectApp,
  createEmptyDatabase,
  type House,
  type Receiver,
  startReceiver,
} from '@permea/testkit'
import express from 'express'
import RED from 'node-red'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startParse } from './parse-process.ts'

// Two products that nobody here wrote, through collections of a connector: their records are listed, made, changed and
// deleted through the engine and by hand in the product, and each change is noticed once. Neither tells of changes here: the
// engine looks.

const APPLICATION_ID = 'permea-story'
const MASTER_KEY = 'master-key-of-the-story'

let receiver: Receiver
let house: House
const closing = new AsyncDisposableStack()

beforeAll(async () => {
  receiver = closing.use(await startReceiver())
  receiver.behave(answering(200))
  house = closing.use(await buildHouse({ appBaseUri: receiver.url, clock: 'settable' }))
}, 120_000)

afterAll(() => closing.disposeAsync())

/** A product as the story drives it: by hand. */
interface Product {
  url: string
  /** Of its collection `things`: a title that can be changed. */
  create(title: string): Promise<string>
  change(id: string, title: string): Promise<unknown>
  remove(id: string): Promise<unknown>
  titles(): Promise<string[]>
}

const javascript = (code: string) => ({
  run: `export default async (given) => { const { apiClient } = given; ${code} }`,
})

async function startParseProduct(): Promise<{ product: Product; data: Record<string, unknown> }> {
  const database = closing.use(await createEmptyDatabase())
  const parse = closing.use(await startParse(database.url, { applicationId: APPLICATION_ID, masterKey: MASTER_KEY }))
  const product: Product = {
    url: parse.url,
    async create(title) {
      return ((await parse.call('POST', '/classes/Thing', { title })) as { objectId: string }).objectId
    },
    change: (id, title) => parse.call('PUT', `/classes/Thing/${id}`, { title }),
    remove: (id) => parse.call('DELETE', `/classes/Thing/${id}`),
    async titles() {
      const { results } = (await parse.call('GET', '/classes/Thing?order=createdAt')) as {
        results: { title: string }[]
      }
      return results.map((each) => each.title)
    },
  }
  const headers = `{ headers: { 'X-Parse-Application-Id': '${APPLICATION_ID}', 'X-Parse-Master-Key': '${MASTER_KEY}' } }`
  const things = {
    name: 'Things',
    fieldsSchema: {
      type: 'object',
      properties: { objectId: { type: 'string', readOnly: true }, title: { type: 'string' } },
    },
    methods: {
      // Two on a page, so that a scan has several.
      list: javascript(`
        const skip = Number(given.cursor ?? 0)
        const { results } = await apiClient.get('/classes/Thing', { order: 'createdAt', limit: 2, skip }, ${headers})
        return { records: results, ...(results.length === 2 ? { cursor: String(skip + 2) } : {}) }`),
      findById: javascript(`return { record: await apiClient.get('/classes/Thing/' + given.id, {}, ${headers}) }`),
      create: javascript(`
        const { objectId } = await apiClient.post('/classes/Thing', given.fields, ${headers})
        return { id: objectId }`),
      update: javascript(
        `await apiClient.put('/classes/Thing/' + given.id, given.fields, ${headers}); return { id: given.id }`,
      ),
      delete: javascript(`await apiClient.delete('/classes/Thing/' + given.id, {}, ${headers})`),
    },
    recordFromFields: {
      type: 'mapping',
      mapping: { id: { $var: '$.fields.objectId' }, name: { $var: '$.fields.title' } },
    },
  }
  return { product, data: { things } }
}

async function startNodeRed(): Promise<{ product: Product; data: Record<string, unknown> }> {
  const userDir = await mkdtemp(path.join(tmpdir(), 'permea-node-red-'))
  closing.defer(() => rm(userDir, { recursive: true, force: true }))
  const app = express()
  const server = createServer(app)
  RED.init(server, { httpAdminRoot: '/red', httpNodeRoot: '/', userDir, logging: { console: { level: 'off' } } })
  app.use('/red', RED.httpAdmin)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  await RED.start()
  closing.defer(async () => {
    await RED.stop()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/red`
  const call = async (method: string, at: string, body?: object) => {
    const answer = await fetch(`${url}${at}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`Node-RED answered ${answer.status}: ${await answer.text()}`)
    return answer.status === 204 ? null : ((await answer.json()) as unknown)
  }
  const product: Product = {
    url,
    create: async (title) => ((await call('POST', '/flow', { label: title, nodes: [] })) as { id: string }).id,
    change: (id, title) => call('PUT', `/flow/${id}`, { id, label: title, nodes: [] }),
    remove: (id) => call('DELETE', `/flow/${id}`),
    async titles() {
      const nodes = (await call('GET', '/flows')) as { type: string; label: string }[]
      return nodes.filter((each) => each.type === 'tab').map((each) => each.label)
    },
  }
  const things = {
    name: 'Tabs',
    fieldsSchema: { type: 'object', properties: { id: { type: 'string', readOnly: true }, title: { type: 'string' } } },
    methods: {
      list: javascript(`
        const nodes = await apiClient.get('/flows')
        return { records: nodes.filter((each) => each.type === 'tab') }`),
      findById: javascript('return { record: await apiClient.get("/flow/" + given.id) }'),
      create: javascript('const { id } = await apiClient.post("/flow", { ...given.fields, nodes: [] }); return { id }'),
      update: javascript(
        'await apiClient.put("/flow/" + given.id, { id: given.id, ...given.fields, nodes: [] }); return { id: given.id }',
      ),
      delete: javascript('await apiClient.delete("/flow/" + given.id)'),
    },
    fieldsFromApi: { type: 'mapping', mapping: { id: { $var: '$.fields.id' }, title: { $var: '$.fields.label' } } },
    fieldsToApi: { type: 'mapping', mapping: { label: { $var: '$.fields.title' } } },
    recordFromFields: { type: 'mapping', mapping: { id: { $var: '$.fields.id' }, name: { $var: '$.fields.title' } } },
  }
  return { product, data: { things } }
}

const told = (what: string, key: string) =>
  receiver.received.filter((each) => each.path === `/${key}/${what}`).map((each) => (each.json as { id: string }).id)

test.each([
  ['parse', startParseProduct],
  ['node-red', startNodeRed],
])('records of %s, through the engine and by hand, all noticed once', { timeout: 120_000 }, async (key, start) => {
  const { product, data } = await start()
  await addApp(house, { key, url: product.url, data: data as never })
  const { client, connection } = await connectApp(house, { customer: 'acme', integrationKey: key })
  const before = await product.create('There before')
  for (const what of ['created', 'updated', 'deleted']) {
    const flowKey = `${key}-${what}`
    const dataSource = { collectionKey: 'things', fullSyncIntervalSeconds: 60 }
    await house.admin.flows.create({
      body: {
        key: flowKey,
        nodes: {
          t: { type: `data-record-${what}-trigger`, config: { dataSource }, links: [{ key: 'tell' }] },
          tell: {
            type: 'api-request-to-your-app',
            config: {
              request: { method: 'POST', uri: `${key}/${what}`, body: { id: { $var: '$.input.t.record.id' } } },
            },
          },
        },
      },
    })
    await client.flowInstances.getByQuery({ query: { flowKey, connectionId: connection.id, autoCreate: true } })
  }
  await house.settle()
  const records = client.dataCollections
  const params = { connectionSelector: connection.id, key: 'things' }
  const { id: mine } = await records.createRecord({ params, body: { fields: { title: 'Through the engine' } } })
  const theirs = await product.create('By hand')
  await house.advance(80_000)
  expect(told('created', key).toSorted()).toEqual([mine, theirs].toSorted())
  const { records: listed } = await records.listRecords({ params, body: {} })
  expect(listed.map((each) => each.id)).toContain(before)
  expect((await records.findRecordById({ params, body: { id: mine } })).record).toMatchObject({
    name: 'Through the engine',
  })

  await records.updateRecord({ params, body: { id: theirs, fields: { title: 'Changed here' } } })
  await product.change(mine, 'Changed there')
  await house.advance(80_000)
  expect(told('updated', key).toSorted()).toEqual([mine, theirs].toSorted())
  expect(await product.titles()).toEqual(expect.arrayContaining(['Changed here', 'Changed there', 'There before']))

  await records.deleteRecord({ params, body: { id: before } })
  await product.remove(theirs)
  await house.advance(80_000)
  expect(told('deleted', key).toSorted()).toEqual([before, theirs].toSorted())
  await house.advance(80_000)
  expect(['created', 'updated', 'deleted'].map((what) => told(what, key).length)).toEqual([2, 2, 2])
})
