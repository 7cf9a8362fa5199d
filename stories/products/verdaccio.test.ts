import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { asked, createProductProcess, type ProductProcess, packaged } from './product-process.ts'
import { type ProductStory, startProductStory } from './product-story.ts'

const TOKEN = 'token-of-verdaccio'
const USER = { name: 'ann', password: 'ann, who publishes' }

let verdaccio: ProductProcess
let authorization: string
let story: ProductStory
const closing = new AsyncDisposableStack()

beforeAll(async () => {
  verdaccio = closing.use(
    await createProductProcess({
      command: ({ directory, port }) => [
        process.execPath,
        packaged('verdaccio/bin/verdaccio'),
        ...['--config', `${directory}/config.yaml`, '--listen', `127.0.0.1:${port}`],
      ],
      ready: '/-/ping',
    }),
  )
  await configure([])
  const made = await asked(`${verdaccio.url}/-/user/org.couchdb.user:${USER.name}`, { method: 'PUT', json: USER })
  authorization = `Bearer ${(made as { token: string }).token}`
  story = closing.use(await startProductStory([verdaccio.port]))
}, 120_000)

afterAll(() => closing.disposeAsync())

/** As docs/use/configured-by-file.md says. */
async function configure(urls: readonly string[]): Promise<void> {
  const endpoints = urls.map(
    (url, index) => `  permea-${index}:
    method: POST
    headers: [{ 'Content-Type': 'application/json' }, { 'Authorization': 'Bearer ${TOKEN}' }]
    endpoint: ${url}
    content: '{"type":"{{publishType}}","name":"{{name}}","published":"{{publishedPackage}}","latest":"{{dist-tags.latest}}","by":"{{publisher.name}}"}'
`,
  )
  await verdaccio.write(
    'config.yaml',
    `storage: ./storage
auth: { htpasswd: { file: ./htpasswd } }
web: { enable: false }
packages: { '**': { access: $all, publish: $authenticated } }
log: { type: stdout, level: error }
${urls.length === 0 ? '' : `notify:\n${endpoints.join('')}`}`,
  )
  await verdaccio.start()
}

/** What `npm publish` sends. */
function publish(version: string): Promise<unknown> {
  const name = '@tools/hammer'
  const file = `hammer-${version}.tgz`
  const bytes = Buffer.from('a package')
  return asked(`${verdaccio.url}/@tools%2fhammer`, {
    method: 'PUT',
    headers: { authorization },
    json: {
      _id: name,
      name,
      'dist-tags': { latest: version },
      versions: {
        [version]: {
          _id: `${name}@${version}`,
          name,
          version,
          dist: { tarball: `${verdaccio.url}/@tools/hammer/-/${file}` },
        },
      },
      _attachments: {
        [file]: { content_type: 'application/octet-stream', data: bytes.toString('base64'), length: bytes.length },
      },
    },
  })
}

test('a publication becomes a signed delivery while its URL stands in the file of Verdaccio, and nobody is told after that', {
  timeout: 180_000,
}, async () => {
  const { payloads } = await story.drive(
    {
      connectorKey: 'verdaccio',
      input: { url: verdaccio.url, ...USER },
      parameters: () => ({ token: TOKEN }),
      forged: { type: 'publish', name: 'left-pad' },
      // It tells nobody what it was configured with.
      async destinations() {
        const file = await readFile(`${verdaccio.directory}/config.yaml`, 'utf8')
        return [...file.matchAll(/endpoint: (\S+)/g)].map(([, url]) => url ?? '')
      },
      configure,
      cause: () => publish('1.0.0'),
    },
    1,
  )
  expect(payloads).toEqual([
    {
      type: 'publish',
      record: { name: '@tools/hammer', published: '@tools/hammer@1.0.0', latest: '1.0.0' },
      by: 'ann',
    },
  ])
  // It answers a publication after everybody was told.
  const told = async () => (await story.engine.as({ id: 'acme' }).incomingWebhooks.list()).items.length
  const before = await told()
  await publish('1.0.1')
  expect(await told()).toBe(before)
})
