import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { natsConnect } from '../../server/src/outbound/nats-connection.ts'
import { keptPort } from './kept-port.ts'
import { until } from './until.ts'

/** Three servers of NATS with JetStream on ports of their own, which can be killed, paused and started again one by one. */
export interface NatsCluster extends AsyncDisposable {
  /** What `PERMEA_NATS_URL` is set to: all of them. */
  readonly url: string
  readonly nodes: readonly NatsNode[]
  /** A client of them. */
  connect(): ReturnType<typeof natsConnect>
  /** The node that decides for a stream; null while there is none. */
  leaderOf(stream: string): Promise<NatsNode | null>
  /** Resolves when every node that runs says that its part of JetStream is well. */
  healthy(): Promise<void>
}

export interface NatsNode {
  readonly name: string
  readonly port: number
  start(): Promise<void>
  kill(): Promise<void>
  /** Stops the process where it is, with its connections open, and lets it go on. */
  pause(): void
  goOn(): void
}

/** Where a server is: the address that the others know it by, and what starts a command there. */
export interface NatsPlace {
  address: string
  within: readonly string[]
}

const HERE: NatsPlace = { address: '127.0.0.1', within: [] }

export async function startNatsCluster(at: readonly NatsPlace[] = [HERE, HERE, HERE]): Promise<NatsCluster> {
  const dir = await mkdtemp(path.join(tmpdir(), 'permea-nats-'))
  const places = await Promise.all(
    at.map(async (where, index) => ({
      ...where,
      name: `n${index + 1}`,
      port: await keptPort(),
      routePort: await keptPort(),
      healthPort: await keptPort(),
    })),
  )
  const routes = places.map((each) => `nats-route://${each.address}:${each.routePort}`)
  const nodes = await Promise.all(
    places.map(async (place) => {
      const config = path.join(dir, `${place.name}.conf`)
      await writeFile(config, configOf(place, path.join(dir, place.name), routes))
      return nodeOf(place, config)
    }),
  )
  const cluster: NatsCluster = {
    url: places.map((each) => `nats://${each.address}:${each.port}`).join(','),
    nodes,
    connect: () => natsConnect({ servers: places.map((each) => `${each.address}:${each.port}`) }),
    async leaderOf(stream) {
      const names = await Promise.all(nodes.filter((node) => node.isUp).map((node) => node.leaderOf(stream)))
      return nodes.find((node) => names.includes(node.name) && node.isUp) ?? null
    },
    async healthy() {
      await Promise.all(
        nodes.map((node) => until(`${node.name} is well`, 90_000, async () => !node.isUp || (await node.isHealthy()))),
      )
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node.kill()))
      await rm(dir, { recursive: true, force: true })
    },
  }
  await Promise.all(nodes.map((node) => node.start()))
  await cluster.healthy()
  return cluster
}

interface Place extends NatsPlace {
  name: string
  port: number
  routePort: number
  healthPort: number
}

function configOf(
  { name, address, port, routePort, healthPort }: Place,
  dir: string,
  routes: readonly string[],
): string {
  return [
    `server_name: ${name}`,
    `listen: ${address}:${port}`,
    `http: ${address}:${healthPort}`,
    `jetstream { store_dir: ${JSON.stringify(dir)}, max_mem: 64M, max_file: 1G }`,
    `cluster { name: tests, listen: ${address}:${routePort}, routes: [${routes.join(', ')}] }`,
  ].join('\n')
}

function nodeOf(place: Place, config: string) {
  const { name, address, within, port, healthPort } = place
  let child: ChildProcess | null = null
  return {
    name,
    port,
    get isUp() {
      return child !== null
    },
    async isHealthy(): Promise<boolean> {
      const answer = await fetch(`http://${address}:${healthPort}/healthz`).catch(() => null)
      await answer?.body?.cancel()
      return answer?.status === 200
    },
    /** Who leads a stream, as this node sees it. */
    async leaderOf(stream: string): Promise<string | null> {
      const url = `http://${address}:${healthPort}/jsz?accounts=true&streams=true`
      const answer = await fetch(url).catch(() => null)
      const said = (await answer?.json()) as { account_details?: { stream_detail?: StreamDetail[] }[] } | undefined
      const streams = said?.account_details?.flatMap((account) => account.stream_detail ?? [])
      return streams?.find((each) => each.name === stream)?.cluster?.leader ?? null
    },
    async start() {
      const [command = '', ...args] = [...within, 'nats-server', '-c', config]
      const started = spawn(command, args, { stdio: 'ignore' })
      child = started
      await until(`${name} listens`, 30_000, () => {
        if (started.exitCode !== null) throw new Error(`${name} ended while it started`)
        return isListening(address, port)
      })
    },
    async kill() {
      const running = child
      child = null
      if (running === null || running.exitCode !== null || running.signalCode !== null) return
      const gone = once(running, 'exit')
      running.kill('SIGKILL')
      await gone
    },
    pause() {
      child?.kill('SIGSTOP')
    },
    goOn() {
      child?.kill('SIGCONT')
    },
  }
}

interface StreamDetail {
  name: string
  cluster?: { leader?: string }
}

function isListening(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, address)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
