import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { contract, type EndpointTable, type Permission, ROLE_PERMISSIONS } from '@permea/contract'
import { expect, test } from 'vitest'
import { PAGES } from '../src/pages.ts'

const SRC = fileURLToPath(new URL('../src', import.meta.url))
/** What everybody may who is signed in. */
const OF_EVERYBODY = new Set(['none', 'account', 'read'])

const needOf = (group: string, name: string) => (contract as Record<string, EndpointTable>)[group]?.[name]?.needs

/** What a page's own file needs, by its address, comes with the page. */
function needOfPage(file: string): Permission | undefined {
  return PAGES.find(({ load }) => load.toString().includes(path.basename(file)))?.needs
}

/** Whether every role that has the one has the other. */
function comesWith(one: Permission | undefined, other: Permission): boolean {
  return one !== undefined && Object.values(ROLE_PERMISSIONS).every((may) => !may.includes(one) || may.includes(other))
}

test('whatever calls what not every role may is disabled by the right that it takes', () => {
  const unguarded: string[] = []
  let calls = 0
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((each) => each.endsWith('.tsx'))
  for (const file of files) {
    const text = readFileSync(path.join(SRC, file), 'utf8')
    const guards = [...text.matchAll(/(?:needs="|refusalOf\('|needs=\{`)(\w+|\$\{group\})\.(\w+)/g)].map(
      ([, group = '', name = '']) => needOf(group, name),
    )
    for (const [, group = '', name = ''] of text.matchAll(/permea\.(\w+)\.(\w+)\(/g)) {
      const need = needOf(group, name)
      expect(need, `permea.${group}.${name} of ${file}`).toBeDefined()
      if (need === undefined || OF_EVERYBODY.has(need)) continue
      calls += 1
      if (!guards.includes(need) && !comesWith(needOfPage(file), need))
        unguarded.push(`${file}: ${group}.${name} (${need})`)
    }
  }
  expect(calls).toBeGreaterThan(80)
  expect(unguarded).toEqual([])
})
