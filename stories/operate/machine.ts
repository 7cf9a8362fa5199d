import { execFile } from 'node:child_process'
import { cpSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

// A machine in a folder: what a document says to do is done there, word for word but for paths, ports and names.

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

export interface Machine {
  /** A path of the machine on this one. */
  at(file: string): string
  /** Does what a block of a document says; rejects with what it printed where a command of it fails. */
  does(block: string): Promise<string>
  read(file: string): string
}

/**
 * @param renamed what is called otherwise here: ports, names, addresses. Longer ones first.
 */
export function createMachine(folder: string, renamed: readonly (readonly [string, string])[]): Machine {
  const at = (file: string) => path.join(folder, file)
  const here = (text: string) =>
    renamed
      .reduce((now, [there, name]) => now.replaceAll(there, name), text)
      .replaceAll(/(?<![\w.:/-])\/(etc|opt|var)\//g, `${folder}/$1/`)
  for (const dir of [
    'bin',
    'run',
    'etc/systemd/system',
    'etc/nginx/conf.d',
    'etc/cron.d',
    'etc/prometheus',
    'opt',
    'var/lib',
  ])
    mkdirSync(at(dir), { recursive: true })
  cpSync(path.join(ROOT, 'deploy'), at('deploy'), { recursive: true })
  for (const file of globSync('deploy/**/*', { cwd: folder }).filter((each) => statSync(at(each)).isFile()))
    writeFileSync(at(file), here(readFileSync(at(file), 'utf8')))
  const permea = path.join(ROOT, 'cli/bin/permea.js')
  writeFileSync(
    at('etc/nginx/nginx.conf'),
    `pid ${folder}/run/nginx.pid; error_log ${folder}/run/nginx.log; events {} http { access_log off; include ${folder}/etc/nginx/conf.d/*.conf; }`,
  )
  const commands = {
    // The user of the unit, and packages of a registry: these are not this machine's to make.
    useradd: 'exit 0',
    npm: `mkdir -p "$3/node_modules/.bin" && ln -sf ${permea} "$3/node_modules/.bin/permea"`,
    nginx: `exec $(PATH=$PATH_THERE command -v nginx) -c ${folder}/etc/nginx/nginx.conf "$@"`,
    systemctl: SYSTEMCTL,
  }
  for (const [name, script] of Object.entries(commands))
    writeFileSync(at(`bin/${name}`), `#!/usr/bin/env bash\nset -e\n${script}\n`, { mode: 0o755 })
  const there = process.env.PATH ?? ''
  const env = { ...process.env, MACHINE: folder, PATH_THERE: there, PATH: `${at('bin')}:${there}` }
  return {
    at,
    read: (file) => readFileSync(at(file), 'utf8'),
    async does(block) {
      const { stdout, stderr } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', here(block)], {
        cwd: folder,
        env,
      })
      return stdout + stderr
    },
  }
}

/** What systemd does with the unit of the repository, and of Prometheus: start, stop with SIGTERM, a pid for each. */
const SYSTEMCTL = `
verb=$1; shift; [ "$verb" = enable ] && shift
[ "$verb" = daemon-reload ] && exit 0
for name in "$@"; do
  pid=$MACHINE/run/$name.pid
  if [ "$verb" != enable ] && [ -f "$pid" ]; then
    kill -TERM "$(cat "$pid")" 2>/dev/null || true
    while kill -0 "$(cat "$pid")" 2>/dev/null; do sleep 0.05; done
    rm -f "$pid"
  fi
  [ "$verb" = stop ] && continue
  if [ "$name" = prometheus ]; then
    command="prometheus --config.file=$MACHINE/etc/prometheus/prometheus.yml --storage.tsdb.path=$MACHINE/var/lib/prometheus --web.listen-address=127.0.0.1:$PROMETHEUS_PORT"
    settings=()
  else
    unit=$MACHINE/etc/systemd/system/\${name%@*}@.service
    mapfile -t settings < <(sed -n 's/^Environment=//p' "$unit" | sed "s/%i/\${name#*@}/" | tr ' ' '\\n')
    mapfile -t -O "\${#settings[@]}" settings < <(sed "s/='\\(.*\\)'$/=\\1/" "$(sed -n 's/^EnvironmentFile=//p' "$unit")")
    command=$(sed -n 's/^ExecStart=//p' "$unit")
  fi
  mkdir -p "$MACHINE/var/lib/permea" "$MACHINE/var/cache/permea"
  cd "$MACHINE/var/lib/permea"
  nohup env -i PATH="$PATH_THERE" HOME="$MACHINE/var/lib/permea" "\${settings[@]}" $command > "$MACHINE/run/$name.log" 2>&1 &
  echo $! > "$pid"
done`

/** The blocks of shell in a document, in order, under the heading that each stands beneath. */
export function blocksOf(document: string): { heading: string; text: string }[] {
  let heading = ''
  return [...document.matchAll(/^## (.+)$|^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, title, text]) => {
    if (title !== undefined) heading = title
    return text === undefined ? [] : [{ heading, text }]
  })
}
