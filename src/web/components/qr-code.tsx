// A QR code: dark on white also where the page is dark, as scanners expect it.
import makeQrCode from 'qrcode-generator'
import { useMemo } from 'react'

/** Light modules around it, as the standard asks for. */
const QUIET = 4

export function QrCode({
  text,
  label,
  size,
}: {
  readonly text: string
  readonly label: string
  readonly size: number
}) {
  const { path, modules } = useMemo(() => draw(text), [text])
  return (
    <svg
      role="img"
      aria-label={label}
      width={size}
      height={size}
      viewBox={`0 0 ${modules} ${modules}`}
      shapeRendering="crispEdges"
    >
      <rect width={modules} height={modules} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  )
}

function draw(text: string): { readonly path: string; readonly modules: number } {
  // 0: as large as the text needs.
  const code = makeQrCode(0, 'M')
  code.addData(text)
  code.make()
  const count = code.getModuleCount()
  const dark: string[] = []
  for (let row = 0; row < count; row += 1) {
    for (let column = 0; column < count; column += 1)
      if (code.isDark(row, column)) dark.push(`M${column + QUIET} ${row + QUIET}h1v1h-1z`)
  }
  return { path: dark.join(''), modules: count + 2 * QUIET }
}
