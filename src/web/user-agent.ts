// A browser as people call it, of what it calls itself.

// The order matters: most say that they are Chrome or Safari as well.
const BROWSERS: readonly (readonly [name: string, says: RegExp])[] = [
  ['Edge', /Edg(?:A|iOS)?\/(\d+)/],
  ['Opera', /OPR\/(\d+)/],
  ['Samsung Internet', /SamsungBrowser\/(\d+)/],
  ['Firefox', /(?:Firefox|FxiOS)\/(\d+)/],
  ['Chrome', /(?:Chrome|CriOS)\/(\d+)/],
  ['Safari', /Version\/(\d+)[\d.]* (?:Mobile\/\S+ )?Safari\//],
]
const SYSTEMS: readonly (readonly [name: string, says: RegExp])[] = [
  ['Windows', /Windows NT/],
  ['Android', /Android/],
  ['iPhone', /iPhone/],
  ['iPad', /iPad/],
  ['macOS', /Mac OS X/],
  ['ChromeOS', /CrOS/],
  ['Linux', /Linux|X11/],
]

/** `Chrome 140 on Windows`; what is not a known browser as it calls itself. */
export function browserInWords(userAgent: string): string {
  for (const [name, says] of BROWSERS) {
    const version = says.exec(userAgent)?.[1]
    if (version === undefined) continue
    const system = SYSTEMS.find(([, where]) => where.test(userAgent))?.[0]
    return system === undefined ? `${name} ${version}` : `${name} ${version} on ${system}`
  }
  return userAgent
}
