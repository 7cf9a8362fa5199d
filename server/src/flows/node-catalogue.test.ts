import { buildHouse } from '@permea/testkit'
import { expect, test } from 'vitest'
import { checkSchema } from '../api/json-schema.ts'
import { NODE_ABOUT } from './node-catalogue.ts'
import { loadNodeTypes } from './node-type.ts'

test('every kind of node is described, with a schema that compiles, and nothing else is', async () => {
  const types = new Set([...(await loadNodeTypes()).values()].map((each) => each.type))
  expect([...types].sort()).toEqual(Object.keys(NODE_ABOUT).sort())
  for (const { config } of Object.values(NODE_ABOUT)) await checkSchema(config)
})

test('the API tells of each kind once, with its other names', async () => {
  await using house = await buildHouse()
  const { items } = await house.admin.flowNodeTypes.list()
  expect(new Set(items.map((each) => each.type)).size).toBe(items.length)
  expect(items.find((each) => each.type === 'custom-http-request')).toMatchObject({
    title: 'HTTP request',
    aliases: ['api-request'],
    isTrigger: false,
    hasEffect: true,
  })
})
