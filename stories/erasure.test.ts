import { createEngineProcess, createTestDatabase, until } from '@permea/testkit'
import pg from 'pg'
import { expect, test } from 'vitest'

// Erasing goes on where it stood, whoever dies meanwhile, and says exactly what it erased.

const ROWS = 8000
const WITHIN_MS = 120_000

test('killed in the middle, with another process beside, an erasure goes on and counts every row once', {
  timeout: 240_000,
}, async () => {
  await using database = await createTestDatabase()
  const options = { databaseUrl: database.url, reachablePorts: [] }
  await using one = await createEngineProcess(options)
  await using other = await createEngineProcess(options)
  await Promise.all([one.start(), other.start()])
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  try {
    const admin = one.as({ isAdmin: true })
    const type = await admin.appEventTypes.create({ body: { key: 'order', name: 'Order' } })
    const ids: string[] = []
    for (const name of ['anna', 'bert']) {
      await one.as({ id: name }).customers.self()
      const { rows } = await client.query<{ id: string }>('select id from customers where internal_id = $1', [name])
      ids.push(rows[0]?.id ?? '')
    }
    const [anna, bert] = ids
    const moment = Date.now().toString(16).padStart(12, '0')
    for (const customer of ids)
      await client.query(
        `insert into app_events (id, workspace_id, customer_id, app_event_type_id, payload)
         select ($1 || '7' || substr(md5(n || $2), 1, 3) || '8' || substr(md5($2 || n), 1, 15))::uuid, c.workspace_id, c.id,
                t.id, '{"n":' || n || '}'
           from generate_series(1, $3::int) n, customers c, app_event_types t where c.id = $2::text::uuid and t.key = 'order'`,
        [moment, customer, ROWS],
      )
    expect(type.key).toBe('order')
    const countOf = async (customer: string | undefined) => {
      const { rows } = await client.query<{ count: number }>(
        'select count(*)::int as count from app_events where customer_id = $1',
        [customer],
      )
      return rows[0]?.count ?? 0
    }

    const { id } = await admin.erasures.begin({ params: { selector: 'anna' } })
    await until('some of it is erased', WITHIN_MS, async () => (await countOf(anna)) < ROWS)
    await Promise.all([one.kill('SIGKILL'), other.kill('SIGKILL')])
    const left = await countOf(anna)
    expect(left).toBeGreaterThan(0)
    expect(left).toBeLessThan(ROWS)

    await other.start()
    const { erasures } = other.as({ isAdmin: true })
    await until('the erasure is completed', WITHIN_MS, async () => {
      return (await erasures.get({ params: { id } })).status === 'completed'
    })
    const { erased } = await erasures.get({ params: { id } })
    expect(erased.find(({ place }) => place === 'app_events')).toEqual({ place: 'app_events', rows: ROWS })
    expect([await countOf(anna), await countOf(bert)]).toEqual([0, ROWS])
  } finally {
    await client.end()
  }
})
