// A program with the command line of Klipper Estimator, for tests. The name of the file steers what goes wrong.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const PROGRAM = `#!/usr/bin/env node
const { appendFileSync, readFileSync, writeFileSync } = require('node:fs')
const args = process.argv.slice(2)
appendFileSync(__dirname + '/calls.log', JSON.stringify(args) + '\\n')
const file = args.at(-1)
if (args[0] === '--version') console.log('klipper_estimator v3.7.3')
else if (file.includes('fail-')) {
  console.error('cannot read ' + file)
  process.exitCode = 101
} else if (file.includes('garbage-')) console.log('no json')
else if (file.includes('empty-')) console.log('{"sequences":[]}')
else if (args.includes('estimate')) {
  console.log(JSON.stringify({ sequences: [{
    total_time: 12.5, total_distance: 100, total_extrude_distance: 4, max_flow: null, max_speed: 50, num_moves: 2,
    total_z_time: 0, total_output_time: 12, total_travel_time: 0.5, total_extrude_only_time: 0,
    phase_times: { acceleration: 1, cruise: 10.5, deceleration: 1 }, kind_times: { Perimeter: 12 }, layer_times: [[0.2, 12.5]],
  }] }))
} else if (args.includes('post-process')) {
  const text = readFileSync(file, 'utf8').replace(/= 1h/, '= 2h')
  writeFileSync(file, text + '; Processed by klipper_estimator v3.7.3, detected slicer PrusaSlicer\\n')
}
`

const PLATFORM = process.arch === 'x64' ? 'linux' : 'rpi'
/** The program's name on this machine. */
export const PROGRAM_NAME = `klipper_estimator_${process.platform === 'darwin' ? 'osx' : PLATFORM}`

/** Installs the program in a data folder. */
export function installFakeEstimator(dataPath: string): void {
  const folder = join(dataPath, 'tools', 'klipper_estimator')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, PROGRAM_NAME), PROGRAM)
  chmodSync(join(folder, PROGRAM_NAME), 0o755)
}

/** The arguments of all calls so far. */
export function callsOf(dataPath: string): string[][] {
  const text = readFileSync(join(dataPath, 'tools', 'klipper_estimator', 'calls.log'), 'utf8')
  return text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as string[])
}
