// Commands that people copy out of messages into a shell.

/** One word of a command line for a POSIX shell, whatever is in it: names of sources may have blanks and quotes. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./][\w@%+=:,./-]*$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
