import { spawnSync } from 'node:child_process'

// npm run fuzz -- [seconds] [seed]
const [seconds = '60', seed] = process.argv.slice(2)
const env = { ...process.env, FUZZ_SECONDS: seconds, ...(seed === undefined ? {} : { FUZZ_SEED: seed }) }
const { status } = spawnSync('npx', ['vitest', 'run', 'stories/fuzz'], { stdio: 'inherit', env })
process.exitCode = status ?? 1
