import { buildHouse } from '@permea/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'

test('events that the database cannot hold the name of harm none that come at the same moment', async () => {
  await using house = await buildHouse()
  await house.admin.customers.create({ body: { internalId: 'customer-x' } })
  const { globalWebhookUri } = await house.admin.appEventTypes.create({
    body: { key: 'e', tenantIdFormula: { $var: '$.of' } },
  })
  const names = fc.constantFrom('customer-x', 'customer-x', 'nobody', 'customer\0x', '\ud800', '')
  const sent = fc.sample(fc.array(fc.array(names, { minLength: 1, maxLength: 5 }), { minLength: 20, maxLength: 20 }), {
    numRuns: 3,
    seed: 7,
  })
  for (const group of sent) {
    const said = await Promise.all(
      group.map(async (batch) => {
        const body = JSON.stringify(batch.map((of) => ({ of })))
        const headers = { 'content-type': 'application/json' }
        const answer = await fetch(globalWebhookUri, { method: 'POST', headers, body })
        const { results } = (await answer.json()) as { results: ({ id: string } | { error: { key: string } })[] }
        return results.map((each) => ('id' in each ? 'accepted' : each.error.key))
      }),
    )
    expect(said).toEqual(
      group.map((batch) =>
        batch.map((of) => (of === 'customer-x' ? 'accepted' : of === '' ? 'customer_unresolved' : 'customer_unknown')),
      ),
    )
  }
})

test('a request that is repeated is counted once, and its events are announced once', async () => {
  await using house = await buildHouse()
  const customer = await house.as('customer-x')
  await house.admin.appEventTypes.create({ body: { key: 'e' } })
  const { webhookUri } = await customer.appEventSubscriptions.getByQuery({
    query: { appEventTypeKey: 'e', autoCreate: true },
  })
  const before = await counted(house)
  const send = () =>
    fetch(webhookUri, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'once' },
      body: '{"n":1}',
    }).then((answer) => answer.json())
  const [first, ...others] = [await send(), await send(), await send()]
  expect(others).toEqual([first, first])
  expect((await counted(house)) - before).toBe(1)
  expect((await customer.appEvents.list()).items).toHaveLength(1)
})

async function counted(house: {
  engine: { metrics: { eventsAccepted: { get(): Promise<unknown> } } }
}): Promise<number> {
  const { values } = (await house.engine.metrics.eventsAccepted.get()) as { values: { value: number }[] }
  return values[0]?.value ?? 0
}
