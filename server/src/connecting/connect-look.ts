import { ConnectLook } from '@permea/contract'
import type { Workspace } from '../workspaces/workspace.ts'

/** What the workspace says of its connect pages; nothing where that cannot be read. */
export function lookOf(workspace: Pick<Workspace, 'settings'>): ConnectLook {
  return ConnectLook.safeParse(workspace.settings.connect ?? {}).data ?? {}
}

/** Whether a page of this origin may show the connect page inside it, and is told what came of it. */
export function mayEmbed({ allowedOrigins }: ConnectLook, origin: string): boolean {
  return allowedOrigins == null || allowedOrigins.some((each) => new URL(each).origin === origin)
}

/** Whether the workspace names this origin as one of its own: its pages may send people on to apps. */
export function isListed({ allowedOrigins }: ConnectLook, origin: string): boolean {
  return allowedOrigins != null && mayEmbed({ allowedOrigins }, origin)
}

/** What differs from the common style sheet. */
export function themeOf(look: ConnectLook): string {
  const { primaryColor, fontFamily, fontUrl, cornerRadius, colorScheme } = look
  const rules: string[] = []
  const values = [
    ...(primaryColor == null ? [] : [`--primary: ${primaryColor}; --on-primary: ${textOn(primaryColor)}`]),
    ...(cornerRadius == null ? [] : [`--radius: ${cornerRadius}px`]),
    ...(fontFamily == null || fontFamily === '' ? [] : [`--font: ${fontFamily}, system-ui, sans-serif`]),
    ...(colorScheme == null || colorScheme === 'auto' ? [] : [`color-scheme: ${colorScheme}`]),
  ]
  const [family] = (fontFamily ?? '').split(',')
  if (fontUrl != null && family !== undefined && family !== '')
    rules.push(`@font-face { font-family: ${family}; src: url("${inQuotes(fontUrl)}"); font-display: swap }`)
  if (values.length > 0) rules.push(`:root { ${values.join('; ')} }`)
  return rules.join('\n')
}

const inQuotes = (url: string) => new URL(url).href.replaceAll('"', '%22').replaceAll('\\', '%5C')

/**
 * Black or white, whichever can be read better on a colour.
 * @source WCAG 2.2, relative luminance
 */
function textOn(color: string): string {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
  return 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 ? '#fff' : '#000'
}
