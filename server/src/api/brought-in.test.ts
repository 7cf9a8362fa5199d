import { buildHouse, refusalKey } from '@permea/testkit'
import { expect, test } from 'vitest'

/** An id of the product that workspaces are brought from. */
const THEIRS = '68a8a2e78508b934a6350c9b'
const UUID = '4f9c1c1e-0d0a-4f0e-9a55-3d7dd02c0001'

test('elements of another workspace are taken one by one: what they name there is found by key, or left out', async () => {
  await using house = await buildHouse()
  const { admin } = house
  const desk = await admin.integrations.create({
    body: { key: 'Ticket Desk', name: 'Desk', connectorUuid: UUID, connectorKey: 'nowhere' },
  })
  expect(desk).toMatchObject({
    state: 'CONFIGURATION_ERROR',
    errors: [{ message: expect.stringMatching(/no connector/) }],
  })
  const ready = await admin.integrations.create({ body: { key: 'gh', connectorId: THEIRS, connectorKey: 'github' } })
  expect(ready.connectorId).toBeDefined()
  expect(await refusalKey(admin.integrations.create({ body: { key: 'slip', connectorKey: 'githib' } }))).toBe(
    'not_found',
  )

  const key = 'receive-created-Job Candidates-events'
  const theirs = { parentId: THEIRS, parentUuid: UUID, universalParentId: THEIRS }
  // As older exports tell which integration, as newer ones do, and as both do at once.
  const places = [
    { integrationId: THEIRS, integration: { id: THEIRS, key: 'Ticket Desk', name: 'Desk' } },
    { integrationUuid: desk.uuid },
    { integrationId: THEIRS, integrationUuid: desk.uuid },
  ]
  const kinds = [
    (body: object) => admin.flows.create({ body: { key, universalFlowId: THEIRS, ...theirs, ...body } }),
    (body: object) => admin.actions.create({ body: { key, type: 'list-data-records', ...theirs, ...body } }),
    (body: object) => admin.dataSources.create({ body: { key, universalDataSourceId: THEIRS, ...theirs, ...body } }),
    (body: object) =>
      admin.fieldMappings.create({ body: { key, universalFieldMappingId: THEIRS, ...theirs, ...body } }),
  ]
  for (const create of kinds) {
    const universal = await create({})
    expect(universal).toMatchObject({ key, layer: 'universal' })
    for (const [index, place] of places.entries()) {
      const made = await create({ ...place, key: index === 0 ? key : `${key} ${index}` })
      expect([made.integrationId, made.layer]).toEqual([desk.id, 'integration'])
      expect(made.parentId).toBe(index === 0 ? universal.id : undefined)
    }
    expect(await refusalKey(create({ integrationId: THEIRS }))).toBe('not_found')
    expect(await refusalKey(create({ integrationUuid: UUID }))).toBe('not_found')
  }
})

test('elements of an integration that nobody can connect say so, until it is well', async () => {
  await using house = await buildHouse()
  const { admin } = house
  const connector = await admin.connectors.create({
    body: {
      key: 'desk',
      name: 'Desk',
      parametersSchema: { type: 'object', properties: { clientId: { type: 'string' } }, required: ['clientId'] },
    },
  })
  const { id } = await admin.integrations.create({ body: { key: 'desk', connectorId: connector.id } })
  const place = { key: 'theirs', integrationId: id }
  const all = async () => [
    (await admin.flows.list({ query: { integrationId: id } })).items[0],
    (await admin.actions.list({ query: { integrationId: id } })).items[0],
    (await admin.dataSources.list({ query: { integrationId: id } })).items[0],
    (await admin.fieldMappings.list({ query: { integrationId: id } })).items[0],
  ]
  await admin.flows.create({ body: { ...place, nodes: {} } })
  await admin.actions.create({ body: { ...place, type: 'list-data-records' } })
  await admin.dataSources.create({ body: place })
  await admin.fieldMappings.create({ body: place })
  const reference = { type: 'integration', id, key: 'desk', name: 'desk' }
  for (const element of await all())
    expect(element).toMatchObject({
      state: 'CONFIGURATION_ERROR',
      errors: [{ type: 'dependency_error', data: { workspaceElementReference: reference } }],
    })
  await admin.integrations.patch({ params: { selector: id }, body: { parameters: { clientId: 'c' } } })
  for (const element of await all()) expect([element?.state, element?.errors]).toEqual(['READY', undefined])
})
