import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const HERE = (path: string) => fileURLToPath(new URL(path, import.meta.url))
/** From `dist/cli/src` in the package, and from `src` in the checkout. */
const BUILD = HERE('../../build.json')
const PACKAGES = [HERE('../../../package.json'), HERE('../package.json')]

/** Version and commit: `0.1.0 (3f2a91c0d4be)`; a `+` behind the commit says that files differed from it. */
export function versionText(): string {
  const isBuilt = existsSync(BUILD)
  const file = isBuilt ? PACKAGES[0] : PACKAGES[1]
  const { version } = JSON.parse(readFileSync(file ?? '', 'utf8')) as { version: string }
  const commit = isBuilt ? (JSON.parse(readFileSync(BUILD, 'utf8')) as { commit: string | null }).commit : headOf()
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
