import type { ConnectionOption } from '@permea/contract'
import type { z } from 'zod'
import { askedOf } from './asked.ts'
import type { AuthOption, ConnectorDefinition } from './connector.ts'
import { type Integration, type Parameters, parametersForOption } from './integration.ts'

/** A way to connect that may be offered now. */
export interface OfferedOption {
  key: string
  option: AuthOption
  /** Whether the operator gave everything that it needs. */
  isComplete: boolean
}

/**
 * The ways to connect that are offered, in the order of the connector: enabled, and not disabled by the integration.
 * Where an integration has what some of them need from the operator, those that still need something are left out:
 * nobody who connects could finish them.
 */
export function offeredOptions(
  definition: ConnectorDefinition,
  integration: Pick<Integration, 'optionsConfig'> | null,
  parameters: Parameters,
): OfferedOption[] {
  const enabled = Object.entries(definition.options)
    .filter(([key, option]) => option.enabled !== false && integration?.optionsConfig?.[key]?.disabled !== true)
    .map(([key, option]) => {
      const given = parametersForOption(parameters, key)
      return {
        key,
        option: askedOf(option, integration === null ? null : given),
        isComplete: hasRequired(option.connectorParametersSchema, given),
      }
    })
  const complete = enabled.filter((each) => each.isComplete)
  return integration !== null && complete.length > 0 ? complete : enabled
}

/** Whether something that the connector needs from the operator is missing, so that nobody can connect. */
export function lacksParameters(
  definition: ConnectorDefinition,
  offered: readonly OfferedOption[],
  parameters: Parameters,
): boolean {
  if (!hasRequired(definition.parametersSchema, parameters.shared ?? {})) return true
  return offered.length > 0 && !offered.some((each) => each.isComplete)
}

function hasRequired(schema: Record<string, unknown> | undefined, values: Record<string, unknown>): boolean {
  const required: unknown = schema?.required
  if (!Array.isArray(required)) return true
  return required.every((name) => {
    const value = typeof name === 'string' ? values[name] : undefined
    return value !== undefined && value !== null && value !== ''
  })
}

/** An option as a form needs it. What the operator gave already is not asked for again. */
export function optionAnswer(
  { key, option, isComplete }: OfferedOption,
  oAuthCallbackUri: string,
): z.input<typeof ConnectionOption> {
  const usesCallback = option.type === 'oauth2' || option.type === 'oauth1'
  return {
    key,
    type: option.type,
    title: option.title,
    description: option.description,
    inputSchema: option.inputSchema,
    ...(isComplete ? {} : { connectorParametersSchema: option.connectorParametersSchema }),
    ...(usesCallback ? { oAuthCallbackUri } : {}),
  }
}
