// One line of a run's log.

/** No personal data: messages are fixed texts of Muster's, fields are ids, codes and counts. */
export interface RunLogLine {
  readonly seq: number
  /** ISO 8601, UTC. */
  readonly at: string
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: Readonly<Record<string, string | number>>
}
