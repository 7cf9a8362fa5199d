import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { productVersion } from '../../server/src/platform/version.ts'

const HERE = (path: string) => fileURLToPath(new URL(path, import.meta.url))
/** In the package only: from `dist/cli/src`. */
const BUILD = HERE('../../build.json')

/** Version and commit: `0.1.0 (3f2a91c0d4be)`; a `+` behind the commit says that files differed from it. */
export function versionText(): string {
  const version = productVersion()
  const commit = existsSync(BUILD)
    ? (JSON.parse(readFileSync(BUILD, 'utf8')) as { commit: string | null }).commit
    : headOf()
  return commit === null ? version : `${version} (${commit})`
}

function headOf(): string | null {
  try {
    return execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], {
      cwd: HERE('.'),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return null
  }
}
