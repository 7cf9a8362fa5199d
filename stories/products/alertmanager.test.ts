import { afterAll, beforeAll, expect, test } from 'vitest'
import { asked, createProductProcess, type ProductProcess } from './product-process.ts'
import { type ProductStory, startProductStory } from './product-story.ts'

const TOKEN = 'token-of-the-alertmanager'

let alertmanager: ProductProcess
let story: ProductStory
const closing = new AsyncDisposableStack()

beforeAll(async () => {
  alertmanager = closing.use(
    await createProductProcess({
      command: ({ port, directory }) => [
        'prometheus-alertmanager',
        `--config.file=${directory}/alertmanager.yml`,
        `--storage.path=${directory}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
        // No cluster.
        '--cluster.listen-address=',
      ],
      ready: '/-/ready',
    }),
  )
  await write([])
  await alertmanager.start()
  story = closing.use(await startProductStory([alertmanager.port]))
}, 120_000)

afterAll(() => closing.disposeAsync())

/** As docs/use/configured-by-file.md says. */
function write(urls: readonly string[]): Promise<void> {
  const webhooks = urls.map(
    (url) => `      - url: ${url}\n        http_config: { authorization: { credentials: ${TOKEN} } }\n`,
  )
  return alertmanager.write(
    'alertmanager.yml',
    `route: { receiver: permea, group_wait: 10ms, group_by: [alertname] }
receivers:
  - name: permea
    webhook_configs: ${urls.length === 0 ? '[]' : `\n${webhooks.join('')}`}
`,
  )
}

interface Status {
  config: { original: string }
}

test('an alert becomes a signed delivery while its URL stands in the file of Alertmanager, and nothing is left after that', {
  timeout: 180_000,
}, async () => {
  // It writes no zeros at the end of a fraction.
  const startsAt = new Date(Math.floor(Date.now() / 1000 - 60) * 1000 + 123).toISOString()
  const { payloads, requests } = await story.drive(
    {
      connectorKey: 'alertmanager',
      input: { url: alertmanager.url },
      parameters: () => ({ token: TOKEN }),
      forged: { version: '4', alerts: [], groupKey: '{}' },
      async destinations() {
        const { config } = (await asked(`${alertmanager.url}/api/v2/status`)) as Status
        return [...config.original.matchAll(/- url: (\S+)|[^_]url: (http\S+)/g)].map(([, a, b]) => a ?? b ?? '')
      },
      async configure(urls) {
        await write(urls)
        await asked(`${alertmanager.url}/-/reload`, { method: 'POST' })
      },
      cause: () =>
        asked(`${alertmanager.url}/api/v2/alerts`, {
          method: 'POST',
          json: [{ labels: { alertname: 'DiskFull', host: 'a' }, annotations: { summary: '“/” is full' }, startsAt }],
        }),
    },
    1,
  )
  expect(payloads).toMatchObject([
    {
      type: 'firing',
      group: '{}:{alertname="DiskFull"}',
      record: {
        labels: { alertname: 'DiskFull', host: 'a' },
        annotations: { summary: '“/” is full' },
        startsAt,
        endsAt: null,
      },
    },
  ])
  expect(requests).toMatchObject([{ status: 'success', request: { headers: { authorization: '***' } } }])
})
