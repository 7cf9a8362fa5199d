import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { createPermea, type Permea } from '@permea/sdk'
import { SignJWT } from 'jose/jwt/sign'
import { CliProblem } from './exit-codes.ts'
import { readSettings } from './settings.ts'
import type { Environment } from './settings-file.ts'
import type { Surroundings } from './surroundings.ts'

/** The engine and workspace that a command is about. */
export interface Target {
  url: string
  /** Null where only a token is known. */
  workspace: { key: string; secret: string } | null
  permea: Permea
  /** An admin token: the one that was given, or one signed with the secret. */
  token(): Promise<string>
  /** A token with these claims, signed with the workspace secret. */
  sign(claims: Record<string, unknown>, lifeSeconds: number): Promise<string>
}

export interface TargetOptions {
  url?: string
  token?: string
  env?: string
}

const ADMIN_SECONDS = 3600

/**
 * Where to go, from the nearest to the farthest: the command line, the environment, `permea.config.yml`, and the data
 * directory of an engine that was started in this folder.
 */
export function findTarget(around: Surroundings, options: TargetOptions): Target {
  const { env } = around
  const configured = readSettings(around, options.env)?.environment ?? {}
  const local = localEngine(around)
  const url = (options.url ?? env.PERMEA_URL ?? configured.url ?? local.url ?? 'http://127.0.0.1:4000').replace(
    /\/+$/,
    '',
  )
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new CliProblem(`${JSON.stringify(url)} is no http or https address`, 'usage')
  const given = options.token ?? env.PERMEA_TOKEN ?? configured.token
  const workspace = workspaceFrom(env, configured) ?? local.workspace
  const target: Omit<Target, 'permea'> = {
    url,
    workspace,
    token: async () => given ?? target.sign({ isAdmin: true }, ADMIN_SECONDS),
    async sign(claims, lifeSeconds) {
      if (workspace === null) throw noWay()
      return signed(workspace, claims, lifeSeconds)
    },
  }
  return { ...target, permea: createPermea({ baseUrl: url, fetchToken: () => target.token() }) }
}

function noWay(): CliProblem {
  return new CliProblem(
    'there is no token for the workspace. Run this where an engine was started (its .permea folder is looked for), set ' +
      'PERMEA_WORKSPACE_KEY and PERMEA_WORKSPACE_SECRET, or write them into permea.config.yml',
    'usage',
  )
}

async function signed(
  workspace: { key: string; secret: string },
  claims: Record<string, unknown>,
  lifeSeconds: number,
) {
  return new SignJWT({ ...claims, iss: workspace.key })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuedAt()
    .setExpirationTime(`${lifeSeconds}s`)
    .sign(new TextEncoder().encode(workspace.secret))
}

function workspaceFrom(env: Surroundings['env'], configured: Environment): Target['workspace'] {
  const key = env.PERMEA_WORKSPACE_KEY ?? configured.workspaceKey
  const secret = env.PERMEA_WORKSPACE_SECRET ?? configured.workspaceSecret
  return key === undefined || secret === undefined ? null : { key, secret }
}

/** What an engine that was started here left in its data directory. */
function localEngine({ env, cwd }: Surroundings): { url?: string; workspace: Target['workspace'] } {
  const dataDir = path.resolve(cwd, env.PERMEA_DATA_DIR ?? '.permea')
  const secrets = path.join(dataDir, 'secrets.json')
  const address = path.join(dataDir, 'address')
  const url = existsSync(address) ? { url: readFileSync(address, 'utf8').trim() } : {}
  if (!existsSync(secrets)) return { ...url, workspace: null }
  const { workspaceKey, workspaceSecret } = JSON.parse(readFileSync(secrets, 'utf8')) as Record<string, string>
  return { ...url, workspace: { key: workspaceKey ?? '', secret: workspaceSecret ?? '' } }
}
