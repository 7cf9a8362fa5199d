/** What `require` finds; `import` finds the same. */
const modules: Record<string, object> = {}

/** Puts a module where `require` finds it. */
export function offer(name: string, module: object): void {
  modules[name] = module
}

export function required(name: string): object {
  const found = Object.hasOwn(modules, name) ? modules[name] : undefined
  if (found === undefined)
    throw new Error(
      `cannot find module '${name}'; there are node:crypto, node:buffer, node:zlib, permea:webhooks and permea:jwt`,
    )
  return found
}
