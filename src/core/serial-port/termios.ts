// The settings of a serial port: Linux's struct termios2, which has any baud rate. The layout and the numbers are those
// of x86, arm and RISC-V, in 32 and 64 bits; all of them are little-endian.

/** The numbers of the requests. */
export const TCGETS2 = 0x802c542a
export const TCSETS2 = 0x402c542b
/** No other program may open the port. */
export const TIOCEXCL = 0x540c

const SIZE = 44
const AT = { input: 0, control: 8, characters: 17, inputSpeed: 36, outputSpeed: 40 } as const

/** A break or a broken character is no input. */
const IGNBRK_IGNPAR = 0o1 | 0o4
/** Eight bits, receiver on, no modem lines; the rate is in the fields for it. */
const CS8_CREAD_CLOCAL_BOTHER = 0o60 | 0o200 | 0o4000 | 0o10000
/** Index in the characters: the bytes that a read waits for. With 0 an empty read would look like a removed device. */
const VMIN = 6

/** A buffer for TCGETS2. */
export function settingsBuffer(): Buffer {
  return Buffer.alloc(SIZE)
}

/** Settings for bytes as they are, eight bits without parity and without flow control. */
export function rawSettings(baud: number): Buffer {
  const settings = Buffer.alloc(SIZE)
  settings.writeUInt32LE(IGNBRK_IGNPAR, AT.input)
  settings.writeUInt32LE(CS8_CREAD_CLOCAL_BOTHER, AT.control)
  settings.writeUInt8(1, AT.characters + VMIN)
  settings.writeUInt32LE(baud, AT.inputSpeed)
  settings.writeUInt32LE(baud, AT.outputSpeed)
  return settings
}

/** The baud rate that settings contain. */
export function baudOf(settings: Buffer): number {
  return settings.readUInt32LE(AT.outputSpeed)
}
