import { describe, expect, test } from 'vitest'
import { createServerChoice, readDatabaseUrl } from './database-hosts.ts'

const namesOf = (url: string) => readDatabaseUrl(url).servers.map((server) => server.name)

describe('a connection string', () => {
  test('with one server stays as it is', () => {
    for (const url of [
      'postgres://permea:p%40ss@db.example.com:5433/permea?sslmode=require',
      'postgresql://db/permea',
      'postgres://[::1]:5432/permea',
      'postgres:///permea?host=/var/run/postgresql',
      'postgres://%2Fvar%2Frun/permea',
    ])
      expect(readDatabaseUrl(url)).toMatchObject({ servers: [{ url }], mustTakeWrites: true })
  })

  test('with several servers gives one for each, with all the rest', () => {
    const { servers, mustTakeWrites } = readDatabaseUrl(
      'postgres://permea:p%2Css@one:5433,[fd00::2]:5434,three/permea?sslmode=require&target_session_attrs=primary',
    )
    expect(servers).toEqual([
      { name: 'one:5433', url: 'postgres://permea:p%2Css@one:5433/permea?sslmode=require' },
      { name: '[fd00::2]:5434', url: 'postgres://permea:p%2Css@[fd00::2]:5434/permea?sslmode=require' },
      { name: 'three', url: 'postgres://permea:p%2Css@three/permea?sslmode=require' },
    ])
    expect(mustTakeWrites).toBe(true)
  })

  test('may ask for any server, which then need not take writes', () => {
    expect(readDatabaseUrl('postgres://one,two/permea?target_session_attrs=any').mustTakeWrites).toBe(false)
    expect(namesOf('postgres://one,two/permea?target_session_attrs=any')).toEqual(['one', 'two'])
  })

  test.each([
    ['mysql://one/permea', 'postgres://'],
    ['postgres://one,,two/permea', '"" is no host'],
    ['postgres://one,two:x/permea', '"two:x" is no host'],
    ['postgres://one,two:70000/permea', '"two:70000" is no host'],
    ['postgres://one,two/permea?target_session_attrs=standby', 'target_session_attrs must be one of'],
  ])('%s is refused by name', (url, words) => {
    expect(() => readDatabaseUrl(url)).toThrow(words)
  })

  test('is refused without its password', () => {
    expect(() => readDatabaseUrl('postgres://permea:hidden@one,two:x/permea')).toThrow(/^(?!.*hidden)/)
  })
})

test('the choice moves on once for a server that failed, however many connections found out', () => {
  const choice = createServerChoice(readDatabaseUrl('postgres://one,two,three/permea'))
  const first = choice.current()
  choice.failed(first)
  choice.failed(first)
  expect(choice.current().name).toBe('two')
  choice.failed(choice.current())
  choice.failed(choice.current())
  expect(choice.current().name).toBe('one')
})
