import { buildHouse, type House } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

let house: House

beforeAll(async () => {
  house = await buildHouse()
})

afterAll(() => house[Symbol.asyncDispose]())

test('every vendor has a handle that can be saved as it is', async () => {
  const { items } = await house.admin.webhookVendors.list()
  expect(items.length).toBeGreaterThan(90)
  for (const { key, handle } of items)
    expect([key, await house.engine.functions.problem({ type: 'javascript', code: handle }, 'handle.js')]).toEqual([
      key,
      null,
    ])
})

test('a vendor is told with its scheme, its tolerance, its handshake and what identifies an event', async () => {
  const { items } = await house.admin.webhookVendors.list()
  expect(items.find(({ key }) => key === 'slack')).toMatchObject({
    name: 'Slack',
    scheme: 'HMAC-SHA-256 of v0:{header:x-slack-request-timestamp}:{body}, hex after v0=, in header x-slack-signature',
    toleranceSeconds: 300,
    handshake: { key: 'slack', withinSeconds: 3 },
    eventId: ['body event_id'],
    dedupeKey: { path: 'id' },
    parametersSchema: { required: ['secret'], properties: { secret: { type: 'string', format: 'password' } } },
    connectorKey: 'slack',
    checked: '@slack/bolt@5.1.0',
  })
})
