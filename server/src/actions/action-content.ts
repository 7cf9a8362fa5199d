import type { ActionInput, ErrorData } from '@permea/contract'
import type { z } from 'zod'
import { checkSchema } from '../api/json-schema.ts'
import { errorData, Refusal } from '../api/refusal.ts'
import { missingSecrets } from '../exchanges/literal-secrets.ts'
import { checkFormula } from '../formulas/check-formula.ts'
import type { Functions, Whose } from '../functions/function.ts'
import type { Connector } from '../integrations/connector.ts'
import type { Sealing } from '../platform/sealing.ts'
import { type ActionContent, contentOf } from './action.ts'
import { keptParts, openedParts, sealedParts } from './action-secrets.ts'
import { ACTION_KINDS, type ActionProblem, actionTypeOf } from './action-types.ts'

type Input = z.output<typeof ActionInput>

/** The content with what is given laid over it. Without a base, a type is needed. */
export function mergedContent(
  base: ActionContent | null,
  input: Input,
  { name, sealing, isOfConnection }: { name: string; sealing: Sealing; isOfConnection: boolean },
): ActionContent {
  const type = input.type === undefined ? (base?.type ?? null) : actionTypeOf(input.type)
  if (type === null) throw refusalOf([{ field: 'type', message: typeProblem(input.type) }])
  return {
    name: input.name ?? base?.name ?? name,
    description: input.description === undefined ? (base?.description ?? null) : input.description,
    type,
    inputSchema: input.inputSchema === undefined ? (base?.inputSchema ?? null) : input.inputSchema,
    customOutputSchema:
      input.customOutputSchema === undefined ? (base?.customOutputSchema ?? null) : input.customOutputSchema,
    ...mergedParts(base, input, { sealing, isOfConnection }),
  }
}

/** Who may only make actions of connections cannot have the workspace's secrets sent to oneself. */
function mergedParts(
  base: ActionContent | null,
  input: Input,
  { sealing, isOfConnection }: { sealing: Sealing; isOfConnection: boolean },
) {
  const stored = base === null ? { config: null, outputMapping: null } : openedParts(sealing, base)
  const { kept, isElsewhere } = keptParts(
    {
      config: input.config === undefined ? stored.config : input.config,
      outputMapping: input.outputMapping === undefined ? stored.outputMapping : input.outputMapping,
    },
    stored,
  )
  if (isElsewhere && isOfConnection)
    refuse([{ field: 'config', message: 'the secret (***) is not kept where it would go elsewhere: give it' }])
  return sealedParts(sealing, kept, base?.secretsSealed ?? null)
}

function typeProblem(given: string | undefined): string {
  const known = Object.keys(ACTION_KINDS).join(', ')
  return given === undefined
    ? `required: one of ${known}`
    : `actions of the type ${JSON.stringify(given)} are not supported; it is one of ${known}`
}

export function isSameContent(one: ActionContent, other: ActionContent): boolean {
  return JSON.stringify(contentOf(one)) === JSON.stringify(contentOf(other))
}

/**
 * Refuses content that cannot work: a configuration that its type does not take, code that does not load, schemas and
 * formulas that make no sense. The connector is given where it is known.
 */
export async function checkContent(
  content: ActionContent,
  functions: Functions,
  connector: Connector | null,
  whose: Whose,
): Promise<void> {
  const kind = ACTION_KINDS[content.type]
  const config = content.config ?? {}
  refuse(kind.check(config, connector).filter((each) => each.isIncomplete !== true))
  for (const schema of [content.inputSchema, content.customOutputSchema])
    if (schema !== null) await checkSchema(schema, whose.customerId ?? whose.workspaceId)
  const formulas = [
    ...checkFormula(kind.formula(config)).map((each) => ({ field: `config ${each.path}`, message: each.message })),
    ...checkFormula(content.outputMapping).map((each) => ({
      field: `outputMapping ${each.path}`,
      message: each.message,
    })),
  ]
  const [first] = formulas
  if (first !== undefined)
    throw new Refusal('invalid_formula', `${first.field}: ${first.message}`, { problems: formulas })
  const code = kind.code?.(config) ?? null
  const problem = code === null ? null : await functions.problem(code, 'action.js', whose)
  if (problem === null) return
  const { message, line, column } = problem
  const where = line === null ? '' : ` (line ${line}${column === null ? '' : `, column ${column}`})`
  const field = config.function === undefined ? 'config.code' : 'config.function'
  refuse([{ field, message: `${message}${where}`, ...(line === null ? {} : { line, column }) }])
}

/** What is not there yet in content that is right as far as it goes; the configuration with its secrets. */
export function incompletenessOf({ type, config }: Pick<ActionContent, 'type' | 'config'>): ErrorData[] {
  const missing = missingSecrets({ config }).map((field) => ({
    field,
    message: 'a secret is given as it is shown (***), and none is kept for it: give it',
    isIncomplete: true,
  }))
  return [...ACTION_KINDS[type].check(config ?? {}, null), ...missing]
    .filter((each) => each.isIncomplete === true)
    .map(({ field, message }) =>
      errorData('invalid_action', `${field}: ${message}`, { problems: [{ field, message }] }),
    )
}

type Problem = ActionProblem & { line?: number; column?: number | null }

function refuse(problems: readonly Problem[]): void {
  if (problems.length > 0) throw refusalOf(problems)
}

function refusalOf(problems: readonly Problem[]): Refusal {
  return new Refusal('invalid_action', `${problems[0]?.field}: ${problems[0]?.message}`, { problems })
}
