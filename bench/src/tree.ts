import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, link, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** This tree. */
export const HERE = path.resolve(import.meta.dirname, '../..')

/** A revision of this repository, ready to run, in a folder of its own that goes when it is disposed of. */
export interface Tree extends AsyncDisposable {
  dir: string
  /** The commit, shortened. */
  commit: string
}

/**
 * Checks a revision out beside this tree; a folder with a tree in it is taken as it is, packages and all. Its packages
 * are this tree's where both ask for the same ones.
 */
export async function checkOut(revision: string): Promise<Tree> {
  if (existsSync(path.join(revision, 'package.json'))) return treeAt(path.resolve(revision))
  const { stdout } = await run('git', ['-C', HERE, 'rev-parse', '--short', `${revision}^{commit}`])
  const parent = await mkdtemp(path.join(tmpdir(), 'permea-against-'))
  const dir = path.join(parent, 'tree')
  await run('git', ['-C', HERE, 'worktree', 'add', '--detach', dir, revision])
  const tree: Tree = {
    dir,
    commit: stdout.trim(),
    async [Symbol.asyncDispose]() {
      await run('git', ['-C', HERE, 'worktree', 'remove', '--force', dir])
      await rm(parent, { recursive: true, force: true })
    },
  }
  try {
    await givePackages(dir)
  } catch (error) {
    await tree[Symbol.asyncDispose]()
    throw error
  }
  return tree
}

async function treeAt(dir: string): Promise<Tree> {
  const { stdout } = await run('git', ['-C', dir, 'rev-parse', '--short', 'HEAD'])
  return { dir, commit: stdout.trim(), async [Symbol.asyncDispose]() {} }
}

async function givePackages(dir: string): Promise<void> {
  const lock = (tree: string) => readFile(path.join(tree, 'package-lock.json'), 'utf8')
  if ((await lock(HERE)) === (await lock(dir)))
    await linkPackages(path.join(HERE, 'node_modules'), path.join(dir, 'node_modules'))
  else
    await run('npm', ['ci', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: dir, maxBuffer: 64 * 1024 * 1024 })
}

/**
 * Gives a tree the packages of another, file by file: a process that may read its own tree alone, as those of the engine
 * that run what users wrote, follows no link out of it. Links stay links: the project's own lead to folders of a tree.
 */
async function linkPackages(from: string, to: string): Promise<void> {
  await mkdir(to)
  const entries = await readdir(from, { withFileTypes: true })
  await Promise.all(
    entries.map(async (entry) => {
      const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)]
      if (entry.isSymbolicLink()) await symlink(await readlink(source), target)
      else if (entry.isDirectory()) await linkPackages(source, target)
      // Folders of temporary files are often another file system, which no link reaches.
      else await link(source, target).catch(() => copyFile(source, target))
    }),
  )
}
