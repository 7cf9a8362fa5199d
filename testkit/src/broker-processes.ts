import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { TEST_ONLY_CERTIFICATE, TEST_ONLY_PRIVATE_KEY } from '../../server/src/outbound/far-end-key.ts'
import { keptPort } from './kept-port.ts'
import { until } from './until.ts'

/** A server on a loopback port that keeps what it acknowledged on disk, and can be killed, paused and started again. */
export interface BrokerProcess extends AsyncDisposable {
  readonly port: number
  start(): Promise<void>
  kill(): Promise<void>
  /** Stops the process where it is, with its connections open, and lets it go on. */
  pause(): void
  goOn(): void
}

/** One NATS server with JetStream. */
export async function createNatsProcess(settings: readonly string[] = []): Promise<BrokerProcess> {
  const { dir, port } = await placeOf('nats')
  const config = path.join(dir, 'nats.conf')
  const lines = [
    `listen: 127.0.0.1:${port}`,
    `jetstream { store_dir: ${JSON.stringify(dir)}, max_mem: 64M, max_file: 1G }`,
  ]
  await writeFile(config, [...lines, ...settings].join('\n'))
  return processOf({ dir, port, name: 'NATS', run: () => spawn('nats-server', ['-c', config], { stdio: 'ignore' }) })
}

/** @param settings more arguments, as in `--requirepass`, `secret` */
export async function createRedisProcess(settings: readonly string[] = []): Promise<BrokerProcess> {
  const { dir, port } = await placeOf('redis')
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    dir,
    '--appendonly',
    'yes',
    '--appendfsync',
    'always',
  ]
  return processOf({
    ...{ dir, port, name: 'Redis' },
    run: () => spawn('redis-server', [...args, ...settings], { stdio: 'ignore' }),
  })
}

/**
 * Let in: `guest` with the password `guest`.
 *
 * @param settings lines of its configuration; `PORT` in them is the one that it listens at
 */
export async function createRabbitProcess(settings: readonly string[] = []): Promise<BrokerProcess> {
  const { dir, port } = await placeOf('rabbit')
  const [distPort, epmdPort] = [await keptPort(), await keptPort()]
  await mkdir(path.join(dir, 'log'))
  await writeFile(path.join(dir, 'plugins'), '[].')
  const config = path.join(dir, 'rabbitmq.conf')
  await writeFile(config, settings.map((line) => `${line.replace('PORT', String(port))}\n`).join(''))
  const env = {
    PATH: process.env.PATH,
    HOME: dir,
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `permea${port}@localhost`,
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_DIST_PORT: String(distPort),
    RABBITMQ_MNESIA_BASE: path.join(dir, 'data'),
    RABBITMQ_LOG_BASE: path.join(dir, 'log'),
    RABBITMQ_PID_FILE: path.join(dir, 'pid'),
    RABBITMQ_ENABLED_PLUGINS_FILE: path.join(dir, 'plugins'),
    RABBITMQ_CONF_ENV_FILE: path.join(dir, 'none'),
    RABBITMQ_CONFIG_FILE: config,
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 1:1',
    // The script is replaced by the server, which ends when nobody holds its input.
    RABBITMQ_ALLOW_INPUT: '1',
  }
  const server = await processOf({
    ...{ dir, port, name: 'RabbitMQ' },
    // The wrapper on the PATH runs it as another user.
    run: () => spawn('/usr/lib/rabbitmq/bin/rabbitmq-server', [], { stdio: ['pipe', 'ignore', 'ignore'], env }),
  })
  return {
    ...server,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await promisify(execFile)('epmd', ['-port', String(epmdPort), '-kill']).catch(() => {})
    },
  }
}

const KAFKA = new URL('../../stories/products/node_modules/.kafka/', import.meta.url).pathname

/** A broker that is reached over TLS, with SCRAM, at a port of its own too. */
export interface KafkaProcess extends BrokerProcess {
  readonly securePort: number
}

/** One broker of Kafka that is its own controller; topics are made by whoever wants them. */
export async function createKafkaProcess(): Promise<KafkaProcess> {
  const { dir, port } = await placeOf('kafka')
  const [controllerPort, securePort] = [await keptPort(), await keptPort()]
  const identity = path.join(dir, 'identity.pem')
  await writeFile(identity, `${TEST_ONLY_PRIVATE_KEY}\n${TEST_ONLY_CERTIFICATE}`)
  const config = path.join(dir, 'server.properties')
  const lines = [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
    `listeners=CLIENTS://127.0.0.1:${port},SECURE://127.0.0.1:${securePort},CONTROLLER://127.0.0.1:${controllerPort}`,
    `advertised.listeners=CLIENTS://127.0.0.1:${port},SECURE://127.0.0.1:${securePort}`,
    'controller.listener.names=CONTROLLER',
    'inter.broker.listener.name=CLIENTS',
    'listener.security.protocol.map=CONTROLLER:PLAINTEXT,CLIENTS:SASL_PLAINTEXT,SECURE:SASL_SSL',
    'sasl.enabled.mechanisms=PLAIN',
    `listener.name.secure.sasl.enabled.mechanisms=${SCRAM.join(',')}`,
    ...SCRAM.map(
      (mechanism) =>
        `listener.name.secure.${mechanism.toLowerCase()}.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;`,
    ),
    'listener.name.secure.ssl.keystore.type=PEM',
    `listener.name.secure.ssl.keystore.location=${identity}`,
    'sasl.mechanism.inter.broker.protocol=PLAIN',
    `listener.name.clients.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="${KAFKA_LOGIN[0]}" password="${KAFKA_LOGIN[1]}" user_${KAFKA_LOGIN[0]}="${KAFKA_LOGIN[1]}";`,
    `log.dirs=${path.join(dir, 'data')}`,
    'offsets.topic.replication.factor=1',
    'offsets.topic.num.partitions=4',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    'group.initial.rebalance.delay.ms=0',
    'auto.create.topics.enable=false',
    // What it acknowledged is to be there after it was killed.
    'log.flush.interval.messages=1',
  ]
  await writeFile(config, lines.join('\n'))
  const java = (main: string, ...args: string[]) => [
    ...['-Xms96m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', `${KAFKA}*`, main],
    ...args,
  ]
  const [name, password] = KAFKA_LOGIN
  const logins = SCRAM.flatMap((mechanism) => ['--add-scram', `${mechanism}=[name=${name},password=${password}]`])
  const format = ['format', '--cluster-id', 'MkU3OEVBNTcwNTJENDM2Qk', '--config', config, ...logins]
  await promisify(execFile)('java', java('kafka.tools.StorageTool', ...format))
  const server = await processOf({
    ...{ dir, port, name: 'Kafka' },
    run: () => spawn('java', java('kafka.Kafka', config), { stdio: 'ignore' }),
  })
  return { ...server, securePort }
}

const SCRAM = ['SCRAM-SHA-256', 'SCRAM-SHA-512']

/** Who is let in to Kafka. */
export const KAFKA_LOGIN: readonly [user: string, password: string] = ['permea', 'hidden-word']

async function placeOf(name: string): Promise<{ dir: string; port: number }> {
  return { dir: await mkdtemp(path.join(tmpdir(), `permea-${name}-`)), port: await keptPort() }
}

const STARTS_MAX = 3

async function processOf(given: {
  dir: string
  port: number
  name: string
  run(): ChildProcess
}): Promise<BrokerProcess> {
  const { dir, port, name } = given
  let child: ChildProcess | null = null
  const server: BrokerProcess = {
    port,
    async start() {
      let started = given.run()
      child = started
      let starts = 1
      await until(`${name} listens`, 120_000, () => {
        if (started.exitCode !== null) {
          // On a busy machine some give up on a part of their own that is not there yet.
          if (starts >= STARTS_MAX) throw new Error(`${name} ended while it started`)
          started = given.run()
          child = started
          starts += 1
        }
        return isListening(port)
      })
    },
    async kill() {
      const running = child
      if (running === null || running.exitCode !== null || running.signalCode !== null) return
      const gone = once(running, 'exit')
      running.kill('SIGKILL')
      await gone
      child = null
    },
    pause: () => void child?.kill('SIGSTOP'),
    goOn: () => void child?.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      await server.kill()
      await rm(dir, { recursive: true, force: true })
    },
  }
  await server.start()
  return server
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
