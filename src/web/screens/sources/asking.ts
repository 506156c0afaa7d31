// Asking for runs of several sources: each that the server takes is watched, each that it refuses is named.

/** What to ask for. */
export interface Asked {
  readonly names: readonly string[]
  readonly kind: 'sync' | 'plan'
  /** Compares everything, where it would read changes otherwise. */
  readonly full?: boolean
}

export interface Answers {
  /** Ids of the jobs that were made. */
  readonly jobs: readonly string[]
  readonly refused: readonly { readonly source: string; readonly error: unknown }[]
}

/** Asks for each of the sources by itself, so that one that is refused keeps none of the others from being watched. */
export async function askForEach(
  names: readonly string[],
  ask: (source: string) => Promise<{ readonly id: string }>,
): Promise<Answers> {
  const answers = await Promise.allSettled(names.map(ask))
  const jobs: string[] = []
  const refused: { source: string; error: unknown }[] = []
  for (const [place, answer] of answers.entries()) {
    if (answer.status === 'fulfilled') jobs.push(answer.value.id)
    else refused.push({ source: names[place] ?? '', error: answer.reason })
  }
  return { jobs, refused }
}
