// Pins of GPIO chips as moonraker.conf names them: `gpiochip0/gpio17`, `!gpio4`, `^pinctrl-rp1/gpio17`.

/** A pin, as written. */
export interface Pin {
  /** The name of the chip, such as gpiochip0, or its label. */
  readonly chip: string
  readonly line: number
  readonly bias: 'pull_up' | 'pull_down' | null
  /** The pin is low when its value is 1. */
  readonly isInverted: boolean
}

const PIN = /^([\^~]?)(!?)(?:([\w.:-]+)\/)?gpio(\d+)$/

/** Reads the text of a pin. Throws Error that quotes it. */
export function parsePin(text: string): Pin {
  const [, bias, inverted, chip = 'gpiochip0', line] = PIN.exec(text.trim()) ?? []
  if (line === undefined) {
    throw new Error(
      `Invalid pin format ${text}. Refer to the configuration documentation for details on the pin format.`,
    )
  }
  return {
    chip,
    line: Number(line),
    bias: bias === '^' ? 'pull_up' : bias === '~' ? 'pull_down' : null,
    isInverted: inverted === '!',
  }
}
