// Loading the page again where nothing of it may stay, whatever was typed.

let isForced = false

/** The browser does not ask whether one wants to leave. */
export function reloadAtOnce(): void {
  isForced = true
  location.reload()
}

/** Whether a page with something typed may make the browser ask before it is left. */
export function mayHoldBack(): boolean {
  return !isForced
}
