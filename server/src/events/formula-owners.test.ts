import { sendEvents } from '@permea/sdk'
import { buildHouse } from '@permea/testkit'
import { expect, test } from 'vitest'

test('a $jsonata formula finds the customer, and each event of a batch says by itself what is wrong with it', async () => {
  await using house = await buildHouse()
  await house.admin.customers.create({ body: { internalId: 'customer-x' } })
  const type = await house.admin.appEventTypes.create({
    body: { key: 'e', tenantIdFormula: { $jsonata: 'account.owners[0].id' }, userIdFormula: { $var: '$.userId' } },
  })
  const answer = await sendEvents(type.globalWebhookUri, [
    { account: { owners: [{ id: 'customer-x' }] } },
    { userId: 'customer-x' },
    { account: {} },
    'not an object' as unknown as Record<string, unknown>,
  ])
  expect(answer.results.map((result) => ('id' in result ? 'accepted' : result.error.key))).toEqual([
    'accepted',
    'accepted',
    'customer_unresolved',
    'event_not_an_object',
  ])
})

test('a customer does not see the address or the requests of an event type', async () => {
  await using house = await buildHouse()
  const { globalWebhookUri, webhookKey } = await house.admin.appEventTypes.create({
    body: {
      key: 'e',
      tenantIdFormula: { $var: '$.id' },
      subscribeRequest: { uri: 'https://app.example.com/subscribe' },
    },
  })
  const customer = await house.as('customer-x')
  await customer.appEventSubscriptions.getByQuery({ query: { appEventTypeKey: 'e', autoCreate: true } })
  const seen = JSON.stringify([
    await customer.appEventTypes.get({ params: { selector: 'e' } }),
    await customer.appEventTypes.list(),
    await customer.appEventSubscriptions.list(),
  ])
  for (const secret of [globalWebhookUri, webhookKey, 'tenantIdFormula']) expect(seen).not.toContain(secret)
})
