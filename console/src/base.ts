/** The page's own address up to `/console`, whatever stands before it. */
export const CONSOLE_PATH = `${location.pathname.split('/console')[0]}/console`

/** Where the engine's API is: beside the console. */
export const API_URL = `${location.origin}${CONSOLE_PATH.slice(0, -'/console'.length)}`

/** What styles made at run time carry, so that the page's policy lets them be. */
export const STYLE_NONCE = document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce ?? ''
