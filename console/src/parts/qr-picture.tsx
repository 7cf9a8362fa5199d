import encodeQR from 'qr'
import { useMemo } from 'react'

/** The quiet zone that readers need. @source ISO/IEC 18004, 6.3.8 */
const BORDER = 4
const MODULE_PX = 4

/** A text as a picture for the camera of a phone: drawn here, nothing is asked of anybody. Black on white in the dark, too. */
export default function QrPicture({ text, label }: { text: string; label: string }) {
  const rows = useMemo(() => encodeQR(text, 'raw', { ecc: 'medium', border: BORDER }), [text])
  const size = rows.length
  const dark = rows.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : []))).join('')
  return (
    <svg
      role="img"
      aria-label={label}
      viewBox={`0 0 ${size} ${size}`}
      width={size * MODULE_PX}
      height={size * MODULE_PX}
      shapeRendering="crispEdges"
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={dark} fill="#000" />
    </svg>
  )
}
