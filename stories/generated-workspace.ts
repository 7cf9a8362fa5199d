import fc from 'fast-check'

/** Texts that YAML reads as something else where they are not quoted, and that file systems or editors trip over. */
const AWKWARD = [
  '',
  ' ',
  'yes',
  'null',
  '~',
  '1e3',
  '0o17',
  '.inf',
  '2026-11-30',
  '- a',
  'a: b',
  'a #b',
  '#a',
  '<<',
  '=',
  '---',
  '...',
  '%TAG',
  '&a',
  '*a',
  '!a',
  '|',
  '>',
  '@a',
  '`a',
  '"a"',
  "'a'",
  '[a',
  '{a',
  'a\nb',
  'a\n',
  '\n\na',
  ' a\n  b\n',
  'a\r\nb',
  'a\tb',
  'a ',
  'ä 𝒷 \u2028 \u00a0',
  'x'.repeat(300),
]

const text = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...AWKWARD) },
  fc.string({ unit: 'grapheme', maxLength: 12 }),
)
/** No operator of formulas, which would be checked as one. */
const fieldName = fc.oneof(
  fc.constantFrom('a', 'b', 'yes', 'null', '1', 'a b', 'a: b', 'ä', '<<', '#', 'key', 'nodes'),
  fc.stringMatching(/^[a-z][A-Za-z0-9_ -]{0,8}$/),
)
const scalar = fc.oneof(
  text,
  fc.boolean(),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
)
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'value' },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fieldName, tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
}))
const object = fc.dictionary(fieldName, value, { maxKeys: 3, noNullPrototype: true })
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined, freq: 2 })

const keyed = fc.stringMatching(/^[a-z][a-z0-9-]{0,6}$/)
const named = {
  name: fc.string({ minLength: 1, maxLength: 12 }).filter((each) => each.trim() !== ''),
  description: maybe(text),
  meta: maybe(object),
}

/** A formula that gives a record: any values below fields. */
const fields = object.map((each) => ({ ...each }))

const schema = fc.record({ type: fc.constant('object'), title: text, default: object })

const content: Record<string, fc.Arbitrary<object>> = {
  'app-event-types': fc.record({
    ...named,
    schema: maybe(schema),
    example: maybe(object),
  }),
  'app-data-schemas': fc.record({ ...named, schema: maybe(schema) }),
  'data-link-tables': fc.record(named),
  'data-sources': fc.record({
    ...named,
    collectionKey: maybe(keyed),
    collectionParameters: maybe(object),
    pullUpdatesIntervalSeconds: maybe(fc.integer({ min: 60, max: 86_400 })),
  }),
  'field-mappings': fc.record({
    ...named,
    direction: maybe(fc.constantFrom('import', 'export', 'both')),
    importValue: maybe(fields),
    exportValue: maybe(fields),
  }),
  actions: fc.record({
    ...named,
    type: fc.constant('api-request-to-your-app'),
    config: fields.map((body) => ({ request: { uri: '/x', body } })),
    inputSchema: maybe(schema),
  }),
  flows: fc.record({
    ...named,
    enabled: maybe(fc.boolean()),
    ordered: maybe(fc.boolean()),
    concurrency: maybe(fc.integer({ min: 1, max: 32 })),
    nodes: fields.map((output) => ({
      trigger: { type: 'app-event-trigger', config: { appEvent: { key: 'later' } }, links: [{ key: 'shape' }] },
      shape: { type: 'transform-data', config: { output } },
    })),
  }),
}
/** Kinds that an integration may have one of its own of, beside the universal one. */
const LAYERED = ['data-sources', 'field-mappings', 'actions', 'flows']

const CONNECTOR = '0b6f3f0e-6f5b-4a63-9a3e-5b1f6f0d9a01'

type Given = [path: string, data: object]

/** Elements of one kind: universal ones, and of those some with a child in an integration, customised or not. */
function elementsOf(folder: string, of: fc.Arbitrary<object>): fc.Arbitrary<Given[]> {
  const one = fc.record({
    key: keyed,
    uuid: fc.uuid(),
    data: of,
    child: fc.constantFrom('none', 'none', 'follows', 'own'),
    other: of,
  })
  return fc.uniqueArray(one, { maxLength: 3, selector: (each) => each.key }).map((all) =>
    all.flatMap(({ key, uuid, data, child, other }): Given[] => {
      const universal: Given = [`${folder}/${key}/spec.yaml`, { uuid, key, ...data }]
      if (child === 'none' || !LAYERED.includes(folder)) return [universal]
      const isOwn = child === 'own'
      const own = { key, parentUuid: uuid, isCustomized: isOwn, ...(isOwn ? other : {}) }
      return [universal, [`integrations/desk/${folder}/${key}/spec.yaml`, own]]
    }),
  )
}

/** Files of a workspace, by path. JSON is YAML too, and not how the engine would write it. */
export const generatedWorkspace: fc.Arbitrary<Map<string, string>> = fc
  .tuple(
    fc.record({ ...named, events: fc.constant(undefined) }),
    ...Object.entries(content).map(([folder, of]) => elementsOf(folder, of)),
  )
  .map(([connector, ...kinds]) => {
    const given: Given[] = [
      [`connectors/${CONNECTOR}/${CONNECTOR}.yml`, { uuid: CONNECTOR, key: 'desk', ...connector }],
      ['integrations/desk/spec.yaml', { key: 'desk', name: 'Desk', connectorUuid: CONNECTOR }],
      ...kinds.flat(),
    ]
    return new Map(given.map(([path, data]) => [`membrane/${path}`, JSON.stringify(data, null, 1)]))
  })
