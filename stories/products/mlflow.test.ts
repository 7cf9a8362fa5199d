import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { asked, createProductProcess, type ProductProcess, python } from './product-process.ts'
import { type ProductStory, startProductStory } from './product-story.ts'

let mlflow: ProductProcess
let story: ProductStory
const closing = new AsyncDisposableStack()

beforeAll(async () => {
  mlflow = closing.use(
    await createProductProcess({
      command: ({ directory, port }) => [
        python('mlflow'),
        ...['server', '--backend-store-uri', `sqlite:///${directory}/mlflow.db`, '--workers', '1'],
        ...['--host', '127.0.0.1', '--port', String(port)],
      ],
      env: () => ({
        MLFLOW_WEBHOOK_ALLOWED_SCHEMES: 'http',
        MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS: 'true',
        MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY: `${randomBytes(32).toString('base64url')}=`,
        // A webhook that was just made counts at once.
        MLFLOW_WEBHOOK_CACHE_TTL: '0',
        MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false',
        DO_NOT_TRACK: 'true',
      }),
      ready: '/health',
    }),
  )
  await mlflow.start()
  story = closing.use(await startProductStory([mlflow.port]))
}, 180_000)

afterAll(() => closing.disposeAsync())

test('a model registered with MLflow becomes a signed delivery, and the webhook is gone after the subscription', {
  timeout: 180_000,
}, async () => {
  const api = `${mlflow.url}/api/2.0/mlflow`
  const { payloads, requests } = await story.drive(
    {
      connectorKey: 'mlflow',
      input: { url: mlflow.url },
      forged: { entity: 'registered_model', action: 'created', data: {} },
      async destinations() {
        const { webhooks = [] } = (await asked(`${api}/webhooks`)) as { webhooks?: { url: string }[] }
        return webhooks.map(({ url }) => url)
      },
      cause: () =>
        asked(`${api}/registered-models/create`, {
          method: 'POST',
          json: { name: 'hammer', description: 'drives nails – “well”', tags: [{ key: 'team', value: 'tools' }] },
        }),
    },
    1,
  )
  expect(payloads).toMatchObject([
    {
      type: 'registered_model.created',
      record: { name: 'hammer', description: 'drives nails – “well”', tags: { team: 'tools' } },
    },
  ])
  expect(requests[0]).toMatchObject({
    status: 'success',
    request: { headers: { 'x-mlflow-signature': '***', 'x-mlflow-timestamp': expect.stringMatching(/^\d{10}$/) } },
  })
})
