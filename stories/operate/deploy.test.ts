import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { readConfig } from '@permea/testkit'
import { Ajv } from 'ajv'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'

// What people deploy with, against the schemas and the programs that read it.

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8')
const run = promisify(execFile)

let dir: string

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'permea-deploy-'))
})

afterAll(() => rm(dir, { recursive: true, force: true }))

interface Service {
  volumes?: string[]
  environment?: Record<string, string>
}

describe('compose.yaml', () => {
  const compose = parse(read('compose.yaml')) as { services: Record<string, Service>; volumes: object }

  test('is what the specification of Compose says', () => {
    const linter = path.dirname(createRequire(import.meta.url).resolve('dclint/package.json'))
    const { $schema: _, ...schema } = JSON.parse(
      readFileSync(path.join(linter, 'schemas/compose.schema.json'), 'utf8'),
    ) as Record<string, unknown>
    const check = new Ajv({ strict: false, validateFormats: false }).compile(schema)
    expect(check(compose), JSON.stringify(check.errors)).toBe(true)
    expect(check({ ...compose, services: { engine: { ports: 4000 } } })).toBe(false)
  })

  test('mounts files that are here and volumes that it declares', () => {
    for (const { volumes = [] } of Object.values(compose.services))
      for (const [source = ''] of volumes.map((each) => each.split(':'))) {
        if (source.startsWith('./')) expect(() => read(source)).not.toThrow()
        else expect(Object.keys(compose.volumes)).toContain(source)
      }
  })

  test('gives the engine an environment that it starts with, whatever is left out of what may be', () => {
    const given: Record<string, string> = {
      POSTGRES_PASSWORD: 'p',
      PERMEA_WORKSPACE_KEY: 'main',
      PERMEA_WORKSPACE_SECRET: 'x'.repeat(40),
      PERMEA_ENCRYPTION_KEYS: 'y'.repeat(40),
    }
    const filled = (text: string) =>
      text.replaceAll(/\$\{(\w+)(?::([?-])([^}]*))?\}/g, (_, name: string, kind: string, rest: string) => {
        if (kind !== '-' && given[name] === undefined) throw new Error(`${name}: ${rest}`)
        return given[name] ?? rest
      })
    const env = Object.entries(compose.services.engine?.environment ?? {})
    const config = readConfig(Object.fromEntries(env.map(([name, value]) => [name, filled(value)])))
    expect(config.workspace?.key).toBe('main')
    expect(config.databaseUrl).toBe('postgres://permea:p@postgres:5432/permea')
  })
})

describe('the manifests for Kubernetes', () => {
  interface Resource {
    apiVersion: string
    kind: string
    metadata: { name: string }
    // biome-ignore lint/suspicious/noExplicitAny: whatever kind it is of
    spec?: any
    data?: Record<string, string>
    stringData?: Record<string, string>
  }
  const resources = ['permea.yaml', 'secret.example.yaml']
    .flatMap((file) => parseAllDocuments(read(`deploy/kubernetes/${file}`)))
    .map((each) => each.toJS() as Resource)
  const of = (kind: string) => resources.filter((each) => each.kind === kind)

  test('are what the schemas of Kubernetes say', async () => {
    const problems: string[] = []
    for (const resource of resources) {
      const { apiVersion, kind, metadata } = resource
      const model = (await import(`kubernetes-models/${apiVersion}/${kind}`)) as Record<
        string,
        new (
          from: object,
        ) => { validate(): void }
      >
      const check = (given: object) => new (model[kind] as new (from: object) => { validate(): void })(given).validate()
      try {
        check(resource)
      } catch (error) {
        problems.push(`${kind} ${metadata.name}: ${(error as Error).message}`)
      }
      if (kind === 'Deployment') expect(() => check({ ...resource, spec: { replicas: 'two' } })).toThrow()
    }
    expect(problems).toEqual([])
  })

  test('belong together: every selector finds its pods, every name of a secret or port is there', () => {
    const pods = of('Deployment').map(({ spec }) => spec.template)
    const labelsOf = (selector: Record<string, string>) =>
      pods.filter((pod) => Object.entries(selector).every(([name, value]) => pod.metadata.labels[name] === value))
    for (const { spec } of [...of('Deployment'), ...of('PodDisruptionBudget')])
      expect(labelsOf(spec.selector.matchLabels)).toHaveLength(1)
    const [service] = of('Service')
    expect(labelsOf(service?.spec.selector)).toHaveLength(1)
    for (const pod of pods) {
      const [container] = pod.spec.containers
      const { httpGet } = container.readinessProbe
      expect(container.ports.map((each: { name: string }) => each.name)).toContain(httpGet.port)
      expect(container.envFrom).toEqual([{ configMapRef: { name: 'permea' } }, { secretRef: { name: 'permea' } }])
    }
    const services = of('Service').map(({ metadata }) => metadata.name)
    for (const { backend } of of('Ingress').flatMap(({ spec }) =>
      spec.rules.flatMap((each: { http: { paths: unknown[] } }) => each.http.paths),
    ))
      expect(services).toContain(backend.service.name)
  })

  test('give every process an environment that it starts with, and all roles to somebody', () => {
    const shared = { ...of('ConfigMap')[0]?.data, ...of('Secret')[0]?.stringData }
    const roles = of('Deployment').flatMap(({ spec }) => {
      const own = spec.template.spec.containers[0].env as { name: string; value: string }[]
      return [...readConfig({ ...shared, ...Object.fromEntries(own.map(({ name, value }) => [name, value])) }).roles]
    })
    expect(roles.toSorted()).toEqual(['api', 'scheduler', 'worker'])
  })
})

test('systemd reads the unit without a complaint', async () => {
  // What it starts and whom it runs as are not on this machine.
  const unit = read('deploy/systemd/permea.service')
    .replace('/opt/permea/node_modules/.bin/permea', process.execPath)
    .replaceAll(/^(?:User|Group)=.*$/gm, '')
  await writeFile(path.join(dir, 'permea.service'), unit)
  const { stderr } = await run('systemd-analyze', ['verify', path.join(dir, 'permea.service')])
  expect(stderr.split('\n').filter((line) => line.includes('permea.service'))).toEqual([])
  await writeFile(path.join(dir, 'permea.service'), unit.replace('Restart=', 'Restarts='))
  const broken = await run('systemd-analyze', ['verify', path.join(dir, 'permea.service')])
  expect(broken.stderr).toContain('Restarts')
})

test('nginx and Caddy take their files as they are', async () => {
  mkdirSync(path.join(dir, 'tls'))
  const cert = '-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=events.example.com'.split(' ')
  await run('openssl', ['req', ...cert, '-keyout', `${dir}/tls/privkey.pem`, '-out', `${dir}/tls/fullchain.pem`])
  const conf = read('deploy/nginx/permea.conf').replaceAll('/etc/permea/tls', path.join(dir, 'tls'))
  const nginx = (site: string) =>
    `pid ${dir}/pid; error_log ${dir}/error.log; events {} http { access_log off; ${site} }`
  await writeFile(path.join(dir, 'nginx.conf'), nginx(conf))
  expect((await run('nginx', ['-t', '-c', path.join(dir, 'nginx.conf')])).stderr).toContain('test is successful')
  await writeFile(path.join(dir, 'nginx.conf'), nginx(conf.replace('proxy_pass', 'proxy_passes')))
  await expect(run('nginx', ['-t', '-c', path.join(dir, 'nginx.conf')])).rejects.toThrow('proxy_passes')
  cpSync(path.join(ROOT, 'deploy/caddy/Caddyfile'), path.join(dir, 'Caddyfile'))
  const caddy = ['validate', '--adapter', 'caddyfile', '--config', path.join(dir, 'Caddyfile')]
  const env = { ...process.env, HOME: dir, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir }
  const { stdout, stderr } = await run('caddy', caddy, { env })
  expect(stdout + stderr).toContain('Valid configuration')
})
