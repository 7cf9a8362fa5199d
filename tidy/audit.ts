import { spawnSync } from 'node:child_process'
import { ROOT } from './source-files.ts'

// npm run audit: known vulnerabilities of what the product runs with.

/** Advisories that do not count here, by their address, with the reason. */
const ARGUED: Readonly<Record<string, string>> = {}

interface Report {
  vulnerabilities?: Record<string, { severity: string; via: (string | { url: string; title: string })[] }>
  message?: string
  error?: unknown
}

/** Null: the registry could not say. */
export function verdictOf(
  report: Report,
  argued: Readonly<Record<string, string>>,
): { isClean: boolean | null; lines: string[] } {
  if (report.vulnerabilities === undefined) {
    const why = report.message?.split(' - ')[0] ?? 'no answer'
    return { isClean: null, lines: [`NOT CHECKED: the registry has no list of vulnerabilities (${why})`] }
  }
  const found = Object.entries(report.vulnerabilities).flatMap(([name, { severity, via }]) =>
    via.flatMap((each) => (typeof each === 'string' ? [] : [{ name, severity, ...each }])),
  )
  if (found.length === 0) return { isClean: true, lines: ['no known vulnerability'] }
  const lines = found.map(({ name, severity, title, url }) =>
    argued[url] === undefined ? `${name}: ${severity}: ${title} ${url}` : `argued: ${name}: ${title}: ${argued[url]}`,
  )
  return { isClean: found.every(({ url }) => argued[url] !== undefined), lines }
}

if (import.meta.main) {
  const { stdout } = spawnSync('npm', ['audit', '--omit', 'dev', '--json'], { cwd: ROOT, encoding: 'utf8' })
  const text = stdout.slice(stdout.indexOf('{'))
  const { isClean, lines } = verdictOf(text === '' ? {} : (JSON.parse(text) as Report), ARGUED)
  process.stdout.write(`npm audit: ${lines.join('\n           ')}\n`)
  process.exitCode = isClean === false ? 1 : 0
}
