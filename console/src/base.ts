/** The page's own address up to `/console`, whatever stands before it. */
export const CONSOLE_PATH = `${location.pathname.split('/console')[0]}/console`

/** The workspace that the address names, as in `/console/~acme/flows`; null for the one that the session begins with. */
export const NAMED_WORKSPACE = /^\/~([^/]+)/.exec(location.pathname.slice(CONSOLE_PATH.length))?.[1] ?? null

/** What stands before every page of the workspace. */
export const PAGES_PATH = NAMED_WORKSPACE === null ? CONSOLE_PATH : pagesOf(NAMED_WORKSPACE)

/** Where a workspace's pages are. Going there loads the console anew, so that nothing of another workspace is left in it. */
export function pagesOf(workspaceKey: string): string {
  return `${CONSOLE_PATH}/~${workspaceKey}`
}

/** Where the engine's API is: beside the console. */
export const API_URL = `${location.origin}${CONSOLE_PATH.slice(0, -'/console'.length)}`

/** What styles made at run time carry, so that the page's policy lets them be. */
export const STYLE_NONCE = document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce ?? ''
