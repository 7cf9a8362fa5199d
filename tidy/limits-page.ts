import type { Limit } from './limit.ts'
import { LIMITS } from './limits.ts'
import { textOf } from './source-files.ts'

type Unit = 'bytes' | 'ms' | 'count'

/** Tests that are said to hold a limit and are not there. */
export function missingTests(): string[] {
  return LIMITS.flatMap(({ limits }) => limits).flatMap(({ what, heldBy }) =>
    heldBy.flatMap((each) => {
      const { file, name } = testOf(each)
      return textOf(file).includes(name) ? [] : [`${what}: ${file} has no test ${JSON.stringify(name)}`]
    }),
  )
}

/** The page, as it must be committed. */
export function limitsPage(command: string): string {
  const sections = LIMITS.map(
    ({ title, about, limits }) => `## ${title}

${about}

| Limit | Default | How to set it | Beyond it | Held by |
|---|---|---|---|---|
${limits.map(row).join('\n')}`,
  )
  return `<!-- Printed from tidy/limits.ts by \`${command}\`; change it there. -->

# Limits

What the engine lets in, and what a caller sees beyond it. Nothing below needs to be set for a start; where there is no
way to set it, it is fixed. Figures are read from the code; the last column names the tests that fail without them.

${sections.join('\n\n')}
`
}

function row({ what, value, set, beyond, heldBy }: Limit): string {
  const files = [...new Set(heldBy.map((each) => `\`${testOf(each).file}\``))]
  return `| ${what} | ${shown(value)} | ${set ?? '–'} | ${beyond} | ${files.join(', ')} |`
}

function testOf(heldBy: string): { file: string; name: string } {
  const at = heldBy.indexOf(': ')
  return { file: heldBy.slice(0, at), name: heldBy.slice(at + 2) }
}

function shown(value: string): string {
  const [, file, name, unit] = /^(\S+\.ts) (\w+) (bytes|ms|count)$/.exec(value) ?? []
  return file === undefined || name === undefined ? value : withUnit(figureIn(file, name), unit as Unit)
}

/** The figure that a constant or a property stands for where the code names it. */
function figureIn(file: string, name: string): number {
  const [, expression] =
    new RegExp(`\\b${name}(?:: number)?\\s?[:=] ([\\d_ *]*(?:MIB)?[\\d_ *]*)[,;\\n }]`).exec(textOf(file)) ?? []
  if (expression === undefined) throw new Error(`${file} does not say what ${name} is`)
  return expression
    .replace('MIB', '1048576')
    .split('*')
    .reduce((product, factor) => product * Number(factor.replaceAll('_', '').trim()), 1)
}

const MIB = 1024 * 1024

function withUnit(figure: number, unit: Unit): string {
  if (unit === 'count') return String(figure)
  if (unit === 'ms') return figure % 1000 === 0 ? `${figure / 1000} s` : `${figure} ms`
  return figure % MIB === 0 ? `${figure / MIB} MiB` : figure % 1024 === 0 ? `${figure / 1024} KiB` : `${figure}`
}
