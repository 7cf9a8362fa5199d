import { AskedWhere } from '@permea/contract'
import { Refusal } from '../api/refusal.ts'
import type { AuthOption, ConnectorDefinition } from './connector.ts'

/**
 * A way to connect as it is offered for an integration with these parameters: its form has no fields that `askedWhere`
 * keeps for other parameters, nor fields that the operator filled in for everybody. Without an integration nobody knows:
 * then such fields may be left empty.
 */
export function askedOf(option: AuthOption, parameters: Readonly<Record<string, unknown>> | null): AuthOption {
  const { inputSchema } = option
  const properties = propertiesOf(inputSchema)
  if (!properties.some(([, each]) => CONDITION in each)) return option
  const isAsked = ([name, each]: Property) =>
    !(CONDITION in each) || parameters === null || (!isGiven(parameters[name]) && fits(each[CONDITION], parameters))
  const kept = properties.filter(isAsked)
  const needed = new Set(kept.filter(([, each]) => parameters !== null || !(CONDITION in each)).map(([name]) => name))
  const required: unknown[] = Array.isArray(inputSchema?.required) ? inputSchema.required : []
  return {
    ...option,
    inputSchema: {
      ...inputSchema,
      properties: Object.fromEntries(kept.map(([name, { [CONDITION]: _, ...each }]) => [name, each])),
      required: required.filter((name) => !properties.some(([own]) => own === name) || needed.has(String(name))),
    },
  }
}

/** Refuses conditions that say nothing, so that no field is asked for, or missing, by a slip. */
export function checkAsked(definition: ConnectorDefinition): void {
  for (const [key, { inputSchema }] of Object.entries(definition.options))
    for (const [name, each] of propertiesOf(inputSchema)) {
      if (!(CONDITION in each) || AskedWhere.safeParse(each[CONDITION]).success) continue
      const field = `options.${key}.inputSchema.properties.${name}.${CONDITION}`
      const message =
        'must be a list of { parameter: { is: […] } }, { parameter: { contains: … } } or { parameter: { given: … } }'
      throw new Refusal('invalid_schema', `${field}: ${message}`, { problems: [{ field, message }] })
    }
}

const CONDITION = 'askedWhere'

type Property = [string, Record<string, unknown>]

function propertiesOf(schema: Record<string, unknown> | undefined): Property[] {
  const properties = schema?.properties
  if (typeof properties !== 'object' || properties === null) return []
  return Object.entries(properties).filter(
    (entry): entry is Property => typeof entry[1] === 'object' && entry[1] !== null,
  )
}

/** One of the alternatives holds, with all that it asks of parameters. */
function fits(condition: unknown, parameters: Readonly<Record<string, unknown>>): boolean {
  const { data: alternatives = [] } = AskedWhere.safeParse(condition)
  return alternatives.some((each) =>
    Object.entries(each).every(([name, wanted]) => {
      const value = parameters[name]
      if ('given' in wanted) return isGiven(value) === wanted.given
      if (typeof value !== 'string') return false
      return 'is' in wanted ? wanted.is.includes(value) : value.includes(wanted.contains)
    }),
  )
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== ''
}
