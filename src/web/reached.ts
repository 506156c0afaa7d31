// Parts of the web that are loaded when somebody goes where they are shown.
import { isReachable, unreachable } from './api.ts'
import { shell } from './texts/shell.ts'

/**
 * Loads a part, and tells why it could not be. The router takes every failure for a newer version of the web and loads the page anew,
 * which without a server would leave nothing of it; so it hears of one only where the server is there.
 */
export function reached<T>(load: () => Promise<T>): () => Promise<T> {
  return async () => {
    try {
      return await load()
    } catch (error) {
      throw (await isReachable()) ? error : unreachable(shell.unreachable)
    }
  }
}
