import type { Field, Values } from '../../forms/fields.ts'

/** As much of a JSON Schema as is shown of records and their fields. */
export interface FieldSchema {
  type?: string | string[]
  title?: string
  description?: string
  enum?: unknown[]
  properties?: Record<string, FieldSchema>
  items?: FieldSchema
  required?: string[]
  readOnly?: boolean
  format?: string
}

/** One line of a list of fields; `path` as formulas name it. */
export interface SchemaField {
  path: string
  type: string
  title: string | undefined
  isReadOnly: boolean
}

const DEPTH_MAX = 4
const FIELDS_MAX = 400

/** Every field of a schema, those inside others after them. */
export function fieldsOf(schema: unknown): SchemaField[] {
  const found: SchemaField[] = []
  const walk = (of: FieldSchema, path: string, depth: number) => {
    for (const [name, field] of Object.entries(of.properties ?? {})) {
      if (found.length >= FIELDS_MAX || typeof field !== 'object' || field === null) return
      const place = path === '' ? name : `${path}.${name}`
      found.push({ path: place, type: typeOf(field), title: field.title, isReadOnly: field.readOnly === true })
      if (depth < DEPTH_MAX) walk(field, place, depth + 1)
    }
  }
  if (typeof schema === 'object' && schema !== null) walk(schema as FieldSchema, '', 1)
  return found
}

function typeOf({ type, items, enum: values, properties }: FieldSchema): string {
  if (values !== undefined) return 'one of a few'
  const own = Array.isArray(type) ? type.filter((each) => each !== 'null').join(' or ') : type
  if (own === 'array') return items?.type === undefined ? 'list' : `list of ${typeOf(items)}`
  return own ?? (properties === undefined ? 'anything' : 'object')
}

interface Writing {
  schema: unknown
  /** What the method says of the fields that it takes. */
  method: {
    fields?: string[] | undefined
    excludedFields?: string[] | undefined
    requiredFields?: string[] | undefined
  }
}

/** The form of a record: a field for each that the method takes; all of them as JSON where the schema tells none. */
export function formFields({ schema, method }: Writing): Field[] {
  const { properties = {}, required = [] } = (schema ?? {}) as FieldSchema
  const needed = new Set([...required, ...(method.requiredFields ?? [])])
  const taken = Object.entries(properties).filter(
    ([name, field]) =>
      field.readOnly !== true &&
      method.fields?.includes(name) !== false &&
      method.excludedFields?.includes(name) !== true,
  )
  if (taken.length === 0)
    return [{ name: WHOLE, label: 'Fields', kind: 'json', about: 'An object, as the app takes it.', required: true }]
  return taken.map(([name, field]) => ({
    name,
    label: field.title ?? name,
    ...kindOf(field),
    ...(field.description === undefined ? {} : { about: field.description }),
    required: needed.has(name),
  }))
}

/** The name of the one field of a form that shows all of them as JSON. */
const WHOLE = ''

/** What the form shows of a record's fields, and what is sent of what the form gives. */
export const shownFields = (fields: readonly Field[], of: Values): Values =>
  fields[0]?.name === WHOLE ? { [WHOLE]: of } : of
export const sentFields = (body: Values): Values => (WHOLE in body ? (body[WHOLE] as Values) : body)

function kindOf(field: FieldSchema): Pick<Field, 'kind' | 'choices'> {
  const { enum: values } = field
  if (values?.every((each) => typeof each === 'string'))
    return { kind: 'choice', choices: values.map((value) => ({ value, label: value })) }
  switch (field.type) {
    case 'string':
      return { kind: field.format === 'text' || field.format === 'html' ? 'long' : 'text' }
    case 'number':
    case 'integer':
      return { kind: 'number' }
    case 'boolean':
      return { kind: 'switch' }
    default:
      return { kind: 'json' }
  }
}
