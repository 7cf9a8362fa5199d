import { buildHouse, type House, until } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

let house: House

beforeAll(async () => {
  house = await buildHouse()
})

afterAll(() => house[Symbol.asyncDispose]())

test('every vendor has a handle that can be saved as it is', { timeout: 120_000 }, async () => {
  const { items } = await house.admin.webhookVendors.list()
  expect(items.length).toBeGreaterThan(90)
  const problem = async (code: string) => {
    // On a busy machine the first call waits for its process longer than it may.
    const { found } = await until('the source is looked at', 90_000, async () => {
      const found = await house.engine.functions.problem({ type: 'javascript', code }, 'handle.js')
      return found?.message.includes('was not done') === true ? undefined : { found }
    })
    return found
  }
  // All of them as one source, which is read as fast as one of them.
  const imports = "import { handshakes, verify } from 'permea:webhooks'\n"
  const all = items.map(({ key, handle }) =>
    handle.replace(/^import .*\n/, '').replace('export default async function handle', `export async function ${key}`),
  )
  expect(await problem(`${imports}${all.join('')}export default () => null\n`)).toBeNull()
  for (const { key, handle } of items.filter((each) => ['ebay', 'slack', 'appStore'].includes(each.key)))
    expect([key, await problem(handle)]).toEqual([key, null])
  expect(await problem(`${imports}${all.join('').replace('await verify', 'await await(')}`)).not.toBeNull()
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
