import { answering, buildHouse, startReceiver } from '@permea/testkit'
import { expect, test } from 'vitest'
import { maskOf } from '../exchanges/mask.ts'
import { keptBody } from '../exchanges/recorded.ts'

const kept = (text: string) =>
  keptBody({ start: text, bytes: Buffer.byteLength(text) }, maskOf({ args: {}, secrets: 'known-secret' }))

test('a secret that an exchange makes or tells is not in its record, by its name', () => {
  const hook = { config: { url: 'https://x', secret: 'made "just" now' }, client_secret: 'b', access_token: 'c' }
  expect(kept(JSON.stringify({ ...hook, next_page_token: 'd', token: 'e', of: 'known-secret' }))).toMatchObject({
    body: {
      config: { url: 'https://x', secret: '***' },
      client_secret: '***',
      access_token: '***',
      next_page_token: 'd',
      token: '***',
      of: '***',
    },
  })
  expect(kept('url=https%3A%2F%2Fx&webhook%5Bsecret%5D=whsec_1&password=p&x=1')).toMatchObject({
    body: 'url=https%3A%2F%2Fx&webhook%5Bsecret%5D=***&password=***&x=1',
  })
  const cut = kept(`{"list":[${'1,'.repeat(10_000)}{"secret":"whsec_at_the_end`)
  expect(JSON.stringify(cut)).not.toContain('whsec')
  expect(kept('{"a":1,"secret":"whsec_with_no_en')).toMatchObject({ body: '{"a":1,"secret":"***' })
  expect(kept('no secret=here')).toMatchObject({ body: 'no secret=here' })
})

test('a token that is part of the app’s address is not in the record of requests; the host is', async () => {
  await using app = await startReceiver()
  app.behave(answering(200, {}))
  await using house = await buildHouse()
  const baseUri = { $concat: ['http://', { $var: '$.credentials.host' }, '/bot', { $var: '$.credentials.token' }] }
  const options = { only: { type: 'client-credentials', makeApiClient: { type: 'mapping', mapping: { baseUri } } } }
  await house.admin.connectors.create({ body: { key: 'bots', options: options as never } })
  const anna = await house.as('anna')
  const credentials = { host: new URL(app.url).host, token: '110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw' }
  const { id } = await anna.connections.create({ body: { connectorKey: 'bots', credentials } })
  await anna.connections.executeRequest({ params: { selector: id }, body: { key: '/sendMessage' } })
  await house.settle()
  const { items } = await anna.externalApiLogs.list({ query: { connectionId: id } })
  expect(items).toMatchObject([{ requestUrl: `http://${credentials.host}/bot***/sendMessage` }])
})
