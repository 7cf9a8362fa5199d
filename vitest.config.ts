import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { configDefaults, defineConfig } from 'vitest/config'

// What packages and the engine compile to is worked out once, not by every file and process anew.
process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), 'permea-compile-cache')

const isOnPath = (file: string) => (process.env.PATH ?? '').split(delimiter).some((dir) => existsSync(join(dir, file)))
const isInstalled = (file: string) => existsSync(new URL(`stories/products/${file}`, import.meta.url))

const isRoot = process.platform === 'linux' && process.getuid?.() === 0
const succeeds = (...command: string[]) => spawnSync('unshare', command, { stdio: 'ignore' }).status === 0

/** Stories of what brings hundreds of packages, or is a package of the system: they run where it is installed. */
const wanting = [
  {
    of: 'products of npm',
    remedy: '`npm run test:products` installs them and runs their stories',
    stories: ['parse-server', 'records', 'node-red', 'verdaccio'].map((name) => `stories/products/${name}.test.ts`),
    isThere: isInstalled('node_modules/parse-server'),
  },
  {
    of: 'products of PyPI',
    remedy: '`npm run test:products` installs them and runs their stories',
    stories: ['matrix-synapse', 'mlflow'].map((name) => `stories/products/${name}.test.ts`),
    isThere: isInstalled('node_modules/.python/bin/mlflow'),
  },
  {
    of: 'the published React hooks',
    remedy: '`npm run test:products` installs them and runs their stories',
    stories: ['console/tests/membrane-react.test.ts'],
    isThere: isInstalled('node_modules/@membranehq/react'),
  },
  {
    of: 'older versions of PostgreSQL',
    remedy: '`npm run test:products` installs them, on Linux with x64',
    stories: ['stories/operate/postgres-versions.test.ts'],
    isThere: isInstalled('node_modules/postgres-15/native/bin/postgres'),
  },
  {
    of: 'deliveries to queues of clouds',
    remedy: '`npm run test:products` installs what plays AWS',
    stories: ['stories/destinations/clouds.test.ts'],
    isThere: isInstalled('node_modules/.python/bin/moto_server'),
  },
  {
    of: 'brokers over TLS',
    remedy: 'it needs `nats-server`, `redis-server` and `rabbitmq-server` on the PATH',
    stories: ['stories/destinations/tls.test.ts'],
    isThere: ['nats-server', 'redis-server', 'rabbitmq-server'].every(isOnPath),
  },
  {
    of: 'Kafka',
    remedy: '`npm run test:products` installs it where there are Java and Maven',
    stories: [
      'stories/destinations/kafka.test.ts',
      'stories/sources/kafka.test.ts',
      'stories/sources/kafka-secure.test.ts',
    ],
    isThere: isInstalled('node_modules/.kafka') && isOnPath('java'),
  },
  ...[
    { of: 'the pooler', needs: 'pgbouncer', story: 'stories/operate/pooler.test.ts' },
    { of: 'the intake log', needs: 'nats-server', story: 'stories/cluster/**' },
    { of: 'deliveries to NATS', needs: 'nats-server', story: 'stories/destinations/nats.test.ts' },
    { of: 'deliveries to Redis', needs: 'redis-server', story: 'stories/destinations/redis.test.ts' },
    { of: 'deliveries to RabbitMQ', needs: 'rabbitmq-server', story: 'stories/destinations/rabbitmq.test.ts' },
    { of: 'events from NATS', needs: 'nats-server', story: 'stories/sources/nats.test.ts' },
    { of: 'events from RabbitMQ', needs: 'rabbitmq-server', story: 'stories/sources/rabbitmq.test.ts' },
    { of: 'Alertmanager', needs: 'prometheus-alertmanager', story: 'stories/products/alertmanager.test.ts' },
    { of: 'the Docker registry', needs: 'docker-registry', story: 'stories/products/docker-registry.test.ts' },
    { of: 'InfluxDB', needs: 'influxd', story: 'stories/products/influxdb.test.ts' },
    { of: 'RabbitMQ', needs: 'rabbitmq-server', story: 'stories/products/rabbitmq.test.ts' },
  ].map(({ of, needs, story }) => ({
    of,
    remedy: `it needs \`${needs}\` on the PATH`,
    stories: [story],
    isThere: isOnPath(needs),
  })),
  {
    of: 'the image',
    remedy: 'they need root on Linux',
    stories: ['stories/operate/image.test.ts'],
    isThere: isRoot,
  },
  {
    of: 'a full disk',
    remedy: 'they need root on Linux, which may mount a file system',
    stories: ['stories/operate/disk-full.test.ts'],
    isThere: isRoot && succeeds('-m', 'mount', '-t', 'tmpfs', 'probe', tmpdir()),
  },
  {
    of: 'a pulled cable',
    remedy: 'they need root on Linux, which may make network namespaces and virtual cables',
    stories: ['stories/operate/pulled-cable.test.ts'],
    isThere: isRoot && succeeds('-n', 'ip', 'link', 'add', 'one-end', 'type', 'veth', 'peer', 'name', 'other-end'),
  },
  {
    of: 'two sites',
    remedy: 'they need root on Linux, which may make network namespaces and TUN devices, `nats-server` and `python3`',
    stories: ['stories/cluster/two-sites.test.ts'],
    isThere:
      isRoot &&
      ['nats-server', 'python3'].every(isOnPath) &&
      succeeds('-n', 'ip', 'tuntap', 'add', 'dev', 'probe', 'mode', 'tun'),
  },
  {
    of: 'watching',
    remedy: 'they need `promtool` and `prometheus` on the PATH',
    stories: ['stories/operate/watching.test.ts'],
    isThere: ['promtool', 'prometheus'].every(isOnPath),
  },
  {
    of: 'the walkthrough',
    remedy: 'it needs `nginx`, `prometheus`, `promtool`, `openssl` and `curl` on the PATH',
    stories: ['stories/operate/walkthrough.test.ts'],
    isThere: ['nginx', 'prometheus', 'promtool', 'openssl', 'curl'].every(isOnPath),
  },
  {
    of: 'what people deploy with',
    remedy: 'they need `nginx`, `caddy`, `systemd-analyze` and `openssl` on the PATH',
    stories: ['stories/operate/deploy.test.ts'],
    isThere: ['nginx', 'caddy', 'systemd-analyze', 'openssl'].every(isOnPath),
  },
].filter(({ isThere }) => !isThere)
for (const { of, remedy } of wanting) process.stdout.write(`Left out: the stories of ${of}; ${remedy}.\n`)

/** What is measured beside something else is told from it by nothing else being beside: each has the machine to itself. */
const alone = ['stories/hostile.test.ts']

const project = {
  pool: 'forks' as const,
  // Far more than any needs, for machines that are busy with something else.
  testTimeout: 60_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 20_000 } },
  // CI decides about days of work at once: what fails by chance there is tried again, and its log names it (`retry x1`).
  retry: process.env.CI === undefined ? 0 : 1,
}

export default defineConfig({
  test: {
    globalSetup: ['testkit/src/global-setup.ts'],
    projects: [
      {
        test: {
          ...project,
          name: 'beside each other',
          include: ['{contract,server,connectors,sdk,cli,console,testkit,tidy}/**/*.test.ts', 'stories/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...wanting.flatMap(({ stories }) => stories), ...alone],
          // Much of a test's time is waiting; a worker for each of two cores leaves them idle.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: { ...project, name: 'alone', include: alone, maxWorkers: 1, sequence: { groupOrder: 2 } },
      },
    ],
  },
})
