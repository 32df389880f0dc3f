// Unpacks MeatPack, which stores the most frequent characters of G-code in half a byte each.

/** The characters by their half bytes. With the last half byte, 15, the character follows in a byte of its own. */
const CHARACTERS = '0123456789. \nGX'
const WHOLE_BYTE = 15
/** The half byte that means `E` in blocks without spaces. */
const SPACE_OR_E = 11

/** A command follows two of these bytes. */
const SIGNAL = 0xff
const COMMAND = { pack: 251, doNotPack: 250, reset: 249, omitSpaces: 247, keepSpaces: 246 } as const

const code = (character: string) => character.charCodeAt(0)
const NEWLINE = code('\n')
const SPACE = code(' ')
const LETTER_E = code('E')
const LETTER_G = code('G')

/** Unpacks a block. Commands that lost their spaces get them back: `G1X2Y3` becomes `G1 X2 Y3`. */
export function meatpackDecode(input: Uint8Array): Buffer {
  const unpacker = new Unpacker(2 * input.length)
  let isAfterSignal = false
  let isCommand = false
  for (const byte of input) {
    if (byte === SIGNAL) {
      isCommand ||= isAfterSignal
      isAfterSignal = !isAfterSignal
    } else if (isCommand) {
      unpacker.run(byte)
      isCommand = false
    } else {
      // A single signal byte is data.
      if (isAfterSignal) unpacker.take(SIGNAL)
      isAfterSignal = false
      unpacker.take(byte)
    }
  }
  return unpacker.text.bytes()
}

class Unpacker {
  readonly text: CommandText
  readonly #characters = Uint8Array.from(CHARACTERS, code)
  #isPacked = false
  /** Characters that follow in bytes of their own. */
  #wholeBytes = 0
  /** The character that comes after the next whole byte; 0 for none. */
  #afterNext = 0

  constructor(size: number) {
    this.text = new CommandText(size)
  }

  run(command: number): void {
    if (command === COMMAND.pack) this.#isPacked = true
    else if (command === COMMAND.doNotPack || command === COMMAND.reset) this.#isPacked = false
    else if (command === COMMAND.omitSpaces) this.#characters[SPACE_OR_E] = LETTER_E
    else if (command === COMMAND.keepSpaces) this.#characters[SPACE_OR_E] = SPACE
  }

  take(byte: number): void {
    if (!this.#isPacked) this.text.add(byte)
    else if (this.#wholeBytes > 0) this.#takeWhole(byte)
    else this.#takePair(byte & 15, byte >> 4)
  }

  #takeWhole(byte: number): void {
    this.#wholeBytes -= 1
    this.text.add(byte)
    if (this.#afterNext === 0) return
    this.text.add(this.#afterNext)
    this.#afterNext = 0
  }

  #takePair(first: number, second: number): void {
    if (first === WHOLE_BYTE) {
      this.#wholeBytes = second === WHOLE_BYTE ? 2 : 1
      if (second !== WHOLE_BYTE) this.#afterNext = this.#characters[second]!
      return
    }
    const character = this.#characters[first]!
    this.text.add(character)
    // The rest of the byte after the end of a line is unused.
    if (character === NEWLINE) return
    if (second === WHOLE_BYTE) this.#wholeBytes = 1
    else this.text.add(this.#characters[second]!)
  }
}

/** Lines of G-code, without empty ones. */
class CommandText {
  #bytes: Buffer
  #filled = 0
  /** Characters of the line so far, at most 2. */
  #column = 0
  #startsWithG = false
  /** Whether the line is a command of `G` and a number, whose arguments are single letters with a value. */
  #isNumbered = false

  constructor(size: number) {
    this.#bytes = Buffer.allocUnsafe(size + 16)
  }

  add(character: number): void {
    if (this.#filled + 2 > this.#bytes.length) this.#grow()
    if (character === NEWLINE) {
      this.#column = 0
      this.#isNumbered = false
      if (this.#filled > 0 && this.#bytes[this.#filled - 1] === NEWLINE) return
    } else if (this.#column === 0) {
      this.#startsWithG = character === LETTER_G
      this.#column = 1
    } else if (this.#column === 1) {
      this.#isNumbered = this.#startsWithG && character >= code('0') && character <= code('9')
      this.#column = 2
    } else if (this.#isNumbered && isCapital(character) && this.#bytes[this.#filled - 1] !== SPACE) {
      this.#bytes[this.#filled++] = SPACE
    }
    this.#bytes[this.#filled++] = character
  }

  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#filled)
  }

  #grow(): void {
    const larger = Buffer.allocUnsafe(2 * this.#bytes.length)
    this.#bytes.copy(larger, 0, 0, this.#filled)
    this.#bytes = larger
  }
}

function isCapital(character: number): boolean {
  return character >= code('A') && character <= code('Z')
}
