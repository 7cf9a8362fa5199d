import {
  answering,
  buildHouse,
  errorOfConnector,
  type House,
  type Receiver,
  startReceiver,
  valueOfConnector,
} from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

const WEBHOOK_URI = 'https://permea.example/webhooks/1'
const CREDENTIALS = {
  serverUrl: 'https://parse.example/parse/',
  applicationId: 'app',
  masterKey: 'master',
  webhookKey: 'webhook-key',
}
const STATE = { className: 'GameScore', triggerName: 'afterSave', url: WEBHOOK_URI, webhookKey: 'webhook-key' }
const EVENT = 'events.object-trigger'

let house: House

beforeAll(async () => {
  house = await buildHouse()
})

afterAll(() => house[Symbol.asyncDispose]())

interface Hook {
  className: string
  triggerName: string
  url: string
}

/** The Hooks API: one hook for each class and trigger. */
function behaveAsParse(app: Receiver, hooks: Hook[]): void {
  app.behave((request, response) => {
    const [className, triggerName] = request.path.split('/').slice(3)
    const at = hooks.findIndex((hook) => hook.className === className && hook.triggerName === triggerName)
    const body = request.json as (Hook & { __op?: string }) | undefined
    if (request.method === 'GET') return answering(200, hooks)(request, response)
    if (request.method === 'POST' && body !== undefined) hooks.push(body)
    if (request.method === 'PUT' && body?.__op === 'Delete') hooks.splice(at, 1)
    else if (request.method === 'PUT') Object.assign(hooks[at] ?? {}, body)
    return answering(200, {})(request, response)
  })
}

const subscribe = (app: Receiver, parameters: object = { className: 'GameScore' }) => ({
  connector: 'parse-server',
  slot: `${EVENT}.subscribe`,
  apiUrl: app.url,
  args: { webhookUri: WEBHOOK_URI, credentials: CREDENTIALS, parameters },
})

test('subscribing makes a hook once, and does not take one that is somebody else’s', async () => {
  await using app = await startReceiver()
  const hooks: Hook[] = [{ className: 'Player', triggerName: 'afterSave', url: 'https://cloud.example/secret-path' }]
  behaveAsParse(app, hooks)
  expect(await valueOfConnector(house, subscribe(app))).toEqual({ state: STATE })
  expect(await valueOfConnector(house, subscribe(app))).toEqual({ state: STATE })
  expect(hooks.slice(1)).toEqual([{ className: 'GameScore', triggerName: 'afterSave', url: WEBHOOK_URI }])
  const taken = await errorOfConnector(house, subscribe(app, { className: 'Player' }))
  expect(taken).toContain('Player has a webhook for afterSave already: https://cloud.example')
  expect(taken).not.toContain('secret-path')
})

test('an event is passed on where the webhook key is right, and Parse Server is answered as it expects', async () => {
  const request = (body: object, key = 'webhook-key') => ({
    connector: 'parse-server',
    slot: `${EVENT}.handle`,
    args: {
      data: body,
      rawBody: JSON.stringify(body),
      query: {},
      state: STATE,
      headers: { 'x-parse-webhook-key': key },
    },
  })
  const object = { className: 'GameScore', objectId: 'x1', score: 1337, createdAt: '2026-01-01T00:00:00.000Z' }
  const saved = { triggerName: 'afterSave', object, master: true }
  const answer = { response: { status: 200, data: { success: true } } }
  expect(await valueOfConnector(house, request(saved))).toMatchObject({
    events: [{ type: 'created', record: object, original: null }],
    ...answer,
  })
  expect(await valueOfConnector(house, request({ ...saved, original: object }))).toMatchObject({
    events: [{ type: 'updated', original: object }],
    ...answer,
  })
  expect(await valueOfConnector(house, request({ triggerName: 'afterDelete', object }))).toMatchObject({
    events: [{ type: 'deleted' }],
    ...answer,
  })
  for (const key of ['webhook-kez', '', 'webhook-key-and-more'])
    expect(await errorOfConnector(house, request(saved, key))).toContain('does not bring the webhook key')
})

test('unsubscribing deletes the hook if it is still ours', async () => {
  await using app = await startReceiver()
  const hooks: Hook[] = [{ className: 'GameScore', triggerName: 'afterSave', url: WEBHOOK_URI }]
  behaveAsParse(app, hooks)
  const unsubscribe = {
    connector: 'parse-server',
    slot: `${EVENT}.unsubscribe`,
    apiUrl: app.url,
    args: { state: STATE },
  }
  await valueOfConnector(house, unsubscribe)
  expect(hooks).toEqual([])
  await valueOfConnector(house, unsubscribe)
  hooks.push({ className: 'GameScore', triggerName: 'afterSave', url: 'https://cloud.example' })
  await valueOfConnector(house, unsubscribe)
  expect(hooks).toHaveLength(1)
})

test('refreshing puts back a hook that was deleted in the app, and moves ours to a new address', async () => {
  await using app = await startReceiver()
  const hooks: Hook[] = []
  behaveAsParse(app, hooks)
  const refresh = (webhookUri: string, state: object = STATE) =>
    valueOfConnector(house, {
      connector: 'parse-server',
      slot: `${EVENT}.refresh`,
      apiUrl: app.url,
      args: { webhookUri, state, parameters: {} },
    })
  await refresh(WEBHOOK_URI)
  expect(hooks).toEqual([{ className: 'GameScore', triggerName: 'afterSave', url: WEBHOOK_URI }])
  expect(await refresh('https://new.example/1')).toEqual({ state: { ...STATE, url: 'https://new.example/1' } })
  expect(hooks).toMatchObject([{ url: 'https://new.example/1' }])
})

test('requests carry application id and master key, and the connection is tested with what only it may read', async () => {
  const make = {
    connector: 'parse-server',
    slot: 'options.master-key.makeApiClient',
    args: { credentials: CREDENTIALS },
  }
  expect(await valueOfConnector(house, make)).toEqual({
    baseUri: 'https://parse.example/parse',
    headers: { 'x-parse-application-id': 'app', 'x-parse-master-key': 'master' },
  })
  await using app = await startReceiver()
  behaveAsParse(app, [])
  const test_ = { connector: 'parse-server', slot: 'options.master-key.test', apiUrl: app.url }
  expect(await valueOfConnector(house, test_)).toBe(true)
  app.behave(answering(403, { error: 'unauthorized' }))
  expect(await errorOfConnector(house, test_)).toContain('403')
})

test('operations send what the REST API of Parse wants', async () => {
  await using app = await startReceiver()
  const run = (operation: string, input: object) =>
    valueOfConnector(house, {
      connector: 'parse-server',
      slot: `operations.${operation}.run`,
      apiUrl: app.url,
      args: { input },
    })
  app.behave(answering(201, { objectId: 'x1', createdAt: '2026-01-01T00:00:00.000Z' }))
  expect(await run('create-object', { className: 'GameScore', object: { score: 1 } })).toMatchObject({ objectId: 'x1' })
  expect(app.received.at(-1)).toMatchObject({ path: '/classes/GameScore', json: { score: 1 } })
  app.behave(answering(200, { results: [{ objectId: 'x1' }] }))
  expect(await run('query-objects', { className: 'GameScore', where: { score: 1 } })).toEqual([{ objectId: 'x1' }])
  expect(new URL(app.received.at(-1)?.path ?? '', app.url).searchParams.get('where')).toBe('{"score":1}')
})
