// Ctrl-C: the first one cancels what is going on in an orderly way, the second one ends the process at once.
import { CancelledError } from '../base/errors.ts'

/** Listens until `stop` is called. SIGTERM counts like Ctrl-C, because service managers send it. */
export function listenForInterrupt(onFirst: () => void): { readonly signal: AbortSignal; stop(): void } {
  const controller = new AbortController()
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(130)
    onFirst()
    controller.abort(new CancelledError('cancelled by a signal'))
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return {
    signal: controller.signal,
    stop() {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    },
  }
}
