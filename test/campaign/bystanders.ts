// I11: nothing of people whom no source of this tenant owns is touched by its runs, not even the time of the last change.

interface Row {
  readonly table: string
  readonly line: string
  readonly user: number | undefined
  readonly tenantId: unknown
}

/**
 * @param dumps the registry before and after a run that was applied
 * @returns lines of local people, and of those of other tenants, that are not as they were; whoever was adopted is not among them
 */
export function touchedBystanders(
  dumps: { readonly before: string; readonly after: string },
  tenantId: string,
): readonly string[] {
  const [before, after] = [rowsOf(dumps.before), rowsOf(dumps.after)]
  const ours = new Set(
    [...before, ...after].flatMap((row) => (row.table === 'users' && row.tenantId === tenantId ? [row.user] : [])),
  )
  const others = (rows: readonly Row[]) =>
    new Set(rows.flatMap((row) => (row.user === undefined || ours.has(row.user) ? [] : [row.line])))
  const [old, now] = [others(before), others(after)]
  const lost = [...old].filter((line) => !now.has(line)).map((line) => `- ${line}`)
  return [...lost, ...[...now].filter((line) => !old.has(line)).map((line) => `+ ${line}`)]
}

function rowsOf(dump: string): readonly Row[] {
  return dump.split('\n').flatMap((line): Row[] => {
    const space = line.indexOf(' ')
    if (space < 0) return []
    const table = line.slice(0, space)
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- rows of our own tables
    const row = JSON.parse(line.slice(space + 1)) as { id?: number; user_id?: number; tenant_id?: unknown }
    const user = table === 'users' ? row.id : row.user_id
    return [{ table, line, user, tenantId: row.tenant_id }]
  })
}
