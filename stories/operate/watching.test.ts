import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { buildHouse, type House, keptPort, until } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'

// The alarms and the dashboard, with the tools and a server of Prometheus, against what an engine says of itself.

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8')
const promtool = (...args: string[]) => promisify(execFile)('promtool', args, { cwd: dir })

interface Rule {
  alert: string
  expr: string
  annotations: { runbook: string }
}
const rules = (parse(read('deploy/prometheus/permea-alerts.yml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
)
const dashboard = JSON.parse(read('deploy/grafana/permea.json')) as {
  panels: { title: string; targets: { expr: string }[] }[]
}
const queries = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))

let dir: string
let house: House

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'permea-watching-'))
  cpSync(path.join(ROOT, 'deploy/prometheus'), dir, { recursive: true })
  house = await buildHouse()
})

afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await rm(dir, { recursive: true, force: true })
})

test('promtool takes the rules, and each fires for what it is for and for nothing else', async () => {
  expect((await promtool('check', 'config', 'prometheus.yml')).stdout).toContain('SUCCESS')
  expect((await promtool('test', 'rules', 'permea-alerts.test.yml')).stdout).toContain('SUCCESS')
  const tested = (parse(read('deploy/prometheus/permea-alerts.test.yml')) as { tests: { name: string }[] }).tests
  expect(tested.map(({ name }) => name)).toEqual([...rules.map(({ alert }) => alert), 'a healthy engine'])
  const text = read('deploy/prometheus/permea-alerts.yml')
  for (const changed of [text.replace('> 300', '> 3000'), text.replace('> 300', '> 1')]) {
    await writeFile(path.join(dir, 'permea-alerts.yml'), changed)
    await expect(promtool('test', 'rules', 'permea-alerts.test.yml')).rejects.toThrow('PermeaRunsWait')
  }
  await writeFile(path.join(dir, 'permea-alerts.yml'), text)
})

test('every alarm has a section that says what to do', () => {
  const headings = [...read('docs/operate/alarms.md').matchAll(/^## (\S+)\n\n(.+)/gm)].map(([, name]) => name)
  expect(headings).toEqual(rules.map(({ alert }) => alert))
  for (const { alert, annotations } of rules)
    expect(annotations.runbook).toBe(`docs/operate/alarms.md#${alert.toLowerCase()}`)
})

test('what the alarms and the dashboard ask for is there, and the document names it', async () => {
  const metrics = await (await fetch(`${house.url}/metrics`)).text()
  const there = new Set([...metrics.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name))
  const asked = [...rules.map(({ expr }) => expr), ...queries].flatMap((each) => each.match(/permea_\w+/g) ?? [])
  const names = new Set(asked.map((name) => name.replace(/_(?:bucket|sum|count)$/, '')))
  // Of an engine with an intake log, or with a replica, only; their pages name them, and the stories of the cluster have both.
  expect([...names].filter((name) => !there.has(name)).sort()).toEqual([
    'permea_intake_log_age_seconds',
    'permea_intake_log_messages',
    'permea_intake_log_unread_messages',
    'permea_list_statements_total',
    'permea_read_replica_lag_seconds',
  ])
  for (const name of asked.filter((each) => each.startsWith('permea_intake_log_')))
    expect(read('docs/operate/cluster.md')).toContain(`\`${name}\``)
  for (const name of ['permea_list_statements_total', 'permea_read_replica_lag_seconds'])
    expect(read('docs/operate/observe.md')).toContain(`\`${name}`)
  const page = read('docs/operate/observe.md')
  const own = [...there].filter((name) => name?.startsWith('permea_') && !/^permea_(?:process|nodejs)_/.test(name))
  expect(own.filter((name) => !page.includes(`\`${name}`))).toEqual([])
})

/** What no panel and no rule is about, and why. */
const EXCUSED: readonly [RegExp, string][] = [
  [/^permea_process_(?!resident_memory)/, 'of any process: the panels of the machine have it'],
  [/^permea_nodejs_(?!eventloop_lag_p99)/, 'details of Node, for who follows a panel that is about the same'],
]

test('every metric is in a panel or a rule, or excused by name', async () => {
  const metrics = await (await fetch(`${house.url}/metrics`)).text()
  const there = [...metrics.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name)
  const asked = [...rules.map(({ expr }) => expr), ...queries].join(' ')
  const isAsked = (name: string) => new RegExp(`\\b${name}(?:_bucket|_sum|_count)?\\b`).test(asked)
  const unseen = there.filter((name) => !isAsked(name) && !EXCUSED.some(([excuse]) => excuse.test(name)))
  expect(unseen).toEqual([])
  expect(there.length).toBeGreaterThan(20)
})

test('a Prometheus that asks the engine has every series, and evaluates every rule and every panel', {
  timeout: 240_000,
}, async () => {
  const port = await keptPort()
  const config = read('deploy/prometheus/prometheus.yml')
    .replaceAll('15s', '1s')
    .replace('engine:4000', house.url.replace('http://', ''))
  await writeFile(path.join(dir, 'prometheus.yml'), config)
  const args = ['--config.file=prometheus.yml', '--storage.tsdb.path=data', `--web.listen-address=127.0.0.1:${port}`]
  const server = spawn('prometheus', args, { cwd: dir, stdio: 'ignore' })
  const ended = once(server, 'exit')
  const ask = async (what: string) =>
    ((await (await fetch(`http://127.0.0.1:${port}/api/v1/${what}`)).json()) as { data: never }).data
  const numbersOf = async (query: string) => {
    const { result } = (await ask(`query?query=${encodeURIComponent(query)}`)) as {
      result: { value: [number, string] }[]
    }
    return result.map(({ value }) => Number(value[1]))
  }
  try {
    await until('it asked the engine', 60_000, () =>
      numbersOf('up{job="permea"}').then(
        ([up]) => up === 1,
        () => false,
      ),
    )
    await until('all shards are worked here', 60_000, async () => (await numbersOf('permea_shards_owned'))[0] === 64)
    // Five kinds of lanes.
    await until(
      'every shard says its lag',
      60_000,
      async () => (await numbersOf('count(permea_lane_lag_seconds)'))[0] === 320,
    )
    expect(await numbersOf('count(permea_queue_depth)')).toEqual([6])
    expect(await numbersOf('permea_job_lag_seconds')).toHaveLength(1)
    expect(await numbersOf('count(permea_database_connections)')).toEqual([8])
    // What is said of a machine that is busy may wait to be true for long enough.
    await until('every rule was evaluated', 60_000, async () => {
      const { groups } = (await ask('rules')) as { groups: { rules: { health: string; state: string }[] }[] }
      const health = groups.flatMap((group) => group.rules)
      return health.length === rules.length && health.every((rule) => rule.health === 'ok' && rule.state !== 'firing')
    })
    for (const query of queries) await numbersOf(query.replaceAll('$__rate_interval', '1m'))
    await expect(numbersOf('sum by (')).rejects.toThrow()
  } finally {
    server.kill('SIGTERM')
    await ended
  }
})
