// A backup inside its compression: a row of frames, each a letter, its length and its bytes. The last one vouches for all before it.
import { RunError } from '../base/errors.ts'

export const FRAME_KINDS = {
  manifest: 'M',
  /** A table begins: its name and columns. */
  table: 'T',
  /** Lines of COPY's text format, cut anywhere. */
  rows: 'R',
  /** A table ends: how many rows it has, and their checksum. */
  end: 'E',
  sequences: 'S',
  trailer: 'Z',
} as const
export type FrameKind = keyof typeof FRAME_KINDS

export interface Frame {
  readonly kind: FrameKind
  readonly payload: Buffer
  /** All its bytes as they stand in the file. */
  readonly bytes: Buffer
}

const HEAD_BYTES = 5
/** Far more than anything that is written; what claims to be longer is damaged, and must not fill the memory. */
const LONGEST = 16 * 1024 * 1024

/** One frame as it stands in the file. */
export function encodeFrame(kind: FrameKind, payload: Buffer | object): Buffer {
  const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(JSON.stringify(payload))
  const head = Buffer.alloc(HEAD_BYTES)
  head.write(FRAME_KINDS[kind], 'latin1')
  head.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}

/** @throws RunError `backup-damaged` where bytes make no frames */
export async function* decodeFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk])
    for (;;) {
      if (rest.length < HEAD_BYTES) break
      const length = rest.readUInt32BE(1)
      const kind = KINDS.get(rest.toString('latin1', 0, 1))
      if (kind === undefined || length > LONGEST) throw damaged('its inside makes no sense')
      const end = HEAD_BYTES + length
      if (rest.length < end) break
      yield { kind, payload: rest.subarray(HEAD_BYTES, end), bytes: rest.subarray(0, end) }
      rest = rest.subarray(end)
    }
  }
  if (rest.length > 0) throw damaged('it ends in the middle')
}

export function damaged(what: string, cause?: unknown): RunError {
  return new RunError(
    'backup-damaged',
    `This backup is damaged: ${what}. Nothing was touched; use another copy of it, or another backup`,
    { cause },
  )
}

// Object.entries does not tell the keys' type.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const KINDS = new Map(Object.entries(FRAME_KINDS).map(([kind, letter]) => [letter as string, kind as FrameKind]))
