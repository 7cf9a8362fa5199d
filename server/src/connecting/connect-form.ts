import { asObject } from '../connections/apps.ts'
import { isSecretName } from '../exchanges/secret-names.ts'

/** Names of form fields begin so, to be told from what is not of the schema. */
const FIELD_PREFIX = 'input.'

/** Text as it may stand in HTML, attributes included. */
export function escapeHtml(text: string): string {
  const forms: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
  return text.replaceAll(/[&<>"']/g, (character) => forms[character] ?? '')
}

/**
 * The fields of a form that asks for what a JSON Schema describes: an object of texts, numbers, truth values and choices,
 * objects among them. Works without JavaScript. `values` are filled in, except for secrets.
 */
export function formFields(schema: unknown, values: unknown, path = '', optional = '(optional)'): string {
  const { properties, required } = asObject(schema)
  const needed = new Set(Array.isArray(required) ? required : [])
  return Object.entries(asObject(properties))
    .map(([name, each]) => {
      const field = { name, path: `${path}${name}`, schema: asObject(each), isRequired: needed.has(name) }
      return fieldHtml(field, asObject(values)[name], optional)
    })
    .join('\n')
}

interface Field {
  name: string
  path: string
  schema: Record<string, unknown>
  isRequired: boolean
}

function fieldHtml(field: Field, value: unknown, optional: string): string {
  const { path, schema } = field
  const id = escapeHtml(`field-${path}`)
  const title = escapeHtml(typeof schema.title === 'string' ? schema.title : titleOf(field.name))
  if (schema.type === 'object')
    return `<fieldset><legend>${title}</legend>${formFields(schema, value, `${path}.`, optional)}</fieldset>`
  const hasHelp = typeof schema.description === 'string' && schema.description !== ''
  const help = hasHelp ? `<p class="help" id="${id}-help">${escapeHtml(String(schema.description))}</p>` : ''
  const about = `id="${id}" name="${escapeHtml(FIELD_PREFIX + path)}"${hasHelp ? ` aria-describedby="${id}-help"` : ''}`
  if (schema.type === 'boolean') {
    const isOn = value ?? schema.default
    return `<p class="check"><input type="checkbox" value="true" ${about}${isOn === true ? ' checked' : ''}> <label for="${id}">${title}</label></p>${help}`
  }
  const needed = field.isRequired ? ' required' : ''
  const mark = field.isRequired ? '' : ` <span class="optional">${escapeHtml(optional)}</span>`
  return `<p><label for="${id}">${title}${mark}</label>${controlHtml(field, `${about}${needed}`, value)}</p>${help}`
}

function controlHtml({ name, schema }: Field, attributes: string, value: unknown): string {
  const filled = value ?? schema.default
  const text =
    filled === undefined || filled === null ? '' : typeof filled === 'object' ? JSON.stringify(filled) : String(filled)
  const choices = choicesOf(schema)
  if (choices !== null) {
    const options = choices.map(([choice, label]) => {
      const isChosen = choice === text ? ' selected' : ''
      return `<option value="${escapeHtml(choice)}"${isChosen}>${escapeHtml(label)}</option>`
    })
    return `<select ${attributes}><option value=""></option>${options.join('')}</select>`
  }
  if (schema.type === 'array') return `<textarea rows="3" ${attributes}>${escapeHtml(text)}</textarea>`
  const isSecret = schema.format === 'password' || schema.writeOnly === true || isSecretName(name)
  if (isSecret) return `<input type="password" autocomplete="off" spellcheck="false" ${attributes}>`
  const kind = inputTypeOf(schema)
  const bounds = ['minLength', 'maxLength'].flatMap((bound) =>
    typeof schema[bound] === 'number' ? [` ${bound.toLowerCase()}="${schema[bound]}"`] : [],
  )
  return `<input type="${kind}"${kind === 'number' ? ' step="any"' : ''} value="${escapeHtml(text)}"${bounds.join('')} ${attributes}>`
}

function inputTypeOf({ type, format }: Record<string, unknown>): string {
  if (type === 'number' || type === 'integer') return 'number'
  if (format === 'email') return 'email'
  return format === 'uri' ? 'url' : 'text'
}

function choicesOf({ enum: values, oneOf }: Record<string, unknown>): [string, string][] | null {
  if (Array.isArray(values)) return values.map((value) => [String(value), String(value)])
  if (!Array.isArray(oneOf) || !oneOf.every((each) => 'const' in asObject(each))) return null
  return oneOf.map((each) => {
    const { const: value, title } = asObject(each)
    return [String(value), typeof title === 'string' ? title : String(value)]
  })
}

function titleOf(name: string): string {
  const words = name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .replaceAll(/[_-]+/g, ' ')
    .toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** What a submitted form says, in the types of the schema. What was left empty is absent. */
export function formValues(schema: unknown, fields: URLSearchParams, path = ''): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const [name, each] of Object.entries(asObject(asObject(schema).properties))) {
    const property = asObject(each)
    const value =
      property.type === 'object'
        ? formValues(property, fields, `${path}${name}.`)
        : typed(property, fields.get(`${FIELD_PREFIX}${path}${name}`))
    if (value !== undefined) values[name] = value
  }
  return values
}

function typed(schema: Record<string, unknown>, text: string | null): unknown {
  if (schema.type === 'boolean') return text === 'true'
  if (text === null || text === '') return undefined
  if (Array.isArray(schema.enum)) return schema.enum.find((value) => String(value) === text) ?? text
  if (schema.type === 'number' || schema.type === 'integer') {
    const number = Number(text)
    return Number.isFinite(number) ? number : text
  }
  if (schema.type !== 'array') return text
  try {
    return JSON.parse(text)
  } catch {
    // One item a line is what people write where a list is asked for.
    return text.split(/\r?\n/).filter((line) => line.trim() !== '')
  }
}
