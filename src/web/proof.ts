// Asks who is signed in to prove who he is, where the server wants that before what is sensitive. The dialog is shown by the frame.

type Asker = () => Promise<boolean>

let asker: Asker | undefined
/** Two that need one at once are asked once. */
let asked: Promise<boolean> | undefined

/** Says who shows the dialog. @returns how to end that */
export function askForProofWith(next: Asker): () => void {
  asker = next
  return () => {
    if (asker === next) asker = undefined
  }
}

/** @returns whether it was proved; false where somebody changed his mind, or is on the way to Microsoft */
export async function proveNow(): Promise<boolean> {
  if (asker === undefined) return false
  asked ??= asker().finally(() => {
    asked = undefined
  })
  return asked
}
