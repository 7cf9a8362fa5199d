import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** How source files of this project end where it runs: `.ts` in the checkout, `.js` in the package that is installed. */
export const SOURCE_ENDING = extname(fileURLToPath(import.meta.url))
