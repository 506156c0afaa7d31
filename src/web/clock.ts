// The only place of the web that reads the machine's clock.

export function now(): Date {
  return new Date()
}
