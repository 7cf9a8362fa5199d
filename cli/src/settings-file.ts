import { readFileSync } from 'node:fs'
import { parseDocument } from 'yaml'
import { z } from 'zod'
import { CliProblem } from './exit-codes.ts'
import type { Surroundings } from './surroundings.ts'

/** One engine with a workspace in it, as `permea.config.yml` names it. */
const EnvironmentShape = z.strictObject({
  url: z.string().optional(),
  workspaceKey: z.string().optional(),
  workspaceSecret: z.string().optional(),
  token: z.string().optional(),
  /** Asks before every push to it, whatever the command line says. */
  protected: z.boolean().optional(),
})

export const SettingsShape = z.strictObject({
  /** Folder of the workspace's files, from the folder of this file. */
  folder: z.string().optional(),
  /** The environment that is meant where none is named. */
  default: z.string().optional(),
  environments: z.record(z.string(), EnvironmentShape),
})

/** The published client's own file, which has one environment. */
export const FlatShape = z.looseObject({
  workspaceKey: z.string().optional(),
  workspaceSecret: z.string().optional(),
  apiUri: z.string().optional(),
  accessToken: z.string().optional(),
})

export type Environment = z.infer<typeof EnvironmentShape>
export type FileSettings = z.infer<typeof SettingsShape>

/** A configuration file as its shape has it; rejects with the place of what is wrong in it. */
export function read<T extends z.ZodType>(file: string, shape: T, env: Surroundings['env']): z.infer<T> {
  const document = parseDocument(readFileSync(file, 'utf8'))
  const [problem] = document.errors
  if (problem !== undefined)
    throw new CliProblem(`${file}:${problem.linePos?.[0].line ?? 1}: ${problem.message}`, 'usage')
  const parsed = shape.safeParse(withVariables(document.toJS(), env))
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new CliProblem(`${file}: ${issue?.path.join('.') || 'it'}: ${issue?.message}`, 'usage')
}

/** `${NAME}` stands for a variable of the environment, so that no secret need be in the file. What is empty then is not there. */
function withVariables(value: unknown, env: Surroundings['env']): unknown {
  if (typeof value === 'string') return value.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => env[name] ?? '')
  if (Array.isArray(value)) return value.map((each) => withVariables(each, env))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, each]) => [key, withVariables(each, env)] as const)
  return Object.fromEntries(entries.filter(([, each]) => each !== ''))
}
