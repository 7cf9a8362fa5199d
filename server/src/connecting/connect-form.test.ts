import fc from 'fast-check'
import { expect, test } from 'vitest'
import { escapeHtml, formFields, formValues } from './connect-form.ts'

test('nothing in a schema or a value gets out of its place in the page', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (name, title, value) => {
      const hostile = `"><script>${title}</script>`
      const schema = {
        properties: { [`${name}"'<`]: { type: 'string', title: hostile, description: hostile, enum: [hostile] } },
      }
      const html = formFields(schema, { [`${name}"'<`]: value })
      expect(html).not.toContain('<script>')
      expect(html.match(/<[a-z]/g)?.length).toBe(7)
    }),
  )
})

test('escaped text has no character that means something', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(escapeHtml(text)).not.toMatch(/[<>"']|&(?!amp;|lt;|gt;|quot;|#39;)/)
    }),
  )
})

test('fields are read in the types of the schema, and what was left empty is absent', () => {
  const schema = {
    properties: {
      text: { type: 'string' },
      number: { type: 'number' },
      choice: { enum: [1, 2] },
      isOn: { type: 'boolean' },
      list: { type: 'array' },
      lines: { type: 'array' },
      none: { type: 'string' },
      deep: { type: 'object', properties: { x: { type: 'integer' } } },
    },
  }
  const fields = new URLSearchParams({
    'input.text': 'a',
    'input.number': '1.5',
    'input.choice': '2',
    'input.list': '["a"]',
    'input.lines': 'one\ntwo\n',
    'input.none': '',
    'input.deep.x': '3',
    'input.unknown': 'x',
  })
  expect(formValues(schema, fields)).toEqual({
    text: 'a',
    number: 1.5,
    choice: 2,
    isOn: false,
    list: ['a'],
    lines: ['one', 'two'],
    deep: { x: 3 },
  })
})
