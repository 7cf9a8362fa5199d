import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { utcDateAndTime } from './utc-time.ts'

const CASES = {
  '2024-03-05': '2024-03-05 00:00:00',
  '2024-03-05T10:20:30': '2024-03-05 10:20:30',
  '2024-03-10T02:30:00': '2024-03-10 02:30:00',
  '2024-03-10 02:30': '2024-03-10 02:30:00',
  'March 5, 2024 10:00': '2024-03-05 10:00:00',
  '3/5/2024 11:30 PM': '2024-03-05 23:30:00',
  '2024-03-05T23:30:00-05:00': '2024-03-06 04:30:00',
  'Tue Mar 05 2024 10:00:00 GMT+0200 (EET)': '2024-03-05 08:00:00',
  '5 Mar 2024 10:00 EST': '2024-03-05 15:00:00',
  '5 Mar 2024 10:00 (UTC)': '2024-03-05 10:00:00',
  '0050-01-01 10:00': '1950-01-01 10:00:00',
  '1/1/70': '1970-01-01 00:00:00',
  garbage: null,
  '2024-13-01': null,
}

test('a date reads the same in every zone this process may run in', () => {
  const script = `
    import { utcDateAndTime } from ${JSON.stringify(fileURLToPath(new URL('./utc-time.ts', import.meta.url)))}
    const read = (text) => { const at = utcDateAndTime(text); return at && at.date + ' ' + at.time }
    console.log(JSON.stringify(Object.fromEntries(${JSON.stringify(Object.keys(CASES))}.map((text) => [text, read(text)]))))`
  for (const zone of ['UTC', 'America/New_York', 'Asia/Kathmandu']) {
    const env = { ...process.env, TZ: zone }
    const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { env, encoding: 'utf8' })
    expect(JSON.parse(output), zone).toStrictEqual(CASES)
  }
})

test('a text too long to be a date is none', () => {
  expect(utcDateAndTime('2024-03-05'.padEnd(2_000))).toBeNull()
})
