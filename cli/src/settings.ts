import { existsSync } from 'node:fs'
import path from 'node:path'
import { CliProblem } from './exit-codes.ts'
import type { Environment, FileSettings } from './settings-file.ts'
import type { Surroundings } from './surroundings.ts'

export interface Settings {
  /** Absolute path of the folder that holds the workspace's files. */
  folder: string
  /** Which environment this is, for what is kept of the last pull. */
  name: string
  environment: Environment
}

const DEFAULT_FOLDER = 'membrane'

/** Reading YAML and its shapes takes longer than many a command, and most folders have no such file. */
let reader: typeof import('./settings-file.ts') | null = null

/** Has to come before `readSettings`, for the same folder. */
export async function prepareSettings({ cwd }: Surroundings): Promise<void> {
  if (existsSync(ownFile(cwd)) || existsSync(flatFile(cwd))) reader = await import('./settings-file.ts')
}

const ownFile = (cwd: string) => path.join(cwd, 'permea.config.yml')
const flatFile = (cwd: string) => path.join(cwd, 'membrane.config.yml')

/** Reads `permea.config.yml` (or `membrane.config.yml`) of this folder; null where there is none and none was asked for. */
export function readSettings({ cwd, env }: Surroundings, wanted: string | undefined): Settings | null {
  const own = ownFile(cwd)
  const flat = flatFile(cwd)
  if (reader !== null && existsSync(own)) return chosen(own, reader.read(own, reader.SettingsShape, env), wanted)
  if (wanted !== undefined)
    throw new CliProblem(`there is no permea.config.yml in ${cwd} that could say what "${wanted}" is`, 'usage')
  if (reader === null || !existsSync(flat)) return null
  const { workspaceKey, workspaceSecret, apiUri, accessToken } = reader.read(flat, reader.FlatShape, env)
  const environment = { workspaceKey, workspaceSecret, url: apiUri, token: accessToken }
  return { folder: path.join(cwd, DEFAULT_FOLDER), name: 'default', environment: withoutGaps(environment) }
}

function chosen(file: string, settings: FileSettings, wanted: string | undefined): Settings {
  const names = Object.keys(settings.environments)
  const name = wanted ?? settings.default ?? names[0] ?? ''
  const environment = settings.environments[name]
  if (environment === undefined)
    throw new CliProblem(`${file} has no environment "${name}"; it has ${names.join(', ') || 'none'}`, 'usage')
  return { folder: path.resolve(path.dirname(file), settings.folder ?? DEFAULT_FOLDER), name, environment }
}

function withoutGaps(environment: Record<string, string | undefined>): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined))
}
