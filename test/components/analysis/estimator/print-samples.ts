// G-code of our own making whose times Klipper itself has computed: small pieces of every kind of motion.

import { randomNumbers } from './random-gcode.ts'

/** A file, and the seconds that Klipper's batch mode takes for it on the machines of `machines.ts`. */
export interface PrintSample {
  readonly name: string
  readonly gcode: string
}

const START = ['G90', 'M83', 'G92 E0', 'G1 X50 Y50 Z5 F6000', 'G1 Z0.2 F600']

function sample(name: string, lines: readonly string[]): PrintSample {
  return { name, gcode: `${[...START, ...lines].join('\n')}\n` }
}

const f = (value: number) => value.toFixed(3)

/** Points of a circle; the radius may depend on the step. */
function circle(steps: number, radius: (step: number) => number, turns = 1): [x: number, y: number][] {
  return Array.from({ length: steps }, (_, step) => {
    const angle = (2 * Math.PI * turns * step) / steps
    return [60 + radius(step) * Math.cos(angle), 60 + radius(step) * Math.sin(angle)]
  })
}

const line = ([x, y]: readonly [number, number], e = 0.05) => `G1 X${f(x)} Y${f(y)} E${e}`

const infill = Array.from({ length: 200 }, (_, row) => {
  const [x, y] = [row % 2 === 0 ? 80 : 40, 40 + row * 0.4]
  return [line([x, y], 1.3), line([x, y + 0.4], 0.02)]
}).flat()

const zigzag = Array.from({ length: 600 }, (_, n) => line([50 + n * 0.12, n % 2 === 0 ? 50 : 50.9], 0.03))

const retracting = Array.from({ length: 60 }, (_, n) => [
  'G1 E-0.8 F2100',
  `G1 X${50 + (n % 7) * 11} Y${50 + (n % 5) * 9} F9000`,
  'G1 E0.8 F1800',
  line([50 + (n % 7) * 11 + 4, 50 + (n % 5) * 9 + 3], 0.2),
]).flat()

/** A path of random turns, lengths, speeds and widths from a seed. */
function wandering(seed: number, longest: number, steps: number): string[] {
  const random = randomNumbers(seed)
  let [x, y, angle] = [75, 75, 0]
  return Array.from({ length: steps }, () => {
    const length = longest * random() ** 3
    angle += (random() - 0.5) * (random() < 0.2 ? 6 : 1)
    const inside = (value: number) => Math.min(115, Math.max(35, value))
    ;[x, y] = [inside(x + length * Math.cos(angle)), inside(y + length * Math.sin(angle))]
    const e = random() < 0.15 ? '' : ` E${(length * (0.03 + 0.02 * random())).toFixed(5)}`
    const speed = random() < 0.1 ? ` F${600 + Math.floor(random() * 14_000)}` : ''
    return `G1 X${f(x)} Y${f(y)}${e}${speed}`
  })
}

export const PRINT_SAMPLES: readonly PrintSample[] = [
  sample('straight lines and square corners', [
    'G1 F4800',
    ...Array.from({ length: 20 }, (_, n) => [
      line([100 + n, 50]),
      line([100 + n, 100]),
      line([50, 100]),
      line([50, 50 + n]),
    ]).flat(),
  ]),
  sample('a circle of many short lines', [
    'G1 F7200',
    ...circle(2000, () => 25, 4).map(point => line(point, 0.01)),
  ]),
  sample('a star of uneven radius', [
    'G1 F9000',
    ...circle(900, step => 20 + ((step * 7) % 13), 3).map(point => line(point)),
  ]),
  sample('infill', ['G1 F6000', ...infill]),
  sample('zigzag in a gap', ['G1 F7200', ...zigzag]),
  sample('retractions and travels', retracting),
  sample(
    'wipe while retracting, and Z hop',
    Array.from({ length: 50 }, (_, n) => [
      `G1 X${60 + n} Y60 E0.5 F3600`,
      `G1 X${58 + n} Y61 E-0.7 F2400`,
      'G1 Z0.8 F900',
      `G1 X${60 + n} Y80 F9000`,
      'G1 Z0.2',
      'G1 E0.7 F2400',
    ]).flat(),
  ),
  sample('vase mode', [
    'G1 F3000',
    ...circle(1500, () => 30, 10).map(([x, y], n) => `G1 X${f(x)} Y${f(y)} Z${f(0.2 + n * 0.002)} E0.04`),
  ]),
  sample(
    'arcs',
    Array.from({ length: 40 }, (_, n) => [
      `G1 X${60 + n} Y60 F6000`,
      `G2 X${60 + n} Y80 I0 J10 E1 F3000`,
      `G3 X${60 + n} Y60 I0 J-10 E1`,
      `G3 X${60 + n} Y60 I-5 J0 E1.5`,
    ]).flat(),
  ),
  sample('arcs in the other planes', [
    'G18',
    'G2 X70 Z5 I10 K0 F1800',
    'G17',
    'G3 X50 Y50 Z1 I-10 J0',
    'G19',
    'G2 Y60 Z2 J5 K0',
  ]),
  sample(
    'accelerations of the file',
    Array.from({ length: 30 }, (_, n) => [
      `M204 S${500 + n * 200}`,
      ...circle(12, () => 15).map(point => line(point)),
      `SET_VELOCITY_LIMIT ACCEL=${1000 + n * 50} SQUARE_CORNER_VELOCITY=${n % 9} MINIMUM_CRUISE_RATIO=0.${n % 8}`,
      ...circle(9, () => 12).map(point => line(point)),
      `M204 P${900 + n * 10} T2000`,
      'SET_VELOCITY_LIMIT VELOCITY=60',
      line([90, 90], 1),
      'SET_VELOCITY_LIMIT VELOCITY=200',
    ]).flat(),
  ),
  sample('factors for speed and flow', [
    'M82',
    'G92 E0',
    'G1 F3000',
    'M220 S50',
    'G1 X100 E5',
    'M221 S90',
    'G1 Y100 E10',
    'M220 S150',
    'G1 X50 E15',
    'G1 Y50 E20',
    'M220 S100',
    'G92 E0 X0',
    'G1 X30 E4',
    'G1 X0 E8',
    'M221 S100',
  ]),
  sample('relative moves and saved states', [
    'SAVE_GCODE_STATE NAME=a',
    'G91',
    'G1 X10 Y5 F4200',
    'G1 X10 Y-5 E1',
    'G1 Z2',
    'RESTORE_GCODE_STATE NAME=a MOVE=1 MOVE_SPEED=80',
    'SET_GCODE_OFFSET X=3 Z_ADJUST=0.1 MOVE=1',
    'G1 X70 E1',
    'SET_GCODE_OFFSET X=0 Z=0',
    'G1 X50 E1',
  ]),
  sample(
    'firmware retraction',
    Array.from({ length: 30 }, (_, n) => [
      'G10',
      `G1 X${50 + n} Y${50 + n} F9000`,
      'G11',
      `G1 X${70 + n} E0.6 F3000`,
    ])
      .flat()
      .concat('SET_RETRACTION RETRACT_LENGTH=2 RETRACT_SPEED=20 UNRETRACT_SPEED=15', 'G10', 'G1 X50', 'G11'),
  ),
  sample(
    'pauses',
    Array.from({ length: 12 }, (_, n) => [
      'G1 X70 F3000',
      `G4 P${n * 100}`,
      'G1 X50',
      'M400',
      'G1 X60',
      'G4 S1',
    ]).flat(),
  ),
  sample('tiny moves', [
    'G1 F12000',
    ...Array.from(
      { length: 5000 },
      (_, n) => `G1 X${(50 + n * 0.01).toFixed(2)} Y${f(50 + Math.sin(n / 30))} E0.0004`,
    ),
  ]),
  sample('long accelerations', [
    'SET_VELOCITY_LIMIT ACCEL=40',
    'G1 F18000',
    ...Array.from({ length: 900 }, (_, n) => `G1 X${(50 + n * 0.2).toFixed(2)} E0.005`),
    'G1 X50 Y50',
    'G1 X200 Y60',
  ]),
  sample('one move', []),
  sample('corners of all angles', [
    'G1 F9000',
    ...Array.from({ length: 72 }, (_, n) => {
      const angle = (n * 2.5 * Math.PI) / 180
      const [x, y] = [75 + 15 * Math.cos(angle), 75 + 15 * Math.sin(angle)]
      return [line([75, 75], 0.5), line([x, y], 0.5), 'G1 X60', line([60, 60 + n / 4], 0.3)]
    }).flat(),
  ]),
  sample(
    'lines of changing width',
    Array.from(
      { length: 300 },
      (_, n) =>
        `G1 X${f(50 + n * 0.2)} Y${50 + (n % 3)} E${f(0.01 + 0.05 * (n % 7))} F${3000 + (n % 5) * 1200}`,
    ),
  ),
  sample(
    'slanted moves',
    Array.from({ length: 60 }, (_, n) => `G1 X${50 + (n % 9) * 7} Y${50 + n} Z${f(1 + (n % 4) * 0.6)} F7200`),
  ),
  sample(
    'filament alone',
    Array.from({ length: 30 }, (_, n) => [
      `G1 E${f(1 + n / 3)} F${600 + n * 300}`,
      `G1 E-${f(n / 5)} F6000`,
      `G1 Z${f(1 + n / 10)} E${f(n / 8)} F3000`,
    ]).flat(),
  ),
  sample('small arcs', [
    'M82',
    'G92 E0',
    ...Array.from({ length: 80 }, (_, n) => [
      `G1 X${60 + (n % 20)} Y${50 + n / 4} F6000`,
      `G${2 + (n % 2)} X${62 + (n % 20)} Y${50 + n / 4} I1 J0 E${f(0.1 * (n + 1))} F${2400 + n * 60}`,
      `G2 X${62 + (n % 20)} Y${50 + n / 4} Z${f(0.3 + n / 100)} I0.3 J0.4`,
    ]).flat(),
  ]),
  sample(
    'commands that do not stop the head',
    Array.from({ length: 80 }, (_, n) => [
      `G1 X${50 + n / 2} Y${50 + (n % 2) * 8} E0.4 F5400 ; a comment G4 P5000`,
      `M106 S${n}`,
      `M104 S${200 + n / 10}`,
      `M117 Layer ${n} of 80`,
      'M73 P5 R10',
      'M105',
    ]).flat(),
  ),
  sample('motors off and on', [
    'G1 X70 F3000',
    'M84',
    'M18',
    'SET_KINEMATIC_POSITION X=70 Y=50 Z=0.2',
    'G1 X50',
    'M400',
    'M84',
  ]),
  sample('origins and offsets', [
    'G92 X0 Y0 Z0',
    'G1 X20 Y20 Z1 F4200',
    'SET_GCODE_OFFSET X=5 Y=-5 MOVE=1 MOVE_SPEED=40',
    'G1 X0 E1',
    'G92 X100',
    'G1 X120 Y0',
    'SET_GCODE_OFFSET X_ADJUST=2 Y=0',
    'G1 X100 Y10',
    'G92',
    'G1 X-20 Y-10',
    'SAVE_GCODE_STATE',
    'G1 X0 F600',
    'RESTORE_GCODE_STATE MOVE=1',
  ]),
  sample('firmware retraction with factors', [
    'M220 S150',
    'M221 S80',
    ...Array.from({ length: 30 }, (_, n) => [
      'G10',
      `G1 X${50 + (n % 8) * 5} F6000`,
      'G11',
      `G1 Y${50 + n} E0.5`,
    ]).flat(),
    'M220 S60',
    ...Array.from({ length: 10 }, (_, n) => ['G10', `G1 X${50 + n}`, 'G11', 'G1 Y50 E0.5']).flat(),
  ]),
  sample('odd spellings', [
    'g1 x70f3000',
    'N5 G1 Y70 E1*33',
    'n6g1x50',
    'G1X60Y60',
    '  G0 X 55 Y 55.5 ; comment',
    'G1 X+70 Y.5E1 Y70',
    'G01 X10',
    'G1.0 X10',
    'G1',
    'M204 s800',
    'G1 X50.',
    'set_velocity_limit velocity=50 accel=900',
    'G1 X100',
  ]),
  sample('relative moves of tenths', [
    'G91',
    'G1 F6000',
    ...Array.from({ length: 600 }, (_, n) => (n % 100 < 50 ? 'G1 X0.1 E0.01' : 'G1 X-0.1 Y0.1 E0.01')),
  ]),
  sample(
    'cruise ratios',
    Array.from({ length: 10 }, (_, n) => [
      `SET_VELOCITY_LIMIT MINIMUM_CRUISE_RATIO=0.${n} SQUARE_CORNER_VELOCITY=${n}`,
      ...Array.from(
        { length: 40 },
        (_, m) => `G1 X${f(60 + (m % 5) * 3.3)} Y${f(60 + (m % 7) * 2.1)} F12000`,
      ),
    ]).flat(),
  ),
  sample('far from the centre', [
    'G1 X0 Y0 F6000',
    ...[100, 115, 118, 121, 125, 128].flatMap(x => [
      `G1 X${x} F12000`,
      `G1 Y${x / 9}`,
      'G1 X0',
      'G1 Y0',
      'G1 Z1',
    ]),
    ...Array.from({ length: 60 }, (_, n) => line([124 * Math.cos(n / 10), 124 * Math.sin(n / 10)])),
  ]),
  ...[1, 2, 3].map(seed => sample(`a random path ${seed}`, ['G1 F4800', ...wandering(seed, 6 * seed, 700)])),
  ...[4, 5].map(seed =>
    sample(`a random path of short lines ${seed}`, ['G1 F7200', ...wandering(seed, 0.8, 1500)]),
  ),
]
