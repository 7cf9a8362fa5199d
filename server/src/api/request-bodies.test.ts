import { buildHouse } from '@permea/testkit'
import { expect, test } from 'vitest'
import { DEFINITION_VALUES_MAX } from '../bodies/limits.ts'

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)

test('what defines something holds only so many values, data many more', async () => {
  await using house = await buildHouse()
  const { admin } = house
  const acme = await house.as('acme')
  const wide = numbers(DEFINITION_VALUES_MAX)
  const deep = numbers(DEFINITION_VALUES_MAX / 10).map((n) => `value ${n} of what one request defines, and a long one`)
  for (const value of [wide, [...wide, ...deep]])
    await expect(
      admin.customers.create({ body: { internalId: 'many', name: 'many', fields: { value } } }),
    ).rejects.toMatchObject({
      status: 400,
      key: 'malformed_body',
      message: expect.stringContaining(`more than ${DEFINITION_VALUES_MAX} values`),
    })
  expect((await admin.customers.list()).items.map(({ internalId }) => internalId)).not.toContain('many')

  await admin.customers.create({ body: { internalId: 'some', name: 'some', fields: { value: deep } } })
  const nodes = { start: { type: 'api-trigger', links: [] } }
  await admin.flows.create({ body: { key: 'taken', name: 'taken', nodes } })
  const instance = await acme.flowInstances.create({ body: { flowKey: 'taken', enabled: true } })
  const run = await acme.flowRuns.create({ body: { flowInstanceId: instance.id, input: { wide } } })
  expect(run.id).toMatch(/^fr_/)
})
