// Random lines of G-code from a seed: mostly valid, with odd numbers, orders and parameters.

const COMMANDS = [
  'G0',
  'G1',
  'G1',
  'G1',
  'G1',
  'G2',
  'G3',
  'G4',
  'G10',
  'G11',
  'G17',
  'G18',
  'G19',
  'G28',
  'G90',
  'G91',
  'G92',
  'M82',
  'M83',
  'M84',
  'M204',
  'M220',
  'M221',
  'M400',
  'M73',
  'M104',
  'M109',
  'T0',
  'T1',
  'SET_VELOCITY_LIMIT',
  'SET_GCODE_OFFSET',
  'SAVE_GCODE_STATE',
  'RESTORE_GCODE_STATE',
  'SET_RETRACTION',
  'SET_KINEMATIC_POSITION',
  'ACTIVATE_EXTRUDER',
]
const COMMENTS = [
  ';TYPE:Infill',
  '; FEATURE: Wall',
  ';LAYER_CHANGE',
  ';LAYER:3',
  ';',
  '; x',
  '\t;TYPE:',
  ';TYPE: ',
]
const WORDS = ['X', 'Y', 'Z', 'E', 'F', 'I', 'J', 'K', 'P', 'S', 'R', 'T']
const KEYS = [
  'X',
  'Z_ADJUST',
  'MOVE',
  'MOVE_SPEED',
  'NAME',
  'ACCEL',
  'VELOCITY',
  'SQUARE_CORNER_VELOCITY',
  'MINIMUM_CRUISE_RATIO',
  'RETRACT_LENGTH',
  'RETRACT_SPEED',
  'EXTRUDER',
]
const ODD = ['', '-', '.', '1e9', 'nan', '0', '-0', '1e-9', '99999999', '0.0000001', 'a', '"', "'x", '=']

/** A few hundred lines. */
export function randomGcode(seed: number): string {
  const random = randomNumbers(seed)
  const pick = (list: readonly string[]) => list[Math.floor(random() * list.length)]!
  const number = () => {
    const kind = random()
    if (kind < 0.06) return pick(ODD)
    return kind < 0.5
      ? String(Math.floor(random() * 300))
      : (random() * 60 - 10).toFixed(Math.floor(random() * 6))
  }
  const parameters = (name: string) => {
    const isExtended = name.includes('_')
    const count = Math.floor(random() * 5)
    return Array.from({ length: count }, () =>
      isExtended ? ` ${pick(KEYS)}=${number()}` : ` ${pick(WORDS)}${number()}`,
    ).join('')
  }
  const line = () => {
    if (random() < 0.1) return pick(COMMENTS)
    const name = pick(COMMANDS)
    return `${name}${parameters(name)}${random() < 0.1 ? ' ; comment' : ''}`
  }
  const end = random() < 0.3 ? '\r\n' : '\n'
  return Array.from({ length: 50 + Math.floor(random() * 400) }, line).join(end)
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296
  }
}
