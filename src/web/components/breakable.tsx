// A name without spaces that may be broken where its parts meet, and elsewhere only where it would not fit otherwise.
import { Fragment } from 'react'

/** `ada.lovelace@contoso.com`, `Contoso|Sales`, `connection.create`. */
export function Breakable({ text }: { readonly text: string }) {
  return text.split(/(?<=[@|/])|(?=[.#_])/u).map((part, place) => (
    // The parts of one text have no names of their own.
    <Fragment key={place}>
      {place === 0 ? null : <wbr />}
      {part}
    </Fragment>
  ))
}
