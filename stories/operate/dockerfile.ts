import { execFile, spawn } from 'node:child_process'
import { chmod, copyFile, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

// Does what a Dockerfile says without Docker: every stage has a root of its own, and its steps run in it by chroot.

export interface Step {
  word: string
  rest: string
}

export interface Stage {
  from: string
  name: string
  steps: Step[]
}

/** Stages with their steps in order. Of the language only what the Dockerfile of this repository uses is understood. */
export function stagesOf(text: string): Stage[] {
  const lines = text.replaceAll('\\\n', ' ').split('\n')
  const stages: Stage[] = []
  for (const line of lines.map((each) => each.trim()).filter((each) => each !== '' && !each.startsWith('#'))) {
    const [, word = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? []
    if (word === 'FROM') {
      const [from = '', , name = ''] = rest.split(/\s+/)
      stages.push({ from, name, steps: [] })
    } else stages.at(-1)?.steps.push({ word, rest })
  }
  return stages
}

export interface Box {
  /** Where what the steps wrote is. */
  root: string
  env: Record<string, string>
  workdir: string
  user: string
  healthcheck: string[]
  command: string[]
}

export const emptyBox = (root: string): Box => ({
  root,
  env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
  workdir: '/',
  user: '0:0',
  healthcheck: [],
  command: [],
})

export async function newRoot(name: string): Promise<string> {
  const root = await mkdtemp(path.join(tmpdir(), `permea-image-${name}-`))
  await chmod(root, 0o755)
  return root
}

/** As the base image: this machine's programs and libraries, and none of its other folders. */
export async function likeDebian(root: string): Promise<void> {
  for (const dir of ['usr/bin', 'usr/lib', 'usr/lib64', 'usr/sbin', 'usr/local/bin', 'etc', 'proc', 'dev', 'tmp'])
    await mkdir(path.join(root, dir), { recursive: true })
  for (const dir of ['bin', 'lib', 'lib64', 'sbin']) await symlink(`usr/${dir}`, path.join(root, dir))
  await chmod(path.join(root, 'tmp'), 0o1777)
  await writeFile(path.join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
}

const LIKE_DEBIAN = `for d in usr/bin usr/lib usr/lib64 usr/sbin; do mount --bind /$d "$ROOT/$d"; done
mount --bind /dev "$ROOT/dev"; mount -t proc proc "$ROOT/proc"`

/** The arguments of `unshare` that run a command in a box; its mounts end with it. */
function inBox(box: Box, command: readonly string[]): string[] {
  const env = Object.entries(box.env).map(([name, value]) => `${name}=${value}`)
  const script = `set -e
${LIKE_DEBIAN}
exec chroot --userspec="$OWNER" "$ROOT" /usr/bin/env -i "$@"`
  const inside = ['sh', '-c', 'cd "$0" && exec "$@"', box.workdir, ...command]
  return ['--mount', 'env', `ROOT=${box.root}`, `OWNER=${box.user}`, 'sh', '-c', script, 'sh', ...env, ...inside]
}

export async function run(box: Box, command: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('unshare', inBox(box, command), { maxBuffer: 64 * 1024 * 1024 })
  return stdout
}

export function begin(box: Box, command: readonly string[]) {
  const child = spawn('unshare', inBox(box, command), { stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      printed += chunk.toString()
    })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  return { printed: () => printed, ended, stop: () => child.kill('SIGTERM') }
}

/** Does the steps of a stage; `from` has the roots of those before it. */
export async function carryOut(
  steps: readonly Step[],
  box: Box,
  options: { context: string; from: Record<string, string>; runs(command: string): Promise<void> },
): Promise<void> {
  for (const { word, rest } of steps) {
    if (word === 'RUN') await options.runs(rest)
    else if (word === 'COPY') await copied(rest, box, options)
    else if (word === 'WORKDIR') {
      box.workdir = rest
      await mkdir(path.join(box.root, rest), { recursive: true })
    } else if (word === 'ENV')
      for (const [, name = '', value = ''] of rest.matchAll(/([A-Z_]+)=(\S+)/g)) box.env[name] = value
    else if (word === 'USER') box.user = rest
    else if (word === 'HEALTHCHECK') box.healthcheck = JSON.parse(rest.slice(rest.indexOf('CMD ') + 4)) as string[]
    else if (word === 'ENTRYPOINT') box.command = JSON.parse(rest) as string[]
    else if (word === 'CMD') box.command = [...box.command, ...(JSON.parse(rest) as string[])]
    else if (!['VOLUME', 'EXPOSE', 'STOPSIGNAL'].includes(word)) throw new Error(`${word} is not understood here`)
  }
}

async function copied(
  rest: string,
  box: Box,
  { context, from }: { context: string; from: Record<string, string> },
): Promise<void> {
  const [, stage = '', source = '', target = ''] = /^(?:--from=(\S+)\s+)?(\S+)\s+(\S+)$/.exec(rest) ?? []
  const origin = path.join(stage === '' ? context : (from[stage] ?? ''), source)
  const place = path.join(box.root, path.resolve(box.workdir, target))
  await mkdir(path.dirname(place), { recursive: true })
  await cp(origin, place, { recursive: true, verbatimSymlinks: true })
}

export async function put(file: string, place: string): Promise<void> {
  await mkdir(path.dirname(place), { recursive: true })
  await copyFile(file, place)
}

export const discard = (root: string) => rm(root, { recursive: true, force: true })
