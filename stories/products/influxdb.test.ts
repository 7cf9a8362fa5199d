import { until } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { asked, createProductProcess, type ProductProcess } from './product-process.ts'
import { type ProductStory, startProductStory } from './product-story.ts'

let influx: ProductProcess
let story: ProductStory
const closing = new AsyncDisposableStack()

beforeAll(async () => {
  influx = closing.use(
    await createProductProcess({
      command: ({ directory }) => ['influxd', '-config', `${directory}/influxdb.conf`],
      ready: '/ping',
    }),
  )
  await influx.write(
    'influxdb.conf',
    `reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
dir = "${influx.directory}/meta"
[data]
dir = "${influx.directory}/data"
wal-dir = "${influx.directory}/wal"
[http]
bind-address = "127.0.0.1:${influx.port}"
log-enabled = false
[monitor]
store-enabled = false
`,
  )
  await influx.start()
  await query('CREATE DATABASE shop')
  story = closing.use(await startProductStory([influx.port]))
}, 120_000)

afterAll(() => closing.disposeAsync())

interface Shown {
  results: { series?: { columns: string[]; values: unknown[][] }[] }[]
}

const query = (q: string) =>
  asked(`${influx.url}/query`, { method: 'POST', body: new URLSearchParams({ q }) }) as Promise<Shown>

const write = (lines: string) => asked(`${influx.url}/write?db=shop`, { method: 'POST', body: lines })

test('points written to InfluxDB become signed deliveries, and its subscription is gone after ours', {
  timeout: 180_000,
}, async () => {
  const { payloads, requests } = await story.drive(
    {
      connectorKey: 'influxdb',
      input: { url: influx.url },
      parameters: () => ({ database: 'shop' }),
      async destinations() {
        const { results } = await query('SHOW SUBSCRIPTIONS')
        // Columns: policy, name, mode, destinations. User and password of the address are of ours.
        return (results[0]?.series ?? []).flatMap(({ values }) =>
          values.flatMap((row) => (row[3] as string[]).map((each) => each.replace(/\/\/[^@/]*@/, '//'))),
        )
      },
      cause: async () => {
        // It says so before it does so.
        await until('InfluxDB sends to it', 20_000, async () =>
          JSON.stringify(await query("SHOW STATS FOR 'subscriber'")).includes(
            '/webhooks/external-event-subscriptions/',
          ),
        )
        await write('cpu,host=a\\ b,room=1 value=1.5,note="so, \\"there\\"" 1700000000000000001\nmem used=12i,full=t')
      },
    },
    2,
  )
  expect(payloads.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)))).toMatchObject([
    {
      type: 'created',
      database: 'shop',
      measurement: 'cpu',
      tags: { host: 'a b', room: '1' },
      fields: { value: 1.5, note: 'so, "there"' },
      // Nanoseconds are more than a double holds.
      time: '1700000000000000001',
    },
    { measurement: 'mem', tags: {}, fields: { used: '12', full: true } },
  ])
  expect(requests).toMatchObject([{ status: 'success', request: { headers: { authorization: '***' } } }])
})
