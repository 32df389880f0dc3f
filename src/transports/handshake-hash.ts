// SHA-1 for the handshake of WebSockets (RFC 6455, section 4.2.2). node:crypto has it too, but takes a megabyte of memory.
// The handshake shows only that a peer uses this protocol; it protects nothing. For secrets, use node:crypto.

const START = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0] as const
const BLOCK_BYTES = 64
/** The end of the last block: the length of the text in bits. */
const LENGTH_BYTES = 8
const WORDS = 16
const ROUNDS = 80

const rotate = (word: number, bits: number) => (word << bits) | (word >>> (32 - bits))

/** As `createHash('sha1')` of node:crypto, for texts. */
export class HandshakeHash {
  #text = ''

  update(text: string): this {
    this.#text += text
    return this
  }

  digest(encoding: 'base64' | 'hex'): string {
    const state = Int32Array.from(START)
    const blocks = padded(Buffer.from(this.#text))
    for (let at = 0; at < blocks.length; at += BLOCK_BYTES) addBlock(state, blocks, at)
    const digest = Buffer.alloc(state.byteLength)
    for (const [index, word] of state.entries()) digest.writeInt32BE(word, index * 4)
    return digest.toString(encoding)
  }
}

/** Whole blocks: the text, a bit, zeros and the length. */
function padded(text: Buffer): Buffer {
  const blocks = Math.ceil((text.length + 1 + LENGTH_BYTES) / BLOCK_BYTES)
  const all = Buffer.alloc(blocks * BLOCK_BYTES)
  text.copy(all)
  all[text.length] = 0x80
  all.writeBigUInt64BE(BigInt(text.length) * 8n, all.length - LENGTH_BYTES)
  return all
}

function addBlock(state: Int32Array, blocks: Buffer, at: number): void {
  const words = new Int32Array(ROUNDS)
  for (let i = 0; i < WORDS; i += 1) words[i] = blocks.readInt32BE(at + i * 4)
  const word = (index: number) => words[index] as number
  for (let i = WORDS; i < ROUNDS; i += 1)
    words[i] = rotate(word(i - 3) ^ word(i - 8) ^ word(i - 14) ^ word(i - 16), 1)
  let [a = 0, b = 0, c = 0, d = 0, e = 0] = state
  for (let i = 0; i < ROUNDS; i += 1) {
    const next = (rotate(a, 5) + mixed(i, b, c, d) + e + word(i)) | 0
    ;[a, b, c, d, e] = [next, a, rotate(b, 30), c, d]
  }
  for (const [index, value] of [a, b, c, d, e].entries()) state[index] = (state[index] as number) + value
}

/** The function of a round, and its constant. */
function mixed(round: number, b: number, c: number, d: number): number {
  if (round < 20) return ((b & c) | (~b & d)) + 0x5a827999
  if (round < 40) return (b ^ c ^ d) + 0x6ed9eba1
  if (round < 60) return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
  return (b ^ c ^ d) + 0xca62c1d6
}
