import { expect, test } from 'vitest'
import { PACKAGES, sourcesUnder } from './source-files.ts'
import { sourceText } from './source-text.ts'

test('comments and the insides of strings, templates and patterns are no code', () => {
  const text = [
    "const a = 'one // two' // three 'four'",
    "/* five `six` */ const b = \"it's\" + 'it\\'s'",
    `const c = \`seven \${d /* eight */ + \`nine \${ten}\`} eleven\``,
    'const e = /[/\'"`]\\/x/g.test(f) ? g / h / i : return_ / 2',
  ].join('\n')
  const { code, literals } = sourceText(text)
  expect(code.split('\n').map((line) => line.replaceAll(/ +/g, ' ').trimEnd())).toEqual([
    "const a = ' '",
    ' const b = " " + \' \'',
    `const c = \` \${d + \` \${ten}\`} \``,
    'const e = / /g.test(f) ? g / h / i : return_ / 2',
  ])
  expect(code).toHaveLength(text.length)
  expect(literals.map((literal) => literal.text)).toEqual(['one // two', "it's", "it\\'s", 'seven ? eleven', 'nine ?'])
})

test('every kind of import is found, and nothing that only looks like one', () => {
  const text = [
    "import a from './a.ts'",
    "import type { B } from './b.ts'",
    'import {',
    '  c, // from here',
    "} from './c.ts'",
    "import './d.ts'",
    "export * from './e.ts'",
    "const f = await import('./f.ts')",
    'export const text = \'import x from "./x.ts"\'',
    "// import y from './y.ts'",
    "export const list = Array.from('z')",
  ].join('\n')
  const { imports } = sourceText(text)
  expect(imports.map((each) => each.specifier)).toEqual(['./a.ts', './b.ts', './c.ts', './d.ts', './e.ts', './f.ts'])
  expect(imports.filter((each) => each.isTypeOnly).map((each) => each.specifier)).toEqual(['./b.ts'])
})

test('every file of the project is taken apart to its end', () => {
  for (const source of sourcesUnder(...PACKAGES)) {
    const opened = source.code.match(/[({[]/g)?.length ?? 0
    const closed = source.code.match(/[)}\]]/g)?.length ?? 0
    expect(opened, `${source.path}: brackets do not pair up; tidy/source-text.ts misread a string or a pattern`).toBe(
      closed,
    )
  }
})
