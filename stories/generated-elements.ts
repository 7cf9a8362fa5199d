import fc from 'fast-check'

// Elements as workspaces of others hold them: with what exports write into them, half of it of no meaning here, with holes,
// with keys of people, and formulas of every kind.

type Json = Record<string, unknown>

/** An id of another workspace. */
const theirId = fc.stringMatching(/^[0-9a-f]{24}$/)
const moment = fc.date({ min: new Date('2023-01-01'), max: new Date('2026-11-30'), noInvalidDate: true })
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined, freq: 2 })
const word = fc.constantFrom('id', 'name', 'Job Candidates', 'primaryEmail', 'gid', 'custom_fields', 'Ünï', 'a b', '0')

const locator = fc
  .tuple(
    fc.constantFrom('$.', ''),
    fc.array(
      word.filter((each) => !/[^A-Za-z_]/.test(each)),
      { minLength: 1, maxLength: 3 },
    ),
  )
  .map(([root, path]) => `${root}${path.join('.')}`)
const scalar = fc.oneof(
  fc.constantFrom('Slack', '', '2026-11-30', 'a: b'),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
)

const { formula } = fc.letrec<{ formula: unknown }>((tie) => {
  const inner = tie('formula')
  const list = fc.array(inner, { minLength: 1, maxLength: 3 })
  return {
    formula: fc.oneof(
      { maxDepth: 4, depthIdentifier: 'formula' },
      fc.oneof(locator, fc.constant('$')).map(($var) => ({ $var })),
      scalar,
      list.map(($firstNotEmpty) => ({ $firstNotEmpty })),
      list.map(($concat) => ({ $concat })),
      list.map(($and) => ({ $and })),
      list.map(($or) => ({ $or })),
      fc
        .array(fc.record({ filter: inner, value: inner }), { minLength: 1, maxLength: 2 })
        .map((cases) => ({ $case: { cases, default: null } })),
      fc.tuple(inner, scalar).map(([$eval, is]) => ({ $eval, is })),
      fc.tuple(locator, inner).map(([$var, item]) => ({ $iterate: { source: { $var }, item } })),
      fc
        .tuple(inner, fc.array(fc.record({ from: scalar, to: scalar }), { maxLength: 2 }))
        .map(([value, mapping]) => ({ $map: { value, mapping } })),
      fc.tuple(locator, word, word).map(([value, key, returns]) => ({ $lookup: { value, key, returns } })),
      fc.constantFrom('fields.name & "!"', '$sum(items.amount)').map(($jsonata) => ({ $jsonata })),
      inner.map(($firstName) => ({ $firstName })),
      inner.map(($lastName) => ({ $lastName })),
      inner.map(($extractDate) => ({ $extractDate })),
      inner.map((name) => ({ $tpl: { template: 'Hello {name} {', values: { name } } })),
      inner.map((recordId) => ({ $findAppRecordId: { dataLinkTable: { key: 'users' }, recordId } })),
      inner.map(($formula) => ({ $formula })),
      inner.map(($record) => ({ $record })),
      fc.dictionary(word, inner, { maxKeys: 3, noNullPrototype: true }),
      fc.array(inner, { maxLength: 2 }),
    ),
  }
})
const fields = fc.dictionary(word, formula, { minKeys: 0, maxKeys: 4, noNullPrototype: true })

const schema = fc.oneof(
  fc.constant({}),
  fc.constant({ type: 'object', properties: { id: { type: 'string' } } }),
  fc.constant({ $ref: 'schemas/ticket' }),
  fc.constant({ type: 'object', properties: { owner: { referenceUdm: 'users', type: 'string', title: 'Owner' } } }),
  fc.constant({ type: 'object', properties: { of: { $dataSchemaRef: { type: 'internal-data-schema', key: 'x' } } } }),
  fc.constant({
    type: 'object',
    properties: { at: { type: 'string', format: 'date-time', default: null } },
    required: [],
  }),
)

const dataSource = fc.oneof(
  fc.constant({}),
  word.map((key) => ({ key })),
  fc.constantFrom('contacts', 'tasks').map((udm) => ({ udm })),
  word.map((collectionKey) => ({ collectionKey, defaultPath: `/data/${collectionKey}`, udm: 'users' })),
  fc.tuple(word, fields).map(([collectionKey, collectionParameters]) => ({ collectionKey, collectionParameters })),
  fc.constant('contacts'),
)
const fieldMapping = fc.oneof(
  fc.constant({}),
  word.map((key) => ({ key })),
  fc.tuple(word, formula, fc.boolean()).map(([key, input, includeRawFields]) => ({ key, input, includeRawFields })),
  fields.map((importValue) => ({ importValue })),
  fields.map((defaultUnifiedValue) => ({ defaultUnifiedValue, defaultValue: defaultUnifiedValue })),
)
const of = { dataSource: maybe(dataSource), fieldMapping: maybe(fieldMapping) }
const request = fc.record({
  method: maybe(fc.constantFrom('POST', 'get', 'PATCH')),
  uri: maybe(fc.constantFrom('/hook', 'hook', 'https://app.example/hook')),
  path: maybe(fc.constant('/me')),
  body: maybe(formula),
  headers: maybe(fc.dictionary(fc.constantFrom('x-a', 'X-B'), formula, { maxKeys: 2, noNullPrototype: true })),
  pathParameters: maybe(fields),
})

const NODES: Record<string, fc.Arbitrary<unknown>> = {
  'api-request-to-your-app': fc.oneof(fc.constant(undefined), fc.constant({}), fc.record({ request })),
  'api-request-to-external-app': fc.oneof(fc.constant({}), fc.record({ request })),
  'data-record-created-trigger': fc.record(of),
  'data-record-updated-trigger': fc.record(of),
  'data-record-deleted-trigger': fc.record(of),
  'find-data-record-by-id': fc.record({ ...of, id: maybe(formula) }),
  'create-data-record': fc.record(of),
  'update-data-record': fc.record({ ...of, id: maybe(formula) }),
  'delete-data-record': fc.record({ ...of, id: maybe(formula) }),
  'list-data-records': fc.record({ ...of, filter: maybe(fields), unifiedFilter: maybe(formula) }),
  'search-data-records': fc.record({ ...of, query: maybe(formula) }),
  'lookup-data-record': fc.record({ ...of, lookup: maybe(fc.record({ query: maybe(fields) })) }),
  'find-or-create-data-record': fc.record({ ...of, lookupFields: maybe(fields), createData: maybe(fields) }),
  'create-data-link': fc.record({
    dataLinkTable: maybe(word.map((key) => ({ key }))),
    direction: maybe(fc.constantFrom('import', 'export', 'both')),
    appRecordId: maybe(formula),
    externalRecordId: maybe(formula),
  }),
  'app-event-trigger': fc.oneof(
    word.map((key) => ({ appEvent: { key } })),
    word.map((appEventKey) => ({ appEventKey })),
  ),
  'connector-event-trigger': word.map((eventKey) => ({ eventKey })),
  'for-each-v2': fc.record({ items: maybe(formula), rootNodeKey: maybe(word) }),
  'api-trigger': fc.oneof(fc.constant(undefined), fc.record({ inputSchema: schema })),
  'schedule-trigger': fc.constantFrom({ intervalMinutes: 5 }, {}),
  'transform-data': fc.record({ output: maybe(formula) }),
  'run-javascript': fc.record({ code: maybe(fc.constant('export default () => 1')) }),
  filter: fc.record({ filter: maybe(formula) }),
}
/** Its key is that of a node behind it, if there is one. */
const link = fc.record({
  key: fc.constant('nowhere'),
  name: maybe(fc.constant('When created')),
  filter: maybe(fc.constant({ $eval: { $var: '$.output.type' }, is: 'created' })),
})
const node = fc.constantFrom(...Object.keys(NODES)).chain((type) =>
  fc.record({
    type: fc.constant(type),
    name: fc.string({ maxLength: 12 }),
    config: NODES[type] ?? fc.constant({}),
    links: maybe(fc.array(link, { maxLength: 2 })),
    onError: maybe(fc.constant('continue')),
    concurrency: maybe(fc.integer({ min: 1, max: 9 })),
  }),
)

/** Links lead on, to what is no trigger; some to nowhere. */
function linked(nodes: Record<string, { type: string; links?: { key: string }[] | undefined }>) {
  const keys = Object.keys(nodes)
  return Object.fromEntries(
    Object.entries(nodes).map(([own, each]) => {
      const behind = keys.slice(keys.indexOf(own) + 1).filter((other) => !nodes[other]?.type.includes('trigger'))
      const links = each.links?.map((one, index) => ({ ...one, key: behind[index] ?? one.key }))
      return [own, links === undefined ? each : { ...each, links }]
    }),
  )
}

const filtered = { ...of, cursor: maybe(formula), filter: maybe(fields), unifiedFilter: maybe(formula) }
const ACTIONS: Record<string, fc.Arbitrary<unknown>> = {
  'list-data-records': fc.record({
    ...filtered,
    override: maybe(
      fc.constant({ apiRequests: [{ match: { path: '/x', method: 'GET' }, patch: { query: { limit: 5 } } }] }),
    ),
  }),
  'search-data-record': fc.record({ ...of, query: maybe(formula), cursor: maybe(formula) }),
  'find-data-record-by-id': fc.record({ ...of, id: maybe(formula) }),
  'match-data-record': fc.record({
    ...of,
    lookup: maybe(fc.record({ query: maybe(fields), universalQuery: maybe(formula) })),
  }),
  'create-data-record': fc.oneof(fc.constant(undefined), fc.record(of)),
  'update-data-record': fc.record({ ...of, id: maybe(formula) }),
  'delete-data-record': fc.record({ ...of, id: maybe(formula) }),
  'run-javascript': fc.record({ code: maybe(fc.constant('module.exports = () => 1')), outputSchema: maybe(schema) }),
  'api-request-to-external-app': fc.record({ request: maybe(request), responseSchema: maybe(schema) }),
}

const CONTENT: Record<string, fc.Arbitrary<Json>> = {
  'data-sources': fc.record({
    udm: maybe(fc.constantFrom('contacts', 'users')),
    collectionKey: maybe(word),
    collectionParameters: maybe(fields),
    defaultPath: maybe(fc.constant('/data/users?a=1')),
    pullUpdatesIntervalSeconds: maybe(fc.constantFrom(60, 300, 0, null)),
    fullSyncIntervalSeconds: maybe(fc.constantFrom(10_800, null)),
  }),
  'field-mappings': fc.record({
    dataSourceId: maybe(theirId),
    dataSourceUuid: maybe(fc.uuid()),
    dataSourceKey: maybe(word),
    direction: maybe(fc.constantFrom('import', 'export', 'both')),
    appSchema: maybe(schema),
    defaultImportValue: maybe(formula),
    defaultExportValue: maybe(formula),
    importValue: maybe(fields),
    exportValue: maybe(fields),
    unifiedImportValue: maybe(formula),
    frozenImportFields: maybe(fc.constantFrom([], {}, ['a'])),
  }),
  'app-data-schemas': fc.record({ schema: maybe(schema), code: maybe(fc.constant('export default () => ({})')) }),
  'data-link-tables': fc.constant({}),
  'app-event-types': fc.record({
    schema: maybe(schema),
    subscribeRequest: maybe(fc.record({ method: fc.constant('POST'), uri: fc.constant('/subscribe'), body: formula })),
  }),
  actions: fc.constantFrom(...Object.keys(ACTIONS)).chain((type) =>
    fc.record({
      type: fc.constant(type),
      config: ACTIONS[type] ?? fc.constant({}),
      inputSchema: maybe(schema),
      outputMapping: maybe(formula),
      customOutputSchema: maybe(schema),
    }),
  ),
  flows: fc.record({
    nodes: fc.dictionary(word, node, { maxKeys: 4, noNullPrototype: true }).map(linked),
    parametersSchema: maybe(schema),
    parameters: maybe(fc.constant({})),
    autoCreateInstances: maybe(fc.boolean()),
  }),
}

/** What exports write beside what somebody defined. */
const written = fc.record({
  id: theirId,
  uuid: maybe(fc.uuid()),
  state: fc.constantFrom('READY', 'CONFIGURATION_ERROR', 'SETUP_FAILED'),
  errors: fc.constantFrom([], [{ type: 'dependency_error', message: 'Integration Dependency has error(s)' }]),
  revision: maybe(fc.uuid()),
  parentRevision: maybe(fc.uuid()),
  parentId: maybe(theirId),
  createdAt: maybe(moment.map((each) => each.toISOString())),
  updatedAt: maybe(moment.map((each) => each.toISOString())),
  isDeactivated: maybe(fc.boolean()),
  isCustomized: maybe(fc.boolean()),
  customized: maybe(fc.boolean()),
  workspaceId: maybe(theirId),
})

const key = fc.constantFrom('receive-created-Job Candidates-events', 'list-contacts', 'Ünï', 'get.user', '1')

export interface GeneratedElement {
  folder: string
  body: Json
}

/** Half of them of an integration, which is named as older and newer exports do. */
export function generatedElement(integrationKey: string): fc.Arbitrary<GeneratedElement> {
  const place = fc.oneof(
    fc.constant({}),
    fc.constant({ integrationKey }),
    theirId.map((id) => ({ integrationId: id, integration: { id, key: integrationKey, name: 'Crm', state: 'READY' } })),
  )
  return fc.constantFrom(...Object.keys(CONTENT)).chain((folder) =>
    fc
      .tuple(key, CONTENT[folder] ?? fc.constant({}), written, place, maybe(fc.constant('Of people')))
      .map(([own, content, beside, where, name]) => ({
        folder,
        body: {
          ...beside,
          key: own,
          name: name ?? own,
          ...content,
          ...(['app-event-types', 'data-link-tables', 'app-data-schemas'].includes(folder) ? {} : where),
        },
      })),
  )
}
