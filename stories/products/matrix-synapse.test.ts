import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { asked, createProductProcess, type ProductProcess, python } from './product-process.ts'
import { type ProductStory, startProductStory } from './product-story.ts'

let synapse: ProductProcess
let story: ProductStory
let written: readonly string[] = []
let authorization: string
let room: string
const closing = new AsyncDisposableStack()

beforeAll(async () => {
  synapse = closing.use(
    await createProductProcess({
      command: ({ directory }) => [
        python('python'),
        ...['-m', 'synapse.app.homeserver', '--config-path', `${directory}/homeserver.yaml`],
      ],
      ready: '/_matrix/client/versions',
    }),
  )
  await synapse.write('signing.key', `ed25519 a_story ${randomBytes(32).toString('base64').replace('=', '')}\n`)
  await configure([])
  const made = await call('POST', '/register', { username: 'ann', password: 'ann', auth: { type: 'm.login.dummy' } })
  authorization = `Bearer ${(made as { access_token: string }).access_token}`
  room = ((await call('POST', '/createRoom', { name: 'Hall' })) as { room_id: string }).room_id
  story = closing.use(await startProductStory([synapse.port]))
}, 180_000)

afterAll(() => closing.disposeAsync())

function call(method: string, path: string, json?: unknown): Promise<unknown> {
  return asked(`${synapse.url}/_matrix/client/v3${path}`, {
    method,
    json,
    headers: authorization ? { authorization } : {},
  })
}

const tokenOf = (index: number) => ({ token: `hs-token-${index}`, appServiceToken: `as-token-${index}` })

/** As docs/use/configured-by-file.md says. */
async function configure(urls: readonly string[]): Promise<void> {
  const files = await Promise.all(
    urls.map(async (url) => {
      // A URL keeps the tokens that it was written with.
      const index = written.includes(url) ? written.indexOf(url) : written.length
      if (!written.includes(url)) written = [...written, url]
      const { token, appServiceToken } = tokenOf(index)
      await synapse.write(
        `permea-${index}.yaml`,
        `id: permea-${index}
url: ${url}
hs_token: ${token}
as_token: ${appServiceToken}
sender_localpart: permea-${index}
namespaces: { users: [], aliases: [], rooms: [{ regex: '.*', exclusive: false }] }
`,
      )
      return `${synapse.directory}/permea-${index}.yaml`
    }),
  )
  await synapse.write(
    'homeserver.yaml',
    `server_name: localhost
listeners: [{ port: ${synapse.port}, type: http, bind_addresses: ['127.0.0.1'], resources: [{ names: [client] }] }]
database: { name: sqlite3, args: { database: ${synapse.directory}/homeserver.db } }
pid_file: ${synapse.directory}/pid
media_store_path: ${synapse.directory}/media
signing_key_path: ${synapse.directory}/signing.key
macaroon_secret_key: a secret of the story
form_secret: a secret of the story
report_stats: false
trusted_key_servers: []
enable_registration: true
enable_registration_without_verification: true
app_service_config_files: [${files.join(', ')}]
`,
  )
  await synapse.start()
}

/** Whether the server knows the token of the application service that has this URL. */
async function isKnown(url: string): Promise<boolean> {
  const { appServiceToken } = tokenOf(written.indexOf(url))
  const answer = await fetch(`${synapse.url}/_matrix/client/v3/account/whoami`, {
    headers: { authorization: `Bearer ${appServiceToken}` },
  })
  await answer.body?.cancel()
  return answer.ok
}

test('a message in a room of Synapse becomes a signed delivery while its URL stands in a file of the server', {
  timeout: 180_000,
}, async () => {
  const { payloads, requests } = await story.drive(
    {
      connectorKey: 'matrix-synapse',
      input: { url: synapse.url },
      parameters: (index) => ({ ...tokenOf(index), types: ['m.room.message'] }),
      forged: { events: [] },
      async destinations() {
        const known = await Promise.all(written.map(isKnown))
        return written.filter((_url, index) => known[index])
      },
      configure,
      cause: () => call('PUT', `/rooms/${room}/send/m.room.message/1`, { msgtype: 'm.text', body: 'Grüße 👋' }),
    },
    1,
  )
  expect(payloads).toMatchObject([
    { type: 'm.room.message', room, sender: '@ann:localhost', record: { msgtype: 'm.text', body: 'Grüße 👋' } },
  ])
  // `PUT …/_matrix/app/v1/transactions/1`, a path below the URL that stands in the file.
  expect(requests.at(-1)).toMatchObject({
    status: 'success',
    request: { method: 'PUT', headers: { authorization: '***' } },
  })
})
