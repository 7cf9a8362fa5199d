import { expect, test } from 'vitest'
import { csvFile, type GrowingFile, jsonFile } from '../src/records/exported-file.ts'

const PAGES = [
  [
    { id: 1, name: '=a' },
    { id: 2, name: 'b, "c"' },
  ],
  [{ id: 3, name: 'd', meta: { of: 'x' }, list: [1] }],
  [],
  [{ id: 4, error: 'e' }],
]

const textOf = (file: GrowingFile) => {
  for (const page of PAGES) file.add(page)
  return file.blob().text()
}

test('a field that only a later page has is a column of its own, and every line has all columns', async () => {
  expect(await textOf(csvFile())).toBe(
    ['id,name,meta.of,list,error', "1,'=a,,,", '2,"b, ""c""",,,', '3,d,x,[1],', '4,,,,e', ''].join('\r\n'),
  )
  expect(await csvFile().blob().text()).toBe('')
})

test('as JSON every row is what the API gave', async () => {
  expect(JSON.parse(await textOf(jsonFile()))).toEqual(PAGES.flat())
  expect(JSON.parse(await jsonFile().blob().text())).toEqual([])
})
