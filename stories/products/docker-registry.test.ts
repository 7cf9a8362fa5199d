import { createHash } from 'node:crypto'
import { keptPort } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { asked, createProductProcess, type ProductProcess } from './product-process.ts'
import { type ProductStory, startProductStory } from './product-story.ts'

const TOKEN = 'token-of-the-registry'

let registry: ProductProcess
let debugPort: number
let story: ProductStory
const closing = new AsyncDisposableStack()

beforeAll(async () => {
  debugPort = await keptPort()
  registry = closing.use(
    await createProductProcess({
      command: ({ directory }) => ['docker-registry', 'serve', `${directory}/config.yml`],
      ready: '/v2/',
    }),
  )
  await configure([])
  story = closing.use(await startProductStory([registry.port]))
}, 120_000)

afterAll(() => closing.disposeAsync())

/** As docs/use/configured-by-file.md says. */
async function configure(urls: readonly string[]): Promise<void> {
  const endpoints = urls.map(
    (url, index) => `    - name: permea-${index}
      url: ${url}
      headers: { Authorization: ['Bearer ${TOKEN}'] }
      timeout: 5s
      threshold: 5
      backoff: 1s
`,
  )
  await registry.write(
    'config.yml',
    `version: 0.1
log: { level: error }
storage: { filesystem: { rootdirectory: ${registry.directory}/images } }
http: { addr: '127.0.0.1:${registry.port}', debug: { addr: '127.0.0.1:${debugPort}' } }
notifications:
  endpoints: ${urls.length === 0 ? '[]' : `\n${endpoints.join('')}`}
`,
  )
  await registry.start()
}

/** What the registry says of itself. */
interface Variables {
  registry: { notifications?: { endpoints?: { url: string }[] | null } }
}

async function upload(bytes: string): Promise<string> {
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  const begun = await fetch(`${registry.url}/v2/tools/hammer/blobs/uploads/`, { method: 'POST' })
  const to = new URL(begun.headers.get('location') ?? '')
  to.searchParams.set('digest', digest)
  await asked(to.href, { method: 'PUT', body: bytes, headers: { 'content-type': 'application/octet-stream' } })
  return digest
}

/** What `docker push` sends, for an image of one layer. */
async function push(tag: string): Promise<void> {
  const config = JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] } })
  const layer = 'a layer'
  const type = 'application/vnd.docker.distribution.manifest.v2+json'
  const manifest = {
    schemaVersion: 2,
    mediaType: type,
    config: {
      mediaType: 'application/vnd.docker.container.image.v1+json',
      size: config.length,
      digest: await upload(config),
    },
    layers: [
      {
        mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
        size: layer.length,
        digest: await upload(layer),
      },
    ],
  }
  await asked(`${registry.url}/v2/tools/hammer/manifests/${tag}`, {
    method: 'PUT',
    body: JSON.stringify(manifest),
    headers: { 'content-type': type },
  })
}

test('a push becomes a signed delivery while its URL stands in the file of the registry, and nothing is left after that', {
  timeout: 180_000,
}, async () => {
  const { payloads, requests } = await story.drive(
    {
      connectorKey: 'docker-registry',
      input: { url: registry.url },
      parameters: () => ({ token: TOKEN, tagsOnly: true }),
      forged: { events: [] },
      async destinations() {
        const { registry: said } = (await asked(`http://127.0.0.1:${debugPort}/debug/vars`)) as Variables
        return (said.notifications?.endpoints ?? []).map(({ url }) => url)
      },
      configure,
      cause: () => push('1.0'),
    },
    1,
  )
  expect(payloads).toMatchObject([
    { type: 'push', record: { repository: 'tools/hammer', tag: '1.0', digest: expect.stringMatching(/^sha256:/) } },
  ])
  // Two blobs and the manifest, each in a request of its own.
  expect(requests[0]).toMatchObject({ status: 'success', request: { headers: { authorization: '***' } } })
})
